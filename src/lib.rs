//! Trunkline carries bulk operations to contact-centre platforms, durably and at the pace that the platform
//! allows, and lets people watch and mend them.
//!
//! The house has four floors; a module knows only those below its own.
//!
//! ```text
//!  floor 4   cli        headless      tui              what a person sees
//!  floor 3   engine     report     doctor              carrying a plan out
//!  floor 2   operation  pacing        journal          what to send, when, and what became of it
//!            coordination                              what several runs and machines do once
//!  floor 1   dataset    platform      config   plan    files, wire, settings
//!            database                                  what SQLite files have in common
//!            model      text      plain     files      shared words, safe text, words for people, regular files
//!  apart     sandbox                                   the simulated platforms: shares nothing with the client
//! ```
//!
//! A record's way through it:
//!
//! ```text
//! file ──dataset──▶ records ──operation──▶ items ──bounded queue──▶ workers ──platform──▶ the tenant
//!                      │ invalid                                      │  ▲
//!                      ▼                                       answer ▼  │ pacing: may I? how long? again?
//!                   journal ◀────────── one writer, group commits ───────┘
//!                      │
//!                      └──▶ figures and events ──▶ tui │ headless     (the engine never waits for either)
//! ```

pub mod cli;
pub mod config;
pub mod coordination;
mod database;
pub mod dataset;
pub mod doctor;
pub mod engine;
mod files;
pub mod headless;
pub mod journal;
pub mod machine;
pub mod model;
pub mod operation;
pub mod pacing;
pub mod plain;
pub mod plan;
pub mod platform;
pub mod report;
pub mod sandbox;
pub mod text;
pub mod tui;
pub mod user;

#[cfg(test)]
#[path = "../tests/support/hostile.rs"]
mod hostile;
