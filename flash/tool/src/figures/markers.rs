//! Putting the table between two comments of a Markdown document.
//!
//! Owns: the two comments. What lies between them belongs to `cargo figures --write`,
//! everything else to the document's author.

use crate::failure::Failure;
use anyhow::Context;
use std::path::Path;

/// Stands before the table.
pub const BEGIN: &str = "<!-- figures: written by `cargo figures --write` -->";
/// Stands behind it.
pub const END: &str = "<!-- figures: end -->";

/// The document with `table` between its markers; `None` without both, in order.
pub fn replaced(document: &str, table: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{table}\n{END}{after}"))
}

/// Writes `table` into the file at `path`.
///
/// # Errors
/// The file cannot be read or written, or has no markers.
pub fn write(path: &Path, table: &str) -> Result<(), Failure> {
    let shown = path.display();
    let document = std::fs::read_to_string(path).with_context(|| format!("reading `{shown}`"))?;
    let new = replaced(&document, table).ok_or_else(|| {
        Failure::usage(format!(
            "`{shown}` has no place for the table: two lines, `{BEGIN}` and `{END}`"
        ))
    })?;
    std::fs::write(path, new).with_context(|| format!("writing `{shown}`"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_twice_is_writing_once() {
        let document = format!("# T\n\n{BEGIN}\nold\n{END}\n\ntail\n");
        let once = replaced(&document, "| a |\n").expect("both markers");
        assert_eq!(once, format!("# T\n\n{BEGIN}\n\n| a |\n\n{END}\n\ntail\n"));
        assert_eq!(replaced(&once, "| a |\n").as_ref(), Some(&once));
    }

    #[test]
    fn without_both_markers_in_order_nothing_is_written() {
        assert_eq!(replaced("text", "t"), None);
        assert_eq!(replaced(BEGIN, "t"), None);
        assert_eq!(replaced(&format!("{END}{BEGIN}"), "t"), None);
    }
}
