//! Watts of a machine, as the configuration has them: `"60-180"` or `{ idle = 60, busy = 180 }`.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a machine takes from the wall, in watts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Watts {
    /// While it does nothing.
    pub idle: f64,
    /// While all its cores are busy.
    pub busy: f64,
}

impl Watts {
    /// Idle and busy, in watts.
    pub fn pair(self) -> (f64, f64) {
        (self.idle, self.busy)
    }

    /// Whether a machine can be so.
    pub fn is_possible(self) -> bool {
        let power = |w: f64| w.is_finite() && w >= 0.0;
        power(self.idle) && power(self.busy) && self.idle <= self.busy
    }
}

impl Serialize for Watts {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{}-{}", self.idle, self.busy))
    }
}

impl<'de> Deserialize<'de> for Watts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Forms)
    }
}

struct Forms;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    idle: f64,
    busy: f64,
}

impl<'de> Visitor<'de> for Forms {
    type Value = Watts;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("idle and busy watts")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Watts, E> {
        let wrong = |_| E::invalid_value(Unexpected::Str(text), &self);
        let (idle, busy) = rtx_runtime::board::command::watts(text).map_err(wrong)?;
        Ok(Watts {
            idle: f64::from(idle) / 1000.0,
            busy: f64::from(busy) / 1000.0,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Watts, A::Error> {
        let Table { idle, busy } = Table::deserialize(MapAccessDeserializer::new(table))?;
        Ok(Watts { idle, busy })
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
        let table = "{\"idle\": 60, \"busy\": 180.5}";
        let same: Watts = serde_json::from_str(table).expect("a table");
        assert_eq!(same, watts);
        assert!(serde_json::from_str::<Watts>("{\"idle\": 60}").is_err());
        let swapped = Watts {
            idle: 180.5,
            busy: 60.0,
        };
        assert!(watts.is_possible() && !swapped.is_possible());
    }
}
