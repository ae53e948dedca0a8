//! The program's arguments and environment as /proc/PID/cmdline and environ show them. The kernel reads
//! them from the program's stack, and does not wait for pages that are on boards: `ps` would show nothing.
//! So before memory is shared they are copied into memory that never leaves home, and the kernel is told
//! to look there (prctl(2), PR_SET_MM_MAP). The program's own pointers stay as they are.

use nix::unistd::Pid;

use crate::guest::inject::{InjectError, Injector};
use crate::guest::procfs::{self, Layout};
use crate::guest::ptrace::Tid;
use crate::guest::stub::{self, Stub};
use crate::memory::maps::Vma;
use crate::memory::remote;

/// Without a descriptor: the executable stays the one it is.
const SAME_EXECUTABLE: u32 = u32::MAX;

/// `struct prctl_mm_map` (linux/prctl.h), without an auxiliary vector.
fn mm_map(layout: &Layout, brk: u64) -> Vec<u8> {
    let words = [
        layout.start_code,
        layout.end_code,
        layout.start_data,
        layout.end_data,
        layout.start_brk,
        brk,
        layout.start_stack,
        layout.arg_start,
        layout.arg_end,
        layout.env_start,
        layout.env_end,
        0,
    ];
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    bytes.extend(0u32.to_ne_bytes());
    bytes.extend(SAME_EXECUTABLE.to_ne_bytes());
    bytes
}

/// Lets /proc show them wherever the stack's pages are, and returns the end of what is reserved for that
/// behind the stub. It is the stub's own end where this kernel does not let itself be told (no
/// CONFIG_CHECKPOINT_RESTORE), or the program has none any more: then they can be seen only while their
/// pages are at home. All threads must be stopped, because the end of the heap must not move meanwhile.
pub fn keep_readable(
    pid: Tid,
    injector: &mut Injector,
    stub: Stub,
    maps: &[Vma],
) -> Result<u64, InjectError> {
    let Ok(layout) = procfs::layout(pid) else {
        return Ok(stub.end());
    };
    let (start, end) = (layout.arg_start, layout.env_end.max(layout.arg_end));
    let holds = |vma: &Vma| vma.start <= start && start < end && end <= vma.end && !vma.shared;
    if !maps.iter().any(holds) {
        // It was done before, or the program has changed it itself.
        return Ok(stub.end());
    }
    let mut text = vec![0; (end - start) as usize];
    if remote::read_into(Pid::from_raw(pid), start, &mut text).is_err() {
        return Ok(stub.end());
    }
    let gadget = stub.gadget();
    let len = (text.len() as u64).next_multiple_of(stub::PAGE_SIZE);
    let prot = (libc::PROT_READ | libc::PROT_WRITE) as u64;
    // The kernel looks for them in anonymous memory only.
    let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE) as u64;
    let copy = stub.end();
    let args = [copy, len, prot, flags, u64::MAX, 0];
    if injector.raw(gadget, libc::SYS_mmap, args)? != copy as i64 {
        // The program has something there.
        return Ok(stub.end());
    }
    let shown = moved(layout, copy.wrapping_sub(start));
    let done = remote::write(Pid::from_raw(pid), copy, &text).is_ok()
        && tell(pid, injector, stub, &shown)?;
    if done {
        let args = [copy, len, libc::PROT_READ as u64, 0, 0, 0];
        injector.call(gadget, "mprotect", libc::SYS_mprotect, args)?;
        Ok(copy + len)
    } else {
        let args = [copy, len, 0, 0, 0, 0];
        injector.call(gadget, "munmap", libc::SYS_munmap, args)?;
        Ok(stub.end())
    }
}

/// The same with arguments and environment further up by `by` (or down: it wraps around).
fn moved(layout: Layout, by: u64) -> Layout {
    Layout {
        arg_start: layout.arg_start.wrapping_add(by),
        arg_end: layout.arg_end.wrapping_add(by),
        env_start: layout.env_start.wrapping_add(by),
        env_end: layout.env_end.wrapping_add(by),
        ..layout
    }
}

/// Tells the kernel; whether it agreed.
fn tell(
    pid: Tid,
    injector: &mut Injector,
    stub: Stub,
    layout: &Layout,
) -> Result<bool, InjectError> {
    let gadget = stub.gadget();
    let brk = injector.raw(gadget, libc::SYS_brk, [0; 6])? as u64;
    let map = mm_map(layout, brk);
    if remote::write(Pid::from_raw(pid), stub.scratch(), &map).is_err() {
        return Ok(false);
    }
    let (option, what) = (libc::PR_SET_MM as u64, libc::PR_SET_MM_MAP as u64);
    let args = [option, what, stub.scratch(), map.len() as u64, 0, 0];
    Ok(injector.raw(gadget, libc::SYS_prctl, args)? == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_told_what_it_had_but_for_the_place_of_the_texts() {
        let layout = Layout {
            start_code: 1,
            end_code: 2,
            start_stack: 7,
            start_data: 3,
            end_data: 4,
            start_brk: 5,
            arg_start: 0x7000,
            arg_end: 0x7010,
            env_start: 0x7010,
            env_end: 0x7100,
        };
        let map = mm_map(&moved(layout, 0x2_5000u64.wrapping_sub(0x7000)), 6);
        assert_eq!(map.len(), 104, "struct prctl_mm_map");
        let words: Vec<u64> = map
            .chunks_exact(8)
            .map(|word| u64::from_ne_bytes(word.try_into().unwrap()))
            .collect();
        let told = [1, 2, 3, 4, 5, 6, 7, 0x2_5000, 0x2_5010, 0x2_5010, 0x2_5100];
        assert_eq!(words[..11], told);
        assert_eq!(words[11..], [0, 0xffff_ffff_0000_0000]);
    }
}
