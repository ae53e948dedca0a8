//! The secret of a job: agents that rtx-run starts get it over their standard input, and serve nobody else.
//!
//! Each side shows the other that it knows the secret without telling it: a MAC over its own greeting
//! and a number that home has drawn for this connection. The board takes no such number twice, so that
//! who has listened on the network cannot begin a session with what was heard. It does not hide or
//! protect what follows: that needs an encrypted stream.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Mutex;

use bytes::Bytes;
use hmac::{Hmac, Mac};
use prost::Message;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::Sha256;

use super::greeting::{Hello, Welcome};

/// Bytes of a secret, and of a number that is used once.
const BYTES: usize = 32;
/// As many connections as a job ever makes to one board, many times over.
const MOST_CONNECTIONS: usize = 4096;

/// What home and the agents that it has started know, and nobody else. In text it is hexadecimal.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; BYTES]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// A new one, of the kernel's random numbers.
    pub fn new() -> io::Result<Self> {
        random().map(Self)
    }

    fn mac(&self, side: &[u8], nonce: &[u8], words: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length will do");
        mac.update(side);
        mac.update(&(nonce.len() as u64).to_le_bytes());
        mac.update(nonce);
        mac.update(words);
        mac
    }

    fn of_home(&self, hello: &Hello) -> Hmac<Sha256> {
        let bare = Hello {
            proof: Bytes::new(),
            ..hello.clone()
        };
        self.mac(b"rtx home", &hello.nonce, &bare.encode_to_vec())
    }

    fn of_board(&self, nonce: &[u8], welcome: &Welcome) -> Hmac<Sha256> {
        let bare = Welcome {
            proof: Bytes::new(),
            ..welcome.clone()
        };
        self.mac(b"rtx board", nonce, &bare.encode_to_vec())
    }

    /// Home: puts the proof into its greeting.
    pub fn sign_hello(&self, hello: &mut Hello) -> io::Result<()> {
        hello.nonce = Bytes::copy_from_slice(&random()?);
        hello.proof = Bytes::copy_from_slice(&self.of_home(hello).finalize().into_bytes());
        Ok(())
    }

    /// Board: puts the proof into its answer to `hello`.
    pub fn sign_welcome(&self, hello: &Hello, welcome: &mut Welcome) {
        let mac = self.of_board(&hello.nonce, welcome);
        welcome.proof = Bytes::copy_from_slice(&mac.finalize().into_bytes());
    }

    /// Home: whether the answer is of an agent that knows the secret.
    pub fn proves_welcome(&self, hello: &Hello, welcome: &Welcome) -> bool {
        let mac = self.of_board(&hello.nonce, welcome);
        mac.verify_slice(&welcome.proof).is_ok()
    }
}

fn random() -> io::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&hex)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || serde::de::Error::custom("a secret has 64 hexadecimal digits");
        let hex = String::deserialize(deserializer)?;
        if hex.len() != 2 * BYTES || !hex.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; BYTES];
        for (i, byte) in bytes.iter_mut().enumerate() {
            let digits = &hex[2 * i..2 * i + 2];
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

/// Board: who may have a session.
#[derive(Debug, Default)]
pub struct Admission {
    secret: Option<Secret>,
    seen: Mutex<HashSet<Bytes>>,
}

impl Admission {
    /// Only homes that know the secret; `None`: anybody.
    pub fn new(secret: Option<Secret>) -> Self {
        Self {
            secret,
            seen: Mutex::default(),
        }
    }

    /// Whether the caller may. A greeting is good for one time.
    pub fn admits(&self, hello: &Hello) -> bool {
        let Some(secret) = &self.secret else {
            return true;
        };
        if hello.nonce.len() != BYTES || secret.of_home(hello).verify_slice(&hello.proof).is_err() {
            return false;
        }
        let mut seen = self.seen.lock().expect("nobody panics holding it");
        seen.len() < MOST_CONNECTIONS && seen.insert(hello.nonce.clone())
    }

    /// Puts the proof into the answer, if there is a secret.
    pub fn sign(&self, hello: &Hello, welcome: &mut Welcome) {
        if let Some(secret) = &self.secret {
            secret.sign_welcome(hello, welcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(secret: &Secret) -> Hello {
        let mut hello = Hello {
            program: "app".into(),
            ..Hello::default()
        };
        secret.sign_hello(&mut hello).expect("random numbers");
        hello
    }

    #[test]
    fn only_who_knows_the_secret_is_admitted_and_once() {
        let secret = Secret::new().expect("random numbers");
        let admission = Admission::new(Some(secret.clone()));
        let hello = greeting(&secret);
        assert!(admission.admits(&hello));
        assert!(!admission.admits(&hello), "a greeting that was heard");
        assert!(admission.admits(&greeting(&secret)));
        assert!(!admission.admits(&greeting(&Secret::new().expect("random numbers"))));
        assert!(!admission.admits(&Hello::default()));
        let mut changed = greeting(&secret);
        changed.program = "other".into();
        assert!(!admission.admits(&changed));
        let mut short = greeting(&secret);
        short.proof.truncate(8);
        assert!(!admission.admits(&short));
        assert!(Admission::new(None).admits(&Hello::default()));
    }

    #[test]
    fn the_board_proves_itself_for_this_connection() {
        let secret = Secret::new().expect("random numbers");
        let (first, second) = (greeting(&secret), greeting(&secret));
        let mut welcome = Welcome {
            name: "b".into(),
            ..Welcome::default()
        };
        assert!(!secret.proves_welcome(&first, &welcome));
        Admission::new(Some(secret.clone())).sign(&first, &mut welcome);
        assert!(secret.proves_welcome(&first, &welcome));
        assert!(!secret.proves_welcome(&second, &welcome));
        welcome.cores = 9;
        assert!(!secret.proves_welcome(&first, &welcome));
    }

    #[test]
    fn in_text_it_is_hexadecimal_and_never_shown() {
        let secret = Secret::new().expect("random numbers");
        let text = serde_json::to_string(&secret).expect("text");
        assert_eq!(text.len(), 66);
        assert_eq!(serde_json::from_str::<Secret>(&text).expect("read"), secret);
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        for wrong in ["\"\"", "\"0g\"", "3"] {
            assert!(serde_json::from_str::<Secret>(wrong).is_err());
        }
        let wrong = format!("\"{}\"", "g".repeat(64));
        assert!(serde_json::from_str::<Secret>(&wrong).is_err());
    }
}
