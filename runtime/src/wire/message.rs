//! Every message, as one type: what a frame's header holds.

pub use super::beat::{Beat, Load, Pressure, ThreadUsage, Usage};
pub use super::greeting::{Facts, Hello, Refuse, Role, Welcome, XsaveComponent};
pub(super) use super::packing::Packed;
pub use super::pages::{PageData, PageKind};
pub use super::to_board::{
    Amend, AskUsage, Barrier, Born, Bye, CallReply, Describe, Discard, Freeze, Grant, Jump, Map,
    MapKind, Mapped, NoMap, PendingCall, Points, Prepare, Protect, Recall, Resume, Start, Take,
    TakeItem, TakeMode, Thaw, Unmap,
};
pub use super::to_home::{
    BarrierMade, Call, CallCount, Context, Failed, FaultTimes, Made, MapRequest, Request, Started,
    State, Taken, TakenItem, Trace, Why,
};

/// The protobuf message in front of a frame's pages.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Header {
    #[prost(
        oneof = "Message",
        tags = "1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 40, 41, \
                42, 43, 44, 45, 46, 47, 48, 49, 50, 59, 60"
    )]
    pub message: Option<Message>,
    /// How the pages that follow are packed.
    #[prost(enumeration = "Packed", tag = "100")]
    pub packed: i32,
}

/// A message. Tags 1-9 begin a session, 10-39 go from home to a board, 40-59 from a board to home,
/// 60-69 both ways on the heartbeat connection. A tag is never used again for something else.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Message {
    #[prost(message, boxed, tag = "1")]
    Hello(Box<Hello>),
    #[prost(message, boxed, tag = "2")]
    Welcome(Box<Welcome>),
    #[prost(message, tag = "3")]
    Refuse(Refuse),

    #[prost(message, tag = "10")]
    Grant(Grant),
    #[prost(message, tag = "11")]
    Take(Take),
    #[prost(message, tag = "12")]
    Map(Map),
    #[prost(message, tag = "13")]
    NoMap(NoMap),
    #[prost(message, tag = "14")]
    Mapped(Mapped),
    #[prost(message, tag = "15")]
    Unmap(Unmap),
    #[prost(message, tag = "16")]
    Protect(Protect),
    #[prost(message, tag = "17")]
    Discard(Discard),
    #[prost(message, boxed, tag = "18")]
    Start(Box<Start>),
    #[prost(message, tag = "19")]
    Recall(Recall),
    #[prost(message, tag = "20")]
    CallReply(CallReply),
    #[prost(message, tag = "21")]
    Freeze(Freeze),
    #[prost(message, tag = "22")]
    Thaw(Thaw),
    #[prost(message, tag = "23")]
    Bye(Bye),
    #[prost(message, tag = "24")]
    Prepare(Prepare),
    #[prost(message, tag = "25")]
    AskUsage(AskUsage),
    #[prost(message, tag = "26")]
    Describe(Describe),
    #[prost(message, tag = "27")]
    Barrier(Barrier),

    #[prost(message, tag = "40")]
    Request(Request),
    #[prost(message, tag = "41")]
    Taken(Taken),
    #[prost(message, tag = "42")]
    MapRequest(MapRequest),
    #[prost(message, tag = "43")]
    Call(Call),
    #[prost(message, boxed, tag = "44")]
    Context(Box<Context>),
    #[prost(message, tag = "45")]
    Started(Started),
    #[prost(message, tag = "46")]
    Usage(Usage),
    #[prost(message, tag = "47")]
    Failed(Failed),
    #[prost(message, tag = "48")]
    FaultTimes(FaultTimes),
    #[prost(message, tag = "49")]
    State(State),
    #[prost(message, tag = "50")]
    BarrierMade(BarrierMade),
    #[prost(message, tag = "59")]
    Trace(Trace),

    #[prost(message, tag = "60")]
    Beat(Beat),
}

impl Message {
    /// Its name, for messages about messages.
    pub fn name(&self) -> &'static str {
        match self {
            Message::Hello(_) => "Hello",
            Message::Welcome(_) => "Welcome",
            Message::Refuse(_) => "Refuse",
            Message::Grant(_) => "Grant",
            Message::Take(_) => "Take",
            Message::Map(_) => "Map",
            Message::NoMap(_) => "NoMap",
            Message::Mapped(_) => "Mapped",
            Message::Unmap(_) => "Unmap",
            Message::Protect(_) => "Protect",
            Message::Discard(_) => "Discard",
            Message::Start(_) => "Start",
            Message::Recall(_) => "Recall",
            Message::CallReply(_) => "CallReply",
            Message::Freeze(_) => "Freeze",
            Message::Thaw(_) => "Thaw",
            Message::Bye(_) => "Bye",
            Message::Prepare(_) => "Prepare",
            Message::AskUsage(_) => "AskUsage",
            Message::Describe(_) => "Describe",
            Message::Barrier(_) => "Barrier",
            Message::Request(_) => "Request",
            Message::Taken(_) => "Taken",
            Message::MapRequest(_) => "MapRequest",
            Message::Call(_) => "Call",
            Message::Context(_) => "Context",
            Message::Started(_) => "Started",
            Message::Usage(_) => "Usage",
            Message::Failed(_) => "Failed",
            Message::FaultTimes(_) => "FaultTimes",
            Message::State(_) => "State",
            Message::BarrierMade(_) => "BarrierMade",
            Message::Trace(_) => "Trace",
            Message::Beat(_) => "Beat",
        }
    }
}

impl From<Hello> for Message {
    fn from(message: Hello) -> Self {
        Message::Hello(Box::new(message))
    }
}

impl From<Welcome> for Message {
    fn from(message: Welcome) -> Self {
        Message::Welcome(Box::new(message))
    }
}

impl From<Start> for Message {
    fn from(message: Start) -> Self {
        Message::Start(Box::new(message))
    }
}

impl From<Context> for Message {
    fn from(message: Context) -> Self {
        Message::Context(Box::new(message))
    }
}

/// `From` each message, so that senders write `outbox.push(Request { .. })`.
macro_rules! from_each {
    ($($name:ident)*) => {
        $(impl From<$name> for Message {
            fn from(message: $name) -> Self {
                Message::$name(message)
            }
        })*
    };
}

from_each! {
    Refuse
    Grant Take Map NoMap Mapped Unmap Protect Discard Recall CallReply Freeze Thaw Bye Prepare
    AskUsage Describe Barrier
    Request Taken MapRequest Call Started Usage Failed FaultTimes State BarrierMade
    Trace
    Beat
}
