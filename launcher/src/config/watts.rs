//! Watts of a machine, as the configuration has them.

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// With nothing to do and with all cores busy, in milliwatts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watts(u32, u32);

impl Watts {
    /// Idle and busy, in watts.
    pub fn pair(self) -> (f64, f64) {
        (f64::from(self.0) / 1000.0, f64::from(self.1) / 1000.0)
    }
}

impl Serialize for Watts {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (idle, busy) = self.pair();
        to.serialize_str(&format!("{idle}-{busy}"))
    }
}

impl<'de> Deserialize<'de> for Watts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let wrong = || D::Error::invalid_value(Unexpected::Str(&text), &"two numbers of watts");
        let (idle, busy) = rtx_runtime::board::command::watts(&text).map_err(|_| wrong())?;
        Ok(Watts(idle, busy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watts_are_read_and_written_alike() {
        let watts: Watts = serde_json::from_str("\"60-180.5\"").expect("two numbers");
        assert_eq!(watts.pair(), (60.0, 180.5));
        assert_eq!(serde_json::to_string(&watts).expect("text"), "\"60-180.5\"");
        assert!(serde_json::from_str::<Watts>("\"180-60\"").is_err());
    }
}
