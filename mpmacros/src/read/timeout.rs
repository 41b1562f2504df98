//! Converts the text of `#[timeout = ".."]`: from `"1m30s"` to milliseconds, and back to words for
//! the documentation.
//!
//! This needs no crate: the result is a number in the generated code, every other form is one
//! mistake with one message, and no value is rounded silently.

use syn::LitStr;

/// The units, longest first, each with its milliseconds.
const UNITS: [(&str, u128); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The longest timeout, 49 days: milliseconds are sent as `u32`.
const MOST: u128 = u32::MAX as u128;

/// The maximum number of digits: more would exceed the longest timeout or a millisecond's
/// precision.
const DIGITS: usize = 10;

/// Returns the milliseconds of a timeout, or the error message for its literal.
pub(crate) fn milliseconds(text: &LitStr) -> Result<u32, String> {
    parse(&text.value()).map_err(|why| match why {
        Wrong::Form => {
            format!("{:?} is not a duration; {FORMS}", text.value())
        }
        Wrong::Fine => {
            format!("{:?} is finer than a millisecond, and a timeout is not", text.value())
        }
        Wrong::Zero => "a timeout of nothing would end the command before it has begun; give it \
                        time, or remove the attribute"
            .to_owned(),
        Wrong::Long => {
            format!("{:?} is too long: a timeout is at most 49 days; {NONE}", text.value())
        }
    })
}

/// The forms of a timeout, for error messages.
pub(crate) const FORMS: &str =
    "write it like \"5s\", \"250ms\", \"2m\", \"1h\", \"1m30s\" or \"1.5s\"";

const NONE: &str = "without the attribute the command takes as long as it needs";

/// Returns a timeout in words: "1 min 30 s", "1.5 s", "250 ms".
pub(crate) fn in_words(milliseconds: u32) -> String {
    if milliseconds < 1_000 {
        return format!("{milliseconds} ms");
    }
    let (seconds, rest) = (milliseconds / 1_000, milliseconds % 1_000);
    let mut words = Vec::new();
    for (count, unit) in [(seconds / 3_600, "h"), (seconds / 60 % 60, "min")] {
        if count > 0 {
            words.push(format!("{count} {unit}"));
        }
    }
    let seconds = match rest {
        0 => (seconds % 60).to_string(),
        _ => format!("{}.{rest:03}", seconds % 60).trim_end_matches('0').to_owned(),
    };
    if seconds != "0" {
        words.push(format!("{seconds} s"));
    }
    words.join(" ")
}

/// What is wrong with the text of a timeout.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    Form,
    Fine,
    Zero,
    Long,
}

/// Parses numbers with units, longest unit first and each at most once.
fn parse(text: &str) -> Result<u32, Wrong> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut sum = 0;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, after) = split(after, |c| c.is_ascii_alphabetic());
        // Units before it are not allowed any more.
        let (_, scale) = units.find(|(name, _)| *name == unit).ok_or(Wrong::Form)?;
        sum += scaled(number, *scale)?;
        rest = after;
    }
    match sum {
        0 if text.is_empty() => Err(Wrong::Form),
        0 => Err(Wrong::Zero),
        sum if sum > MOST => Err(Wrong::Long),
        sum => u32::try_from(sum).map_err(|_| Wrong::Long),
    }
}

/// Splits the text before the first character for which `belongs` is false.
fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// Returns a number such as `1.5`, in a unit of `scale` milliseconds.
fn scaled(number: &str, scale: u128) -> Result<u128, Wrong> {
    let (whole, fraction) = match number.split_once('.') {
        Some((_, "")) => return Err(Wrong::Form),
        Some(halves) => halves,
        None => (number, ""),
    };
    if whole.is_empty() || fraction.contains('.') {
        return Err(Wrong::Form);
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    if whole.len() > DIGITS {
        return Err(Wrong::Long);
    }
    if fraction.len() > DIGITS {
        return Err(Wrong::Fine);
    }
    // Only digits, and few enough not to overflow.
    let value = |digits: &str| digits.bytes().fold(0, |sum, d| sum * 10 + u128::from(d - b'0'));
    let parts = 10u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    let fraction = value(fraction) * scale;
    if !fraction.is_multiple_of(parts) {
        return Err(Wrong::Fine);
    }
    Ok(value(whole) * scale + fraction / parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        let cases = [
            ("5s", 5_000, "5 s"),
            ("250ms", 250, "250 ms"),
            ("2m", 120_000, "2 min"),
            ("1h", 3_600_000, "1 h"),
            ("1m30s", 90_000, "1 min 30 s"),
            ("1.5s", 1_500, "1.5 s"),
            ("90s", 90_000, "1 min 30 s"),
            ("1h0m0s5ms", 3_600_005, "1 h 0.005 s"),
            ("0.5m", 30_000, "30 s"),
            ("007s", 7_000, "7 s"),
            ("1.50s", 1_500, "1.5 s"),
            ("4294967295ms", u32::MAX, "1193 h 2 min 47.295 s"),
        ];
        for (text, expected, words) in cases {
            assert_eq!(parse(text), Ok(expected), "{text}");
            assert_eq!(in_words(expected), words, "{text}");
        }
    }

    #[test]
    fn everything_else_is_one_mistake() {
        let forms = [
            "", " ", "5", "s", "5 s", "1m 30s", "-5s", "+5s", "5sec", "5S", "5d", "1e3s", "5s5",
            "30s1m", "1s1s", ".5s", "5.s", "1.2.3s", ".s", "5µs", "５s", "∞", "5s\n", "0x5s",
        ];
        for text in forms {
            assert_eq!(parse(text), Err(Wrong::Form), "{text:?}");
        }
        for text in ["0s", "0ms", "0h0m", "0.0s"] {
            assert_eq!(parse(text), Err(Wrong::Zero), "{text:?}");
        }
        for text in ["0.5ms", "1.0005s", "0.33333m", "0.00000000001h"] {
            assert_eq!(parse(text), Err(Wrong::Fine), "{text:?}");
        }
        let endless = format!("{}s", "9".repeat(5_000));
        for text in ["4294967296ms", "1194h", "99999999999h", &endless] {
            assert_eq!(parse(text), Err(Wrong::Long), "{text:.20?}");
        }
    }
}
