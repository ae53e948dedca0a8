//! Keeping a program at addresses that every instruction set has. aarch64 has 48 bits of them, x86-64 has 47,
//! and what a thread points to must be there on both.
//!
//! Mappings stay below by the older of the kernel's layouts ([`super::launch::Program::low`]). The first
//! thread's stack is put at the very end all the same, so it is moved before the first instruction: what
//! the kernel has written there (arguments, environment, auxiliary vector) is copied to a mapping further down.

use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::Pid;

use super::arch;
use super::equip::{EquipError, find_call_instruction, step};
use super::inject::Injector;
use super::launch;
use super::ptrace::{self, Tid};
use crate::memory::maps::{Kind, Vma, read_maps};
use crate::memory::{COMMON_ADDRESS_BITS, remote};

/// Every instruction set has the addresses below.
pub const COMMON_END: u64 = 1 << COMMON_ADDRESS_BITS;
/// Where the moved stack ends: below what x86-64's kernels map at the end, and far above what grows upwards.
const STACK_END: u64 = 0x7fff_0000_0000;
/// Of a stack without a limit.
const MOST_STACK: u64 = 1 << 30;
/// Of a stack with a tiny one, beside what the kernel has written.
const LEAST_STACK: u64 = 128 << 10;
const PAGE: u64 = 4096;
const WORD: usize = 8;

/// Whether all memory of a process, given by any of its threads, lies at addresses that every instruction
/// set has. Not that of the kernel itself.
pub fn is_low(pid: Tid) -> std::io::Result<bool> {
    let maps = read_maps(Pid::from_raw(pid)).map_err(std::io::Error::other)?;
    let counts = |vma: &&Vma| vma.kind != Kind::Vsyscall;
    Ok(maps.iter().filter(counts).all(|vma| vma.end <= COMMON_END))
}

/// Of a process in its exec event: leads it to its first instruction, on a stack at an address that every
/// instruction set has.
pub fn move_stack(pid: Tid) -> Result<(), EquipError> {
    launch::leave_exec(pid)?;
    let mut regs = ptrace::registers(pid).map_err(step("read registers"))?;
    let old = regs.sp();
    if old < COMMON_END {
        return Ok(());
    }
    let maps = read_maps(Pid::from_raw(pid)).map_err(step("read the program's mappings"))?;
    let stack = maps.iter().find(|vma| vma.range().contains(&old));
    let stack = stack.ok_or(EquipError::NoRoom)?;
    let mut block = vec![0; (stack.end - old) as usize];
    remote::read_into(Pid::from_raw(pid), old, &mut block).map_err(step("read the stack"))?;
    let at = find_call_instruction(pid, &maps).ok_or(EquipError::NoRoom)?;
    let bytes = room(limit(), block.len() as u64);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let flags = (flags | libc::MAP_FIXED_NOREPLACE) as u64;
    let prot = u64::from(stack.prot.bits());
    let args = [STACK_END - bytes, bytes, prot, flags, u64::MAX, 0];
    let mut injector = Injector::begin(pid, pid)?;
    let mapped = injector.call(at, "mmap", libc::SYS_mmap, args);
    injector.finish()?;
    mapped?;
    relocate(&mut block, old, STACK_END);
    let new = STACK_END - block.len() as u64;
    remote::write(Pid::from_raw(pid), new, &block).map_err(step("write the stack"))?;
    regs.set_sp(new);
    arch::write_registers(pid, &regs).map_err(step("write registers"))
}

/// What the kernel lets a stack grow to.
fn limit() -> u64 {
    getrlimit(Resource::RLIMIT_STACK).map_or(0, |(soft, _)| soft)
}

/// Bytes of the stack in place of one that may grow to `limit`, with `used` bytes in use.
fn room(limit: u64, used: u64) -> u64 {
    let least = used + LEAST_STACK;
    limit.min(MOST_STACK).max(least).next_multiple_of(PAGE)
}

/// Changes a stack as the kernel hands it to a program, which begins at `old`, to one that ends at `end`: the
/// pointers into it. They stand in its words up to the end of the auxiliary vector; what follows is text.
fn relocate(block: &mut [u8], old: u64, end: u64) {
    let range = old..old + block.len() as u64;
    let delta = end.wrapping_sub(range.end);
    let words = block.chunks_exact(WORD);
    let words: Vec<u64> = words
        .map(|word| u64::from_ne_bytes(word.try_into().expect("8 bytes")))
        .collect();
    let arguments = words.first().copied().unwrap_or_default();
    let arguments = arguments.min(words.len() as u64) as usize;
    // Behind the count, the arguments and their end; then behind the environment and its end.
    let environment = arguments + 2;
    let is_end = |at: &usize| words.get(*at).is_none_or(|word| *word == 0);
    let auxiliary = (environment..).find(is_end).expect("there is an end") + 1;
    let mut last = (auxiliary..)
        .step_by(2)
        .find(is_end)
        .expect("there is an end");
    last = last.min(words.len());
    // The count is none, however large it is.
    for (at, word) in words[..last].iter().enumerate().skip(1) {
        if range.contains(word) {
            let moved = word.wrapping_add(delta).to_ne_bytes();
            block[at * WORD..][..WORD].copy_from_slice(&moved);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: u64 = 0xffff_ffff_f000;

    fn bytes(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn pointers_into_the_stack_move_with_it() {
        let text = OLD + 12 * 8;
        let handed = [
            2,
            text,
            text + 2,
            0, // arguments
            text + 4,
            0, // environment
            25,
            text + 6,
            33,
            0x4000_0000_0000,
            0,
            0, // auxiliary vector
            OLD,
            text, // text that looks like pointers
        ];
        let mut block = bytes(&handed);
        let end = STACK_END;
        relocate(&mut block, OLD, end);
        let there = |address: u64| end - (OLD + 14 * 8 - address);
        let mut expected = handed;
        for at in [1, 2, 4, 7] {
            expected[at] = there(handed[at]);
        }
        assert_eq!(block, bytes(&expected));
    }

    #[test]
    fn a_damaged_stack_is_not_read_beyond_its_end() {
        for words in [&[][..], &[7], &[1, OLD], &[0, 0, 5], &[u64::MAX, 1]] {
            relocate(&mut bytes(words), OLD, STACK_END);
        }
    }

    #[test]
    fn a_stack_has_the_room_of_its_limit() {
        assert_eq!(room(8 << 20, 5000), 8 << 20);
        assert_eq!(room(u64::MAX, 5000), MOST_STACK);
        assert_eq!(
            room(4096, 5000),
            (5000 + LEAST_STACK).next_multiple_of(PAGE)
        );
    }

    #[test]
    fn a_process_of_this_machine_tells_where_it_is() {
        let low = is_low(std::process::id() as i32).expect("it can be read");
        assert!(low || arch::ADDRESSES_END > COMMON_END);
    }
}
