//! The policy in a file: a name, a list of names, or a table of one policy with its parameters.
//!
//! ```toml
//! policy = ["guard-memory", "congestion"]
//!
//! [policy]
//! name = "congestion"            # or script = "./mine.rhai", or chain = [...]
//! horizon = "30s"
//! ```

use std::fmt;

use super::boards::said;

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Reads any of the forms into that of `--policy`; an error is what is wrong, for people.
pub fn of_value(value: &figment::value::Value) -> Result<String, String> {
    let read: Result<Form, _> = value.deserialize();
    read.map(|Form(text)| text).map_err(|error| said(&error))
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    from.deserialize_any(Forms)
}

struct Forms;

impl<'de> Visitor<'de> for Forms {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("the name of a policy in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<String, A::Error> {
        let mut names = Vec::new();
        while let Some(Form(name)) = list.next_element()? {
            names.push(name);
        }
        Ok(names.join("+"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<String, A::Error> {
        let mut name = None;
        let mut parameters = Vec::new();
        while let Some(key) = table.next_key::<String>()? {
            match key.as_str() {
                "name" | "script" | "chain" => {
                    let Form(text) = table.next_value()?;
                    name = Some(text);
                }
                _ => {
                    let Value(value) = table.next_value()?;
                    parameters.push(format!("{key}={value}"));
                }
            }
        }
        let name =
            name.ok_or_else(|| A::Error::custom("a policy's table without name, script or chain"))?;
        Ok(match parameters.is_empty() {
            true => name,
            false => format!("{name}:{}", parameters.join(",")),
        })
    }
}

/// One of the forms, within another one.
struct Form(String);

impl<'de> serde::Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        text(from).map(Form)
    }
}

/// A parameter's value.
struct Value(String);

impl<'de> serde::Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ValueForms).map(Value)
    }
}

struct ValueForms;

impl<'de> Visitor<'de> for ValueForms {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a number, or a value in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }

    /// `placement = { 1 = "board-1", worker = "home" }`.
    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<String, A::Error> {
        let mut pairs = Vec::new();
        while let Some((key, value)) = table.next_entry::<String, String>()? {
            pairs.push(format!("{key}@{value}"));
        }
        Ok(pairs.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct File {
        #[serde(deserialize_with = "text")]
        policy: String,
    }

    #[test]
    fn all_forms_are_put_into_that_of_the_flag() {
        let cases = [
            ("policy = \"static\"", "static"),
            (
                "policy = [\"guard-memory\", \"congestion:margin=3\"]",
                "guard-memory+congestion:margin=3",
            ),
            ("[policy]\nscript = \"./mine.rhai\"", "./mine.rhai"),
            (
                "[policy]\nname = \"congestion\"\nhorizon = \"30s\"\nmargin = 3",
                "congestion:horizon=30s,margin=3",
            ),
            (
                "[policy]\nname = \"static\"\nplacement = { 1 = \"b\", w = \"home\" }",
                "static:placement=1@b/w@home",
            ),
            (
                "policy = [{ name = \"guard-memory\", free = 9 }, \"never\"]",
                "guard-memory:free=9+never",
            ),
            (
                "[policy]\nchain = [\"guard-memory\", \"never\"]",
                "guard-memory+never",
            ),
        ];
        for (toml, expected) in cases {
            assert_eq!(toml::from_str::<File>(toml).expect(toml).policy, expected);
        }
        for wrong in ["policy = 3", "[policy]\nmargin = 3", "policy = [3]"] {
            assert!(toml::from_str::<File>(wrong).is_err(), "{wrong}");
        }
    }
}
