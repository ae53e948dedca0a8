//! The extended state: vectors and pointer authentication. It travels as the sets that the kernel has,
//! one behind the other, each with its number and length.

use std::io;

use crate::guest::ptrace::{self, Tid};

const NT_PRFPREG: i32 = 2;
/// Scalable vectors; holds the plain ones too (Documentation/arch/arm64/sve.rst).
const NT_ARM_SVE: i32 = 0x405;
/// Streaming vectors, and the matrix of SME: not carried.
const NT_ARM_SSVE: i32 = 0x40b;
const NT_ARM_ZA: i32 = 0x40c;
/// Sets that a thread can have besides its vectors, in the order in which they are written.
const OTHERS: [i32; 4] = [
    0x407, // NT_ARM_PACA_KEYS
    0x408, // NT_ARM_PACG_KEYS
    0x40a, // NT_ARM_PAC_ENABLED_KEYS
    0x409, // NT_ARM_TAGGED_ADDR_CTRL
];
/// Room for any set: vectors of 2048 bits with predicates take 8.8 KB.
const SET_MAX: usize = 16 * 1024;
/// Bytes of struct user_sve_header and of struct user_za_header: a set with no more holds nothing.
const HEADER: usize = 16;

/// The extended state of a stopped thread.
pub fn read_extended(tid: Tid) -> io::Result<Vec<u8>> {
    let holds = |set: Option<Vec<u8>>| set.is_some_and(|bytes| bytes.len() > HEADER);
    if holds(get(tid, NT_ARM_ZA)?) || streams(tid)? {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the thread uses the processor's matrix extension (SME), which rtx cannot move",
        ));
    }
    let vectors = match get(tid, NT_ARM_SVE)? {
        Some(bytes) => (NT_ARM_SVE, bytes),
        None => {
            let plain = get(tid, NT_PRFPREG)?;
            (NT_PRFPREG, plain.ok_or(io::ErrorKind::NotFound)?)
        }
    };
    let mut state = Vec::new();
    append(&mut state, vectors);
    for set in OTHERS {
        if let Some(bytes) = get(tid, set)? {
            append(&mut state, (set, bytes));
        }
    }
    Ok(state)
}

/// Replaces the extended state of a stopped thread.
pub fn write_extended(tid: Tid, state: &[u8]) -> io::Result<()> {
    let sets = parse(state).ok_or_else(|| io::Error::other("the extended state is damaged"))?;
    for (set, bytes) in sets {
        // SAFETY: the kernel reads as many bytes as there are.
        unsafe { ptrace::set_set(tid, set, bytes.as_ptr(), bytes.len()) }?;
    }
    Ok(())
}

/// In streaming mode the set holds registers; else only its header, or it says that there are none.
fn streams(tid: Tid) -> io::Result<bool> {
    const HAS_REGISTERS: u8 = 1;
    const FLAGS: usize = 12;
    let set = get(tid, NT_ARM_SSVE)?;
    Ok(set.is_some_and(|bytes| bytes.len() > HEADER && bytes[FLAGS] & HAS_REGISTERS != 0))
}

/// A set, if this machine has it.
fn get(tid: Tid, set: i32) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0u8; SET_MAX];
    // SAFETY: the kernel writes at most as many bytes as there is room for.
    match unsafe { ptrace::get_set(tid, set, bytes.as_mut_ptr(), bytes.len()) } {
        Ok(len) => {
            bytes.truncate(len);
            Ok(Some(bytes))
        }
        // The kernel does not know it, or the processor does not have it.
        Err(e)
            if matches!(
                e.raw_os_error(),
                Some(libc::EINVAL | libc::ENODEV | libc::EIO)
            ) =>
        {
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

fn append(state: &mut Vec<u8>, (set, bytes): (i32, Vec<u8>)) {
    state.extend_from_slice(&set.to_le_bytes());
    state.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    state.extend_from_slice(&bytes);
}

fn parse(mut state: &[u8]) -> Option<Vec<(i32, &[u8])>> {
    let mut sets = Vec::new();
    while !state.is_empty() {
        let (set, rest) = state.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let len = u32::from_le_bytes(*len) as usize;
        if rest.len() < len {
            return None;
        }
        let (bytes, rest) = rest.split_at(len);
        sets.push((i32::from_le_bytes(*set), bytes));
        state = rest;
    }
    Some(sets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_survive_the_wire() {
        let mut state = Vec::new();
        append(&mut state, (NT_PRFPREG, vec![1, 2, 3]));
        append(&mut state, (0x407, vec![]));
        let sets = parse(&state).unwrap();
        assert_eq!(sets, [(NT_PRFPREG, &[1u8, 2, 3][..]), (0x407, &[])]);
        assert!(parse(&state[..state.len() - 1]).is_none());
        assert!(parse(&state[..9]).is_none());
    }
}
