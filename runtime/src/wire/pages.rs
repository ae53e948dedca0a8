//! What a message says about each page it concerns: nothing, zeros, or bytes that follow the header.

use bytes::Bytes;

use crate::memory::PAGE;

/// One page's content in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum PageKind {
    /// No content: the receiver has it already, or it is gone.
    None = 0,
    /// All zeros.
    Zero = 1,
    /// The next page of those behind the header.
    Bytes = 2,
}

/// One page's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageData {
    None,
    Zero,
    /// [`PAGE`] bytes.
    Bytes(Bytes),
}

impl PageData {
    /// Finds out whether a page is all zeros.
    pub fn of(page: Bytes) -> Self {
        assert_eq!(page.len() as u64, PAGE, "content is whole pages");
        match is_zero(&page) {
            true => PageData::Zero,
            false => PageData::Bytes(page),
        }
    }

    pub fn kind(&self) -> PageKind {
        match self {
            PageData::None => PageKind::None,
            PageData::Zero => PageKind::Zero,
            PageData::Bytes(_) => PageKind::Bytes,
        }
    }
}

fn is_zero(page: &[u8]) -> bool {
    // Blocks, so that the compiler uses wide registers and a used page is left early.
    page.chunks(64)
        .all(|block| block.iter().fold(0, |any, byte| any | byte) == 0)
}

/// Deals out `pages` to `kinds`; the frame's check has seen that they fit each other.
pub(super) fn deal(
    kinds: impl Iterator<Item = PageKind>,
    pages: Bytes,
) -> impl Iterator<Item = PageData> {
    let mut rest = pages;
    kinds.map(move |kind| match kind {
        PageKind::None => PageData::None,
        PageKind::Zero => PageData::Zero,
        PageKind::Bytes => PageData::Bytes(rest.split_to(PAGE as usize)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_set_bit_anywhere_makes_a_page_count() {
        assert_eq!(
            PageData::of(Bytes::from(vec![0; PAGE as usize])),
            PageData::Zero
        );
        for at in [0, 63, 64, 2047, PAGE as usize - 1] {
            let mut page = vec![0; PAGE as usize];
            page[at] = 0x80;
            assert_eq!(PageData::of(page.into()).kind(), PageKind::Bytes);
        }
    }
}
