//! aarch64 (DWARF for the Arm 64-bit Architecture: register numbers).

use super::{Call, Rules};

pub(super) const RULES: Rules = Rules {
    isa: "aarch64",
    elf: object::elf::EM_AARCH64,
    vendor: gimli::Vendor::AArch64,
    // x0 to x30, sp, pc, and what no unwinding needs.
    set_bytes: 37 * 8,
    words: &[
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
        25, 26, 27, 28, 29, 30, 31,
    ],
    pc_word: 32,
    sp: 31,
    fp: 29,
    link: Some(30),
    align: 16,
    // Pointer authentication signs above the 48 bits of a user's address.
    address_mask: (1 << 48) - 1,
    call,
    // mov x8, #139; svc #0
    signal_return: &[0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4],
    interrupted,
};

/// BL, and BLR with its authenticating forms.
fn call(code: &[u8], at: u64) -> Option<Call> {
    let word = code.last_chunk::<4>()?;
    let word = u32::from_le_bytes(*word);
    if word >> 26 == 0b10_0101 {
        let offset = i64::from((word << 6) as i32 >> 6) * 4;
        return Some(Call::To(at.wrapping_sub(4).wrapping_add_signed(offset)));
    }
    (word & 0xfeff_f000 == 0xd63f_0000).then_some(Call::Indirect)
}

/// The stack pointer is at the frame's siginfo (128 bytes); uc_mcontext is 176 bytes into the ucontext
/// behind it, and has the registers behind the fault's address (arch/arm64/kernel/signal.c).
fn interrupted(register: usize) -> u64 {
    128 + 176 + 8 + 8 * register as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_by_the_word_before_a_return_address() {
        for (word, expected) in [
            (0x9400_0002, Some(Call::To(0x1004))), // bl +8
            (0x97ff_ffff, Some(Call::To(0x0ff8))), // bl -4
            (0xd63f_0020, Some(Call::Indirect)),   // blr x1
            (0xd73f_0820, Some(Call::Indirect)),   // blraa x1, x0
            (0xd61f_0020, None),                   // br x1
            (0xd65f_03c0, None),                   // ret
            (0x1400_0002, None),                   // b +8
        ] {
            let code: [u8; 4] = u32::to_le_bytes(word);
            assert_eq!(call(&code, 0x1000), expected, "{word:#x}");
        }
        assert_eq!(call(&[1, 2], 0x1000), None);
    }
}
