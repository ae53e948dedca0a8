//! What an intercepted call tells in memory, read without waiting: a page that is on a board cannot be
//! read so. Then the pager looks again, once it has brought the page home.

use crate::calls::{Begins, Flags, Opening, begins};
use crate::coherence::PAGE_SIZE;
use crate::memory::remote::{Memory, RemoteError};

/// Bytes of the longest path, with its end (PATH_MAX, linux/limits.h).
pub const LONGEST: u64 = libc::PATH_MAX as u64;

/// What an opening call begins; an error if that cannot be read.
pub fn opened(memory: &Memory, what: Opening) -> Result<Begins, RemoteError> {
    let flags = match what.flags {
        Flags::Given(flags) => flags,
        Flags::At(address) => memory.word(address)? as i32,
    };
    Ok(begins(&path(memory, what.path)?, flags))
}

/// Whether the flags at `address` (clone3(2)) let the new process share the memory.
pub fn shares_memory(memory: &Memory, address: u64) -> Result<bool, RemoteError> {
    Ok(memory.word(address)? & libc::CLONE_VM as u64 != 0)
}

/// The text at `at` up to its end. One that is too long is cut: the kernel refuses it.
fn path(memory: &Memory, at: u64) -> Result<Vec<u8>, RemoteError> {
    let (mut text, last) = (Vec::new(), at.saturating_add(LONGEST));
    let mut from = at;
    while from < last {
        // Page by page: what follows the text need not be mapped.
        let to = (from + 1).next_multiple_of(PAGE_SIZE as u64).min(last);
        let begin = text.len();
        text.resize(begin + (to - from) as usize, 0);
        memory.read(&[(from, (to - from) as usize)], &mut text[begin..])?;
        if let Some(end) = text[begin..].iter().position(|byte| *byte == 0) {
            text.truncate(begin + end);
            break;
        }
        from = to;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use nix::unistd::Pid;

    use super::*;

    #[test]
    fn a_call_tells_what_it_opens() {
        let own = Memory::open(Pid::this()).unwrap();
        let opens = |path: &std::ffi::CStr, flags| {
            let path = path.as_ptr() as u64;
            opened(&own, Opening { path, flags }).unwrap()
        };
        let memory = opens(c"/proc/self/mem", Flags::Given(0));
        assert!(matches!(memory, Begins::Beyond(_)));
        let how = [libc::O_DIRECT as u64, 0, 0];
        assert_eq!(
            opens(c"x", Flags::At(how.as_ptr() as u64)),
            Begins::DirectIo
        );
        assert_eq!(opens(c"x", Flags::Given(0)), Begins::Nothing);
        let long = std::ffi::CString::new(vec![b'x'; 3 * PAGE_SIZE]).unwrap();
        assert_eq!(opens(&long, Flags::Given(0)), Begins::Nothing);
        let path = 8;
        let flags = Flags::Given(0);
        assert!(opened(&own, Opening { path, flags }).is_err());
    }

    #[test]
    fn clone3_tells_whether_memory_is_shared() {
        let own = Memory::open(Pid::this()).unwrap();
        for (flags, shares) in [(libc::CLONE_VM as u64, true), (0, false)] {
            assert_eq!(
                shares_memory(&own, &raw const flags as u64).unwrap(),
                shares
            );
        }
    }
}
