//! Whether a board can take a program's threads: a pure comparison of facts, made by both sides, so
//! that a newer build can also refuse an older one.

use super::PROTOCOL;
use super::facts::KERNEL_FEATURES;
use super::greeting::{Facts, Hello};
use crate::continuations::file_name;
use crate::memory::{COMMON_ADDRESS_BITS, PAGE};

/// Why not. The text is one line that names the board and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "board {board} speaks version {theirs} of the rtx protocol, this side speaks {PROTOCOL}; \
         install the same version of rtx on both"
    )]
    Protocol { board: String, theirs: u32 },
    #[error("board {board} was started for another job and serves nobody else; name another board")]
    Stranger { board: String },
    #[error(
        "board {board} is an {board_isa} machine and the program is for {isa}; \
         use an {isa} board, or build the program with rtx-cc"
    )]
    Isa {
        board: String,
        board_isa: String,
        isa: String,
    },
    #[error(
        "board {board} is an {board_isa} machine and the program is for {isa}: it was built by the \
         compiler of Popcorn Linux, whose kernel its migration points need; \
         use an {isa} board, on which it runs as any program does, or build it with rtx-cc"
    )]
    Popcorn {
        board: String,
        board_isa: String,
        isa: String,
    },
    #[error(
        "board {board} is an {board_isa} machine and the program is for {isa}; \
         use an {isa} board, or put the program's file {file} beside the other"
    )]
    File {
        board: String,
        board_isa: String,
        isa: String,
        file: String,
    },
    #[error(
        "home has pages of {size} bytes, so that no board can join; \
         boot home with a kernel that has {PAGE}-byte pages"
    )]
    HomePageSize { size: u64 },
    #[error(
        "board {board} has pages of {size} bytes instead of {PAGE}; \
         boot it with a kernel that has {PAGE}-byte pages"
    )]
    PageSize { board: String, size: u64 },
    #[error(
        "board {board} has addresses of {theirs} bits, and the program uses {ours}; \
         boot it with a kernel that has as many (arm64: CONFIG_ARM64_VA_BITS_48)"
    )]
    AddressBits {
        board: String,
        theirs: u32,
        ours: u32,
    },
    #[error("board {board} runs Linux {kernel} without {feature}; {fix}")]
    Kernel {
        board: String,
        kernel: String,
        feature: &'static str,
        fix: &'static str,
    },
    #[error(
        "board {board} lacks the cpu feature {feature}, which the program may use; \
         leave this board out, or use one whose cpu has it"
    )]
    CpuFeature { board: String, feature: String },
    #[error(
        "board {board} keeps the registers of xsave part {bit} in another place than home; \
         leave this board out, or use one whose cpu is more like home's"
    )]
    Xsave { board: String, bit: u32 },
    #[error(
        "board {board} has vector registers of {theirs} bytes, home of {ours}; \
         leave this board out, or use one whose cpu is more like home's"
    )]
    VectorLength {
        board: String,
        theirs: u32,
        ours: u32,
    },
}

/// Whether both sides speak the same version; comes before anything else of a greeting is read.
pub fn check_protocol(board: &str, theirs: u32) -> Result<(), Refusal> {
    match theirs {
        PROTOCOL => Ok(()),
        _ => Err(Refusal::Protocol {
            board: board.into(),
            theirs,
        }),
    }
}

/// Whether threads of the program that `hello` speaks of can run on `there`, the machine of `board`.
pub fn check_facts(board: &str, hello: &Hello, there: &Facts) -> Result<(), Refusal> {
    let home = &hello.facts;
    let board = || board.to_owned();
    let foreign = home.isa != there.isa;
    if foreign && !hello.other_isas.contains(&there.isa) {
        let (board, board_isa, isa) = (board(), there.isa.clone(), home.isa.clone());
        return Err(if !hello.program.is_empty() {
            let file = file_name(&hello.program, &board_isa);
            Refusal::File {
                board,
                board_isa,
                isa,
                file,
            }
        } else if hello.popcorn {
            Refusal::Popcorn {
                board,
                board_isa,
                isa,
            }
        } else {
            Refusal::Isa {
                board,
                board_isa,
                isa,
            }
        });
    }
    if home.page_size != PAGE {
        return Err(Refusal::HomePageSize {
            size: home.page_size,
        });
    }
    if there.page_size != PAGE {
        return Err(Refusal::PageSize {
            board: board(),
            size: there.page_size,
        });
    }
    // The program's memory lies in the addresses that both instruction sets have, if it can go to another.
    let ours = match foreign {
        true => home.address_bits.min(COMMON_ADDRESS_BITS),
        false => home.address_bits,
    };
    if there.address_bits < ours {
        return Err(Refusal::AddressBits {
            board: board(),
            theirs: there.address_bits,
            ours,
        });
    }
    let has = |name: &str| there.kernel_features.iter().any(|there| there == name);
    if let Some(missing) = KERNEL_FEATURES.iter().find(|feature| !has(feature.name)) {
        let (kernel, feature, fix) = (there.kernel.clone(), missing.name, missing.fix);
        return Err(Refusal::Kernel {
            board: board(),
            kernel,
            feature,
            fix,
        });
    }
    if foreign {
        // Registers do not travel, and the file for that ISA asks for no more than all its machines have.
        return Ok(());
    }
    if let Some(missing) = home
        .cpu_features
        .iter()
        .find(|f| !there.cpu_features.contains(f))
    {
        return Err(Refusal::CpuFeature {
            board: board(),
            feature: missing.clone(),
        });
    }
    if let Some(moved) = home.xsave.iter().find(|part| !there.xsave.contains(part)) {
        return Err(Refusal::Xsave {
            board: board(),
            bit: moved.bit,
        });
    }
    if home.vector_bytes != there.vector_bytes {
        let (theirs, ours) = (there.vector_bytes, home.vector_bytes);
        return Err(Refusal::VectorLength {
            board: board(),
            theirs,
            ours,
        });
    }
    Ok(())
}
