//! Classic BPF programs that look at one system call (struct seccomp_data, linux/seccomp.h).

/// One instruction: code, jump if true, jump if false, operand. Jumps count from the next one.
pub type Instruction = (u16, u8, u8, u32);

/// Loads the word at this offset of the call.
pub const LOAD_WORD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
/// Compares with the operand.
pub const JUMP_IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
/// Keeps the bits of the operand.
pub const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
/// Ends with the operand as the verdict.
pub const RETURN: u16 = 0x06; // BPF_RET | BPF_K

/// Offset of the call's number.
pub const NUMBER: u32 = 0;
/// Offset of AUDIT_ARCH_*.
pub const ARCH: u32 = 4;

/// Offsets of the halves of the program counter (little endian on every ISA that rtx knows).
pub const COUNTER_LOW: u32 = 8;
pub const COUNTER_HIGH: u32 = 12;

/// Offset of the lower half of an argument (little endian on every ISA that rtx knows).
pub const fn argument(number: u32) -> u32 {
    16 + 8 * number
}

/// The program as the kernel reads it.
pub fn encode(program: &[Instruction]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(program.len() * 8);
    for (code, if_true, if_false, operand) in program {
        bytes.extend_from_slice(&code.to_ne_bytes());
        bytes.extend_from_slice(&[*if_true, *if_false]);
        bytes.extend_from_slice(&operand.to_ne_bytes());
    }
    bytes
}

/// The verdict of an encoded program on a call, as the kernel would find it.
#[cfg(test)]
pub fn verdict(program: &[u8], arch: u32, nr: i64, args: &[u64; 6]) -> u32 {
    verdict_at(program, arch, nr, 0, args)
}

/// As [`verdict`], of a call that shows this program counter.
#[cfg(test)]
pub fn verdict_at(program: &[u8], arch: u32, nr: i64, pc: u64, args: &[u64; 6]) -> u32 {
    let word = |at: usize| u32::from_ne_bytes(program[at..at + 4].try_into().unwrap());
    let mut data = Vec::new();
    data.extend_from_slice(&(nr as u32).to_ne_bytes());
    data.extend_from_slice(&arch.to_ne_bytes());
    data.extend_from_slice(&pc.to_ne_bytes());
    data.extend(args.iter().flat_map(|a| a.to_ne_bytes()));
    let (mut at, mut accumulator) = (0, 0u32);
    loop {
        let code = u16::from_ne_bytes(program[at..at + 2].try_into().unwrap());
        let (if_true, if_false) = (program[at + 2], program[at + 3]);
        let operand = word(at + 4);
        at += 8;
        match code {
            LOAD_WORD => {
                let bytes = &data[operand as usize..operand as usize + 4];
                accumulator = u32::from_ne_bytes(bytes.try_into().unwrap());
            }
            JUMP_IF_EQUAL => {
                let equal = accumulator == operand;
                at += 8 * usize::from(if equal { if_true } else { if_false });
            }
            AND => accumulator &= operand,
            RETURN => return operand,
            _ => panic!("unknown instruction {code:#x}"),
        }
    }
}
