//! Rows become a table with columns as wide as they need, or lines of JSON.
//!
//! Columns are measured by writing every cell to a writer that only counts, so
//! no row is stored. A row says its cells once and gets both forms.

use core::fmt::{self, Write};

/// Blanks between two columns.
const SEPARATOR: usize = 2;

/// How a column is set and what its JSON value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Column {
    /// Left-aligned; a JSON string.
    Text,
    /// Right-aligned; a JSON number (`null` when the cell is empty).
    Number,
}

/// Title, JSON key and setting of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// Shown above the column.
    pub title: &'static str,
    /// Key in JSON.
    pub key: &'static str,
    /// Setting.
    pub column: Column,
}

/// A left-aligned column of text.
pub const fn text(title: &'static str, key: &'static str) -> Head {
    Head {
        title,
        key,
        column: Column::Text,
    }
}

/// A right-aligned column of numbers.
pub const fn number(title: &'static str, key: &'static str) -> Head {
    Head {
        title,
        key,
        column: Column::Number,
    }
}

/// Something that fills one line of a table.
pub trait Row {
    /// Its columns.
    const HEADS: &'static [Head];
    /// Value of `"schema"` in JSON.
    const SCHEMA: &'static str;

    /// Writes the cell of a column for people.
    fn cell(&self, column: usize, out: &mut dyn Write) -> fmt::Result;

    /// Writes the cell of a column for programs, where that differs (a number
    /// without its unit).
    fn value(&self, column: usize, out: &mut dyn Write) -> fmt::Result {
        self.cell(column, out)
    }
}

/// Writes a headed table; a line that says so when there are no rows.
pub fn table<R: Row>(rows: &[R], out: &mut dyn Write) -> fmt::Result {
    if rows.is_empty() {
        return out.write_str("(none)\r\n");
    }
    let width = |column: usize, title: &str| {
        let cells = rows.iter().map(|row| width_of(|out| row.cell(column, out)));
        cells.max().unwrap_or(0).max(title.len())
    };
    line::<R>(
        out,
        |column, out| out.write_str(R::HEADS.get(column).map_or("", |head| head.title)),
        width,
    )?;
    for row in rows {
        line::<R>(out, |column, out| row.cell(column, out), width)?;
    }
    Ok(())
}

/// Writes one JSON object a row.
pub fn json<R: Row>(rows: &[R], out: &mut dyn Write) -> fmt::Result {
    for row in rows {
        write!(out, "{{\"schema\":\"{}\"", R::SCHEMA)?;
        for (column, head) in R::HEADS.iter().enumerate() {
            write!(out, ",\"{}\":", head.key)?;
            match head.column {
                Column::Number if width_of(|out| row.value(column, out)) == 0 => {
                    out.write_str("null")?
                }
                Column::Number => row.value(column, out)?,
                Column::Text => {
                    out.write_char('"')?;
                    row.value(column, &mut Quoted { out })?;
                    out.write_char('"')?;
                }
            }
        }
        out.write_str("}\r\n")?;
    }
    Ok(())
}

/// Writes one line. Blanks are owed until something follows them, so that no
/// line ends in blanks.
fn line<R: Row>(
    out: &mut dyn Write,
    cell: impl Fn(usize, &mut dyn Write) -> fmt::Result,
    width: impl Fn(usize, &str) -> usize,
) -> fmt::Result {
    let mut owed = 0;
    for (column, head) in R::HEADS.iter().enumerate() {
        let used = width_of(|out| cell(column, out));
        let spare = width(column, head.title).saturating_sub(used);
        let (before, after) = match head.column {
            Column::Text => (0, spare),
            Column::Number => (spare, 0),
        };
        owed += before;
        if used != 0 {
            write!(out, "{:owed$}", "")?;
            cell(column, out)?;
            owed = 0;
        }
        owed += after + SEPARATOR;
    }
    out.write_str("\r\n")
}

/// Characters that `write` writes.
fn width_of(write: impl FnOnce(&mut dyn Write) -> fmt::Result) -> usize {
    let mut counted = Counted(0);
    // Counting cannot fail.
    let _ = write(&mut counted);
    counted.0
}

struct Counted(usize);

impl Write for Counted {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(s.chars().count());
        Ok(())
    }
}

/// Escapes what a JSON string may not hold.
struct Quoted<'a> {
    out: &'a mut dyn Write,
}

impl Write for Quoted<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for c in s.chars() {
            match c {
                '"' | '\\' => write!(self.out, "\\{c}")?,
                c if u32::from(c) < 0x20 => write!(self.out, "\\u{:04x}", u32::from(c))?,
                c => self.out.write_char(c)?,
            }
        }
        Ok(())
    }
}
