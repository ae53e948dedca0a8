//! x86-64 (System V ABI, figure 3.36: DWARF register numbers).

use super::{Call, Rules};

pub(super) const RULES: Rules = Rules {
    isa: "x86_64",
    elf: object::elf::EM_X86_64,
    vendor: gimli::Vendor::Default,
    // user_regs_struct: r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip ...
    set_bytes: 27 * 8,
    words: &[10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0],
    pc_word: 16,
    sp: 7,
    fp: 6,
    link: None,
    align: 8,
    address_mask: u64::MAX,
    call,
    // mov rax, 15; syscall
    signal_return: &[0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05],
    interrupted,
};

/// The forms of CALL: E8 rel32, and FF /2 with its address forms (SDM, volume 2, tables 2-2 and 2-3).
fn call(code: &[u8], at: u64) -> Option<Call> {
    let before = |n: usize| code.len().checked_sub(n).map(|from| &code[from..]);
    if let Some([0xe8, rel @ ..]) = before(5) {
        let rel = i32::from_le_bytes(rel.try_into().ok()?);
        return Some(Call::To(at.wrapping_add_signed(rel.into())));
    }
    let form = |length: usize| match before(length)? {
        [0xff, form, ..] if form >> 3 & 7 == 2 => Some((form >> 6, form & 7)),
        _ => None,
    };
    let indirect = matches!(form(2), Some((3, _)) | Some((0, 0..=3 | 6 | 7)))
        || matches!(form(3), Some((0, 4)) | Some((1, 0..=3 | 5..=7)))
        || matches!(form(4), Some((1, 4)))
        || matches!(form(6), Some((0, 5)) | Some((2, 0..=3 | 5..=7)))
        || matches!(form(7), Some((2, 4)));
    indirect.then_some(Call::Indirect)
}

/// The stack pointer is at the frame's ucontext (arch/x86/include/asm/sigframe.h): uc_mcontext is 40
/// bytes behind, and begins with r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip.
fn interrupted(register: usize) -> u64 {
    const ORDER: [u64; 17] = [13, 12, 14, 11, 9, 8, 10, 15, 0, 1, 2, 3, 4, 5, 6, 7, 16];
    40 + 8 * ORDER[register]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_by_the_bytes_before_a_return_address() {
        for (code, expected) in [
            (
                &[0x90, 0x90, 0x90, 0xe8, 0xfb, 0xff, 0xff, 0xff][..],
                Some(Call::To(0x0ffb)),
            ),
            (&[0xff, 0xd0], Some(Call::Indirect)), // call rax
            (&[0x41, 0xff, 0xd1], Some(Call::Indirect)), // call r9
            (&[0xff, 0x10], Some(Call::Indirect)), // call [rax]
            (&[0xff, 0x14, 0xc5], Some(Call::Indirect)), // call [sib]
            (&[0xff, 0x55, 0xf8], Some(Call::Indirect)), // call [rbp - 8]
            (&[0xff, 0x54, 0x24, 8], Some(Call::Indirect)), // call [rsp + 8]
            (&[0xff, 0x15, 1, 2, 3, 4], Some(Call::Indirect)), // call [rip + n]
            (&[0xff, 0x94, 0xc3, 1, 2, 3, 4], Some(Call::Indirect)),
            (&[0xff, 0xe0], None), // jmp rax
            (&[0x90], None),
            (&[], None),
        ] {
            assert_eq!(call(code, 0x1000), expected, "{code:x?}");
        }
    }
}
