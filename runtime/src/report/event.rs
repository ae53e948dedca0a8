//! What happens to threads, one by one, as it happens: the single source of `--events`, `--metrics`,
//! `--progress` and of the report's timeline.

use serde::{Deserialize, Serialize};

use super::causes::{RecallCause, Stay};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, in seconds since the program's start (or the attaching to it).
    pub t_s: f64,
    /// The thread's id at home; the program's own for what concerns all of it.
    pub tid: i32,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened. Boards are called by their names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// The thread exists.
    Born,
    /// It leaves for a board.
    Offload {
        /// Where it goes.
        board: String,
        /// Why, in the policy's words, or rtx's if the policy was not asked.
        reason: String,
    },
    /// The board has said that it runs there.
    Runs {
        /// Where.
        board: String,
    },
    /// The policy wants it back.
    Recall {
        /// Why, in its words.
        reason: String,
    },
    /// It came home.
    Home {
        /// From where.
        board: String,
        /// What brought it.
        cause: RecallCause,
    },
    /// It was to go to a board and stays where it is. Told once for each change of reason.
    Refused {
        /// Where it was to go, if that is still known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        board: Option<String>,
        /// Why it stays.
        reason: Refusal,
    },
    /// The program stays at home from now on.
    Keep {
        /// Why.
        reason: String,
    },
    /// A board is lost.
    Lost {
        /// Which.
        board: String,
        /// How that was noticed.
        reason: String,
    },
    /// The thread has ended.
    Ended {
        /// Why the policy had left it at home, if it never was on a board and the policy tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stayed: Option<String>,
    },
}

macro_rules! refusals {
    ($($(#[doc = $doc:literal])+ $name:ident: $meaning:literal,)+) => {
        /// Why a thread that was to go to a board stays where it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Refusal {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Refusal {
            /// All of them.
            pub const ALL: &[Refusal] = &[$(Refusal::$name),+];

            /// Why, for users: a clause that begins with "it" or "the program".
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Refusal::$name => $meaning,)+
                }
            }
        }
    };
}

refusals! {
    /// The board is lost.
    BoardLost: "the board is lost",
    /// The board is to have no threads any more: the operator wants that, or its owner.
    BoardLeaves: "the board was to leave",
    /// It moves already, or home is in the middle of something with it.
    Busy: "it was in the middle of a move or of a call at home",
    /// It came home for what home had to judge, and would at once again.
    JustHome: "it had just come home for something that only home can do",
    /// It waits in a system call, and the policy moves only threads that run.
    Blocked: "it waited in a system call",
    /// It is in a system call that cannot be taken along.
    InCall: "it was in a system call that cannot be taken along",
    /// A signal or fault is to be delivered to it first.
    Signal: "a signal was to be delivered to it first",
    /// No thread goes to boards any more.
    Closed: "the program stays at home",
    /// Threads wait in calls that forbid to prepare the program.
    Unready: "the program could not be prepared at that moment",
    /// It is in a restartable sequence that cannot be left.
    RestartableSequence: "it uses restartable sequences and could not leave them",
    /// It runs code of the kernel's vDSO.
    Vdso: "it was in code of the kernel's vDSO",
    /// The processor holds state of it that cannot travel.
    ProcessorState: "the processor held state of it that cannot travel",
    /// To another instruction set: it came to no equivalence point.
    NoPoint: "it came to no equivalence point",
    /// To another instruction set: the program has memory that boards cannot have.
    SharedMemory: "the program has memory that boards cannot have",
    /// To another instruction set: the program has made code at run time.
    MadeCode: "the program has made code for home's instruction set at run time",
    /// To another instruction set: the board could not take it any more.
    TooLate: "the board could not take it any more",
}

impl From<Stay> for Refusal {
    fn from(stay: Stay) -> Self {
        match stay {
            Stay::InCall => Refusal::InCall,
            Stay::NoPoint => Refusal::NoPoint,
            Stay::TooLate => Refusal::TooLate,
            Stay::SharedMemory => Refusal::SharedMemory,
            Stay::MadeCode => Refusal::MadeCode,
        }
    }
}

impl Refusal {
    /// Its name in reports and metrics.
    pub fn name(self) -> String {
        let name = serde_json::to_value(self).expect("a name");
        name.as_str().expect("a string").to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_json_form_is_flat() {
        let event = Event {
            t_s: 0.5,
            tid: 7,
            what: What::Home {
                board: "b".into(),
                cause: RecallCause::NativeCall,
            },
        };
        let value = serde_json::to_value(&event).expect("serializable");
        let expected = json!({
            "t_s": 0.5, "tid": 7, "event": "home", "board": "b", "cause": "native-call",
        });
        assert_eq!(value, expected);
        assert_eq!(serde_json::from_value::<Event>(value).expect("read"), event);
        let refused = What::Refused {
            board: None,
            reason: Refusal::JustHome,
        };
        let value = serde_json::to_value(refused).expect("serializable");
        assert_eq!(value, json!({"event": "refused", "reason": "just-home"}));
    }

    #[test]
    fn refusals_are_counted_in_their_order() {
        for (i, refusal) in Refusal::ALL.iter().enumerate() {
            assert_eq!(*refusal as usize, i);
        }
        assert_eq!(Refusal::RestartableSequence.name(), "restartable-sequence");
    }
}
