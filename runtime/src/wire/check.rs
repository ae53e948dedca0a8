//! What a message must satisfy beyond being decodable. Peers may be hostile or broken: whatever
//! passes here can be used without further looks at its shape.

use super::limits::FRAME_PAGES;
use super::message::{Made, MapKind, Message, PageKind, Role, TakeMode, Why};
use crate::memory::PAGE;
use crate::trace::snapshot::STACK_BYTES;

/// The first address that no user mapping has on any ISA (57-bit addresses).
const ADDRESS_END: u64 = 1 << 56;

/// Bytes of pages that must follow the header, or what is wrong with the message.
pub(super) fn page_bytes(message: &Message) -> Result<usize, &'static str> {
    let mut pages = 0;
    match message {
        Message::Hello(m) => valid::<Role>(m.role, "role")?,
        Message::Grant(m) => {
            for &kind in &m.kinds {
                pages += count(i32::from(kind))?;
            }
            whole(!m.kinds.is_empty(), "count")?;
            page(m.first_page)?;
            page(m.first_page + m.kinds.len() as u64)?;
        }
        Message::Take(m) => {
            for item in &m.items {
                page(item.page)?;
                valid::<TakeMode>(item.mode, "mode")?;
            }
        }
        Message::Map(m) => {
            range(m.start, m.end)?;
            whole(m.prot <= 7, "prot")?;
            valid::<MapKind>(m.kind, "kind")?;
        }
        Message::Unmap(m) => range(m.start, m.end)?,
        Message::Protect(m) => {
            range(m.start, m.end)?;
            whole(m.prot <= 7, "prot")?;
        }
        Message::Discard(m) => range(m.start, m.end)?,
        Message::Request(m) => {
            page(m.page)?;
            whole(m.window >= 1, "window")?;
        }
        Message::Taken(m) => {
            for item in &m.items {
                pages += count(item.kind)?;
                whole(
                    !item.refused || item.kind == PageKind::None as i32,
                    "refused",
                )?;
            }
        }
        Message::Call(m) => whole(m.args.len() == 6, "args")?,
        Message::Context(m) => {
            valid::<Why>(m.why, "why")?;
            let six = |made: &Made| made.args.len() == 6;
            whole(m.made.as_ref().is_none_or(six), "made")?;
        }
        Message::Trace(m) => whole(m.stack.len() <= STACK_BYTES, "stack")?,
        _ => {}
    }
    whole(pages <= FRAME_PAGES, "count")?;
    Ok(pages * PAGE as usize)
}

fn whole(holds: bool, field: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(field) }
}

fn valid<E: TryFrom<i32>>(value: i32, field: &'static str) -> Result<(), &'static str> {
    whole(E::try_from(value).is_ok(), field)
}

/// Pages of bytes that a page of this kind brings along.
fn count(kind: i32) -> Result<usize, &'static str> {
    let kind = PageKind::try_from(kind).map_err(|_| "kind")?;
    Ok(usize::from(kind == PageKind::Bytes))
}

fn page(page: u64) -> Result<(), &'static str> {
    whole(page <= ADDRESS_END / PAGE, "page")
}

fn range(start: u64, end: u64) -> Result<(), &'static str> {
    let aligned = start.is_multiple_of(PAGE) && end.is_multiple_of(PAGE);
    whole(aligned && start < end && end <= ADDRESS_END, "range")
}
