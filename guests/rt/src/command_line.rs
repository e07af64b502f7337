//! The command line as words: flags, and `key=value` options.
//!
//! Pure, so it is tested on a host. Also called: boot arguments, cmdline.

/// A command line.
#[derive(Clone, Copy, Debug)]
pub struct CommandLine<'a>(pub &'a str);

impl<'a> CommandLine<'a> {
    /// Whether `word` stands there as a word of its own.
    pub fn has(self, word: &str) -> bool {
        self.words().any(|w| w == word)
    }

    /// The value of the last `key=value`; a later one overrides an earlier one.
    pub fn value(self, key: &str) -> Option<&'a str> {
        self.words()
            .filter_map(|w| w.split_once('='))
            .filter(|(k, _)| *k == key)
            .map(|(_, v)| v)
            .last()
    }

    /// The value of `key` as a decimal number, or `default` if the key is absent.
    ///
    /// # Errors
    /// The text, if it is there and is no number: an option that does not parse must not be dropped.
    pub fn number(self, key: &str, default: u64) -> Result<u64, &'a str> {
        self.value(key)
            .map_or(Ok(default), |text| text.parse().map_err(|_| text))
    }

    fn words(self) -> impl Iterator<Item = &'a str> {
        self.0.split_ascii_whitespace()
    }
}

#[cfg(test)]
mod tests {
    use super::CommandLine;

    #[test]
    fn the_last_value_of_a_key_wins() {
        let line = CommandLine("rtos.elf period-us=500 quiet period-us=250");
        assert_eq!(line.number("period-us", 1000), Ok(250));
        assert!(line.has("quiet"));
    }

    #[test]
    fn an_absent_key_gives_the_default_and_a_bad_number_gives_its_text() {
        let line = CommandLine("periods=12x");
        assert_eq!(line.number("period-us", 1000), Ok(1000));
        assert_eq!(line.number("periods", 0), Err("12x"));
    }

    #[test]
    fn a_key_is_not_found_inside_another_word() {
        let line = CommandLine("xperiods=1 periods");
        assert_eq!(line.value("periods"), None);
        assert!(!line.has("xperiods"));
    }
}
