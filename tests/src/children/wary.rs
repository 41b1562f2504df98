//! Types that cannot be tried out with made-up values: decoding such a value ends the process,
//! panics or fails. Two interfaces use them, `Guard` and `Picky`.

use serde::{Deserialize, Deserializer, Serialize};

/// Ends the process for every number except [`Wary::REAL`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wary(u32);

impl Wary {
    /// The only allowed value.
    pub const REAL: Self = Self(0x00C0_FFEE);
}

impl Default for Wary {
    fn default() -> Self {
        Self::REAL
    }
}

impl<'de> Deserialize<'de> for Wary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        if Self(number) != Self::REAL {
            std::process::abort();
        }
        Ok(Self::REAL)
    }
}

/// An interface with such a type everywhere.
#[mpcore::process(config = Wary)]
pub trait Guard {
    /// Returns its argument.
    fn echo(&mut self, wary: Wary) -> Result<Vec<Wary>, Wary>;

    /// The last value.
    #[property]
    fn last(&self) -> Wary;

    /// Carries a value.
    #[event]
    fn met(&self, wary: Wary);
}

impl std::fmt::Display for Wary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

/// The child.
#[derive(mpcore::Child)]
#[child(Guard)]
pub struct GuardProcess {
    cx: GuardContext,
}

impl std::fmt::Debug for GuardProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GuardProcess")
    }
}

impl Guard for GuardProcess {
    fn echo(&mut self, wary: Wary) -> Result<Vec<Wary>, Wary> {
        self.cx.last.set(wary.clone());
        self.cx.met.emit(wary.clone());
        Ok(vec![wary])
    }
}

/// A level, which has to be positive; decoding panics otherwise, which is bad style and common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Level(u32);

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let level = u32::deserialize(deserializer)?;
        assert!(level > 5000, "a level is over 5000, not {level}");
        Ok(Self(level))
    }
}

/// A port, whose name begins with `COM`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Port(String);

impl TryFrom<String> for Port {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.starts_with("COM") { Ok(Self(text)) } else { Err("a port begins with COM") }
    }
}

/// News about a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// Nothing.
    None,
    /// The value after the port can only be reached if a port was made up.
    Mail(Port, i32),
}

/// An interface with types that refuse made-up values.
#[mpcore::process]
pub trait Picky {
    /// Returns the level, increased by one.
    fn raise(&mut self, level: Level) -> Level;

    /// Returns its argument as text.
    fn tell(&mut self, news: News) -> String;
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Picky)]
pub struct PickyProcess {}

impl Picky for PickyProcess {
    fn raise(&mut self, level: Level) -> Level {
        Level(level.0 + 1)
    }

    fn tell(&mut self, news: News) -> String {
        format!("{news:?}")
    }
}

impl Level {
    /// A high level.
    pub const HIGH: Self = Self(9000);
}

impl News {
    /// Some mail.
    #[must_use]
    pub fn mail(number: i32) -> Self {
        Self::Mail(Port("COM3".into()), number)
    }
}
