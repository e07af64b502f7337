//! What the command line may say: `period-us=1000 periods=0`.

use rt::command_line::CommandLine;

/// Options of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Length of a period in microseconds, 10 to 1,000,000.
    pub period_us: u64,
    /// Periods until the summary and power-off; 0 means for ever.
    pub periods: u64,
}

/// The option that is wrong, and the text it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mistake<'a> {
    /// Its key.
    pub key: &'static str,
    /// Its text, as given.
    pub value: &'a str,
}

/// Reads the options.
///
/// # Errors
/// [`Mistake`]: a value that is no number or lies out of range. A real-time guest must not run with
/// a period that nobody asked for.
pub fn parse(line: CommandLine<'_>) -> Result<Options, Mistake<'_>> {
    let number = |key, default| {
        line.number(key, default)
            .map_err(|value| Mistake { key, value })
    };
    let options = Options {
        period_us: number("period-us", 1000)?,
        periods: number("periods", 0)?,
    };
    if (10..=1_000_000).contains(&options.period_us) {
        Ok(options)
    } else {
        let key = "period-us";
        Err(Mistake {
            key,
            value: line.value(key).unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Mistake, Options, parse};
    use rt::command_line::CommandLine;

    #[test]
    fn an_empty_line_means_a_millisecond_for_ever() {
        assert_eq!(
            parse(CommandLine("")),
            Ok(Options {
                period_us: 1000,
                periods: 0
            })
        );
    }

    #[test]
    fn a_period_out_of_range_or_no_number_is_refused() {
        let refused = |value| {
            Err(Mistake {
                key: "period-us",
                value,
            })
        };
        assert_eq!(parse(CommandLine("period-us=9")), refused("9"));
        assert_eq!(parse(CommandLine("period-us=1000001")), refused("1000001"));
        assert_eq!(parse(CommandLine("period-us=1ms")), refused("1ms"));
    }
}
