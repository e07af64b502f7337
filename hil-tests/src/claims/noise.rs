//! Text that cannot be guessed, and its digest.
//!
//! Owns: a small generator, so that a seed names a whole text.

use anyhow::{Context, Result, ensure};
use std::io::Write;
use std::process::{Command, Stdio};

/// `length` letters and digits in lines of 64, from `seed`.
pub fn letters(length: usize, seed: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut letter = |place: usize| {
        // xorshift64: Marsaglia, Journal of Statistical Software 8(14).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        match place % 64 {
            63 => '\n',
            _ => char::from(LETTERS[(state >> 58) as usize]),
        }
    };
    (0..length).map(&mut letter).collect()
}

/// The MD5 digest that `md5sum` prints; busybox in the guest has the same program.
pub fn md5(bytes: &[u8]) -> Result<String> {
    let mut child = Command::new("md5sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("md5sum")?;
    let mut pipe = child.stdin.take().context("md5sum")?;
    pipe.write_all(bytes).context("md5sum")?;
    drop(pipe);
    let output = child.wait_with_output().context("md5sum")?;
    ensure!(output.status.success(), "md5sum failed");
    let said = String::from_utf8(output.stdout).context("md5sum")?;
    Ok(said.split_whitespace().next().unwrap_or_default().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_a_text_and_another_seed_another() {
        assert_eq!(letters(1000, 1), letters(1000, 1));
        assert_ne!(letters(1000, 1), letters(1000, 2));
        assert_eq!(letters(1000, 1).lines().next().map(str::len), Some(63));
    }

    #[test]
    fn the_digest_is_md5() {
        let digest = md5(b"abc").expect("md5sum is there");
        assert_eq!(digest, "900150983cd24fb0d6963f7d28e17f72");
    }
}
