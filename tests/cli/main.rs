//! The program from outside: what is typed, what comes out, how it ends, and what the platform saw of it.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod events;
#[cfg(test)]
mod input;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod looking;
#[cfg(test)]
mod mending;
