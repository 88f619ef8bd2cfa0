//! Aligned columns for people.
//!
//! The widths are those of the first rows; what comes later and is wider moves its row, and is never cut: a person
//! copies ids and keys out of these tables.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

/// How many rows the widths are taken from.
const MEASURED: usize = 512;

/// To which side a column's cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column(pub &'static str, pub Align);

/// A table that is being written.
pub struct Table<'w> {
    out: &'w mut dyn Write,
    columns: &'static [Column],
    waiting: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
}

impl<'w> Table<'w> {
    /// Begins a table of these columns.
    pub fn begin(out: &'w mut dyn Write, columns: &'static [Column]) -> Self {
        let header = columns.iter().map(|column| column.0.to_owned()).collect();
        Self { out, columns, waiting: vec![header], widths: None }
    }

    /// Adds a row; an empty cell is shown as `–`.
    ///
    /// # Errors
    ///
    /// It could not be written.
    pub fn row(&mut self, cells: Vec<String>) -> io::Result<()> {
        if let Some(widths) = &self.widths {
            return write_row(self.out, self.columns, widths, &cells);
        }
        self.waiting.push(cells);
        if self.waiting.len() > MEASURED { self.write_waiting() } else { Ok(()) }
    }

    /// Ends the table.
    ///
    /// # Errors
    ///
    /// It could not be written.
    pub fn end(mut self) -> io::Result<()> {
        if self.widths.is_none() { self.write_waiting() } else { Ok(()) }
    }

    fn write_waiting(&mut self) -> io::Result<()> {
        let mut widths = vec![0; self.columns.len()];
        for row in &self.waiting {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(shown(cell).width());
            }
        }
        for row in std::mem::take(&mut self.waiting) {
            write_row(self.out, self.columns, &widths, &row)?;
        }
        self.widths = Some(widths);
        Ok(())
    }
}

fn shown(cell: &str) -> &str {
    if cell.is_empty() { "–" } else { cell }
}

fn write_row(out: &mut dyn Write, columns: &[Column], widths: &[usize], cells: &[String]) -> io::Result<()> {
    let mut line = String::new();
    for ((column, width), cell) in columns.iter().zip(widths).zip(cells) {
        let cell = shown(cell);
        let space = " ".repeat(width.saturating_sub(cell.width()));
        if !line.is_empty() {
            line.push_str("  ");
        }
        match column.1 {
            Align::Left => line.extend([cell, &space]),
            Align::Right => line.extend([&space, cell]),
        }
    }
    writeln!(out, "{}", line.trim_end())
}
