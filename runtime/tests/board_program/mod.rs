//! A program for tests of a board alone: a page of machine code that begins at a continuation, a page
//! of data that is a node's own, and shared memory for its threads.

#[cfg_attr(target_arch = "x86_64", path = "arch/x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "arch/aarch64.rs")]
mod arch;

pub use arch::FRESH_CONTROL;

use rtx_runtime::memory::PAGE;
use rtx_runtime::wire::message::{Points, Resume};

/// Its code.
pub const CODE: u64 = 0x41_0000;
/// Data that is a node's own: the polled word and the table of threads that are asked.
pub const DATA: u64 = 0x43_0000;
/// Shared memory: a page for each thread, with header, struct pthread and stack.
pub const SHARED: u64 = 0x50_0000;
/// Threads there is room for.
pub const THREADS: u64 = 4;

/// Where a thread's page has its header and its struct pthread, from its start.
const HEADER: u64 = 0x800;
const PTHREAD: u64 = 0xc00;
/// What code writes, from the header.
pub const CONTROL: u64 = 128;
pub const VECTOR: u64 = 136;
pub const POINTER: u64 = 144;
pub const TURNS: u64 = 152;
pub const RESULT: u64 = 160;
pub const CHILD: u64 = 168;
const STACK_TOP: u64 = 64;

/// Where it is asked.
pub const POINTS: Points = Points {
    indicator: DATA,
    requests: DATA + 8,
    foreign: true,
};

/// What a thread does.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// Writes down what it begins with, spoils it, and polls for ever.
    Poll,
    /// Makes a getppid, then a clone, and writes the results down; then the same.
    Call,
}

/// The page of code.
pub fn code() -> Vec<u8> {
    let mut page = arch::code().to_vec();
    page.resize(PAGE as usize, 0);
    page
}

/// The offset in it of the instruction behind the getppid.
pub fn behind_call() -> u64 {
    arch::behind_call()
}

/// The page of thread number `n`.
pub fn page_of(n: u64) -> u64 {
    (SHARED + n * PAGE) / PAGE
}

/// The header of thread number `n`.
pub fn header(n: u64) -> u64 {
    SHARED + n * PAGE + HEADER
}

/// The top of its stack.
pub fn stack_top(n: u64) -> u64 {
    header(n)
}

/// Its page before it runs.
pub fn memory(n: u64) -> Vec<u8> {
    let mut page = vec![0; PAGE as usize];
    let mut put = |at: u64, word: u64| {
        page[at as usize..at as usize + 8].copy_from_slice(&word.to_le_bytes());
    };
    put(HEADER + STACK_TOP, stack_top(n));
    put(PTHREAD, pthread(n));
    page
}

/// Its struct pthread, whose first word is its own address.
pub fn pthread(n: u64) -> u64 {
    SHARED + n * PAGE + PTHREAD
}

/// What it has written down, out of its page.
pub fn read(page: &[u8], what: u64) -> u64 {
    let at = (HEADER + what) as usize;
    u64::from_le_bytes(page[at..at + 8].try_into().unwrap())
}

/// How it begins.
pub fn resume(n: u64, part: Part) -> Resume {
    let offset = match part {
        Part::Poll => 0,
        Part::Call => arch::call_offset(),
    };
    Resume {
        pc: CODE + offset,
        thread_pointer: pthread(n),
        argument: header(n),
    }
}
