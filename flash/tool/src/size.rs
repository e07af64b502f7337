//! Sizes as people write them: `512 MiB` to bytes and back.
//!
//! Owns: the grammar of sizes in plans and on the command line. Units are binary
//! and spelled out (`KiB`, `MiB`, `GiB`); a bare number or `MB` is refused, for
//! a factor of 1.049 has cost enough people an afternoon. On the command line
//! QEMU's short forms `512M` and `2G` are taken too.

/// Bytes of a mebibyte.
pub const MIB: u64 = 1 << 20;

/// Reads `NUMBER UNIT`; `None` when it is not such a size or exceeds 64 bits.
pub fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim() {
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// As [`parse`], and the short forms `K`, `M`, `G` of the command line.
pub fn parse_argument(text: &str) -> Result<u64, String> {
    let long = match text.trim().as_bytes().last() {
        Some(b'K' | b'M' | b'G') => format!("{text}iB"),
        _ => text.to_owned(),
    };
    parse(&long).ok_or_else(|| "write a number with a unit, for example 512M or \"2 GiB\"".into())
}

/// `bytes` in the largest unit it fills, with one decimal, rounded up, unless whole.
pub fn human(bytes: u64) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        let one = 1u64 << shift;
        if bytes >= one {
            return if bytes.is_multiple_of(one) {
                format!("{} {unit}", bytes / one)
            } else {
                format!(
                    "{:.1} {unit}",
                    (bytes as f64 / one as f64 * 10.0).ceil() / 10.0
                )
            };
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_need_a_binary_unit() {
        assert_eq!(parse("512 MiB"), Some(512 * MIB));
        assert_eq!(parse("2GiB"), Some(2048 * MIB));
        for wrong in [
            "512",
            "512 MB",
            "512M",
            "MiB",
            "-1 MiB",
            "1.5 GiB",
            "99999999999 GiB",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse_argument("2G"), Ok(2048 * MIB));
    }

    #[test]
    fn human_sizes_read_back() {
        for bytes in [MIB, 512 * MIB, 3 << 30, 4096] {
            assert_eq!(parse(&human(bytes)), Some(bytes));
        }
    }
}
