//! The stub's labels: the assembly of each instruction set defines the same ones.

// SAFETY: labels of the assembly beside this file; only their addresses are used.
unsafe extern "C" {
    static rtx_stub_start: u8;
    static rtx_stub_call_and_return: u8;
    static rtx_stub_clock: u8;
    static rtx_stub_clock_made: u8;
    static rtx_stub_park: u8;
    static rtx_stub_parked: u8;
    static rtx_stub_spawn: u8;
    static rtx_stub_helper: u8;
    static rtx_stub_end: u8;
}

/// The stub's code; it is position independent.
pub fn stub_code() -> &'static [u8] {
    let (start, end) = (&raw const rtx_stub_start, &raw const rtx_stub_end);
    // SAFETY: the two symbols delimit read-only data of this binary, assembled beside this file.
    unsafe { std::slice::from_raw_parts(start, end as usize - start as usize) }
}

fn offset(symbol: *const u8) -> u64 {
    symbol as u64 - &raw const rtx_stub_start as u64
}

/// Offset of the gadget.
pub const GADGET: u64 = 0;

/// Offset of the system call that returns to its caller.
pub fn call_and_return_offset() -> u64 {
    offset(&raw const rtx_stub_call_and_return)
}

/// Offset of the function that reads a clock, and of the instruction behind its system call.
pub fn clock_offsets() -> [u64; 2] {
    [
        offset(&raw const rtx_stub_clock),
        offset(&raw const rtx_stub_clock_made),
    ]
}

/// Offset of the place where a shadow waits, and of the instruction behind its system call.
pub fn park_offsets() -> [u64; 2] {
    [
        offset(&raw const rtx_stub_park),
        offset(&raw const rtx_stub_parked),
    ]
}

/// Offset of the clone whose child becomes the helper.
pub fn spawn_offset() -> u64 {
    offset(&raw const rtx_stub_spawn)
}

/// Offset of the helper's loop.
pub fn helper_offset() -> u64 {
    offset(&raw const rtx_stub_helper)
}

#[cfg(test)]
mod tests {
    use super::super::SYSCALL_INSTRUCTION;
    use super::*;

    #[test]
    fn the_stub_begins_with_the_gadget_and_fits_a_page() {
        let code = stub_code();
        let size = SYSCALL_INSTRUCTION.len();
        assert_eq!(&code[..size], SYSCALL_INSTRUCTION);
        assert!(code.len() < 4096);
        assert_eq!(park_offsets()[0], GADGET + size as u64);
        assert!(park_offsets()[1] < spawn_offset() && spawn_offset() < helper_offset());
    }
}
