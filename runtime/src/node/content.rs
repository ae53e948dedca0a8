//! A page's content on its way between nodes.

use bytes::Bytes;

use crate::wire::pages::PageData;

/// What a page holds. Pages of zeros are common (fresh memory) and travel as a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// All bytes are zero.
    Zero,
    /// These bytes, a page of them.
    Bytes(Bytes),
}

impl Content {
    /// Looks at a page's bytes.
    pub fn of(page: Bytes) -> Content {
        Content::from_wire(PageData::of(page)).expect("bytes are content")
    }

    /// From what a message said of a page; `None`: nothing.
    pub fn from_wire(page: PageData) -> Option<Content> {
        match page {
            PageData::None => None,
            PageData::Zero => Some(Content::Zero),
            PageData::Bytes(bytes) => Some(Content::Bytes(bytes)),
        }
    }

    /// To what a message says of a page.
    pub fn to_wire(content: Option<Content>) -> PageData {
        match content {
            None => PageData::None,
            Some(Content::Zero) => PageData::Zero,
            Some(Content::Bytes(bytes)) => PageData::Bytes(bytes),
        }
    }
}
