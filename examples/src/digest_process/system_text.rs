//! Paths in an interface that scripts call too.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path or a name of the operating system, which need not be UTF-8.
///
/// Between processes it travels unchanged. In a human-readable format, such as JavaScript values,
/// it is a string, and a path that is not UTF-8 loses what cannot be represented.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemText(pub OsString);

impl Serialize for SystemText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            self.0.to_string_lossy().serialize(serializer)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for SystemText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer).map(|text| Self(text.into()))
        } else {
            OsString::deserialize(deserializer).map(Self)
        }
    }
}

impl From<OsString> for SystemText {
    fn from(text: OsString) -> Self {
        Self(text)
    }
}

impl From<PathBuf> for SystemText {
    fn from(path: PathBuf) -> Self {
        Self(path.into_os_string())
    }
}

impl From<&Path> for SystemText {
    fn from(path: &Path) -> Self {
        Self(path.as_os_str().to_owned())
    }
}
