//! Which boards are refused, and in which words.

mod wire_samples;

use rtx_runtime::wire::PROTOCOL;
use rtx_runtime::wire::facts::KERNEL_FEATURES;
use rtx_runtime::wire::handshake::{check_facts, check_protocol};
use rtx_runtime::wire::message::{Facts, Hello, XsaveComponent};
use wire_samples::facts;

/// A home of which these are the facts, with a program of another compiler.
fn home(facts: Facts) -> Hello {
    Hello {
        facts,
        ..Hello::default()
    }
}

/// The words for a board that differs from home as `change` says.
fn words(change: impl FnOnce(&mut Facts)) -> String {
    let mut board = facts();
    change(&mut board);
    check_facts("b1", &home(facts()), &board)
        .unwrap_err()
        .to_string()
}

#[test]
fn equals_suit_each_other_and_more_does_no_harm() {
    let mut board = facts();
    check_facts("b1", &home(facts()), &board).unwrap();
    board.cpu_features.push("avx512f".into());
    board.xsave.push(XsaveComponent {
        bit: 5,
        offset: 832,
        bytes: 64,
    });
    board.kernel_features.push("more".into());
    check_facts("b1", &home(facts()), &board).unwrap();
}

#[test]
fn another_protocol() {
    check_protocol("b1", PROTOCOL).unwrap();
    assert_eq!(
        check_protocol("b1", 1).unwrap_err().to_string(),
        format!(
            "board b1 speaks version 1 of the rtx protocol, this side speaks {PROTOCOL}; \
             install the same version of rtx on both"
        )
    );
}

#[test]
fn another_isa() {
    assert_eq!(
        words(|board| board.isa = "aarch64".into()),
        "board b1 is an aarch64 machine and the program is for x86_64; \
         use an x86_64 board, or build the program with rtx-cc"
    );
}

#[test]
fn another_isa_for_a_program_of_popcorn() {
    let mut home = home(facts());
    home.popcorn = true;
    check_facts("b1", &home, &facts()).unwrap();
    let board = Facts {
        isa: "aarch64".into(),
        ..facts()
    };
    assert_eq!(
        check_facts("b1", &home, &board).unwrap_err().to_string(),
        "board b1 is an aarch64 machine and the program is for x86_64: it was built by the \
         compiler of Popcorn Linux, whose kernel its migration points need; \
         use an x86_64 board, on which it runs as any program does, or build it with rtx-cc"
    );
}

#[test]
fn another_isa_without_the_programs_file_for_it() {
    let (mut home, mut board) = (home(facts()), facts());
    home.program = "app".into();
    board.isa = "aarch64".into();
    let words = check_facts("b1", &home, &board).unwrap_err();
    assert_eq!(
        words.to_string(),
        "board b1 is an aarch64 machine and the program is for x86_64; \
         use an x86_64 board, or put the program's file app.aarch64 beside the other"
    );
    std::mem::swap(&mut home.facts, &mut board);
    let words = check_facts("b1", &home, &board).unwrap_err();
    assert!(
        words.to_string().contains("the program's file app beside"),
        "{words}"
    );
}

#[test]
fn another_isa_with_the_programs_file_for_it() {
    let home = Hello {
        program: "app".into(),
        other_isas: vec!["aarch64".into()],
        ..home(facts())
    };
    let board = Facts {
        isa: "aarch64".into(),
        cpu_features: vec![],
        xsave: vec![],
        vector_bytes: 16,
        ..facts()
    };
    check_facts("b1", &home, &board).unwrap();
    let pages = Facts {
        page_size: 65536,
        ..board.clone()
    };
    let words = check_facts("b1", &home, &pages).unwrap_err();
    assert!(
        words.to_string().contains("pages of 65536 bytes"),
        "{words}"
    );
    let kernel = Facts {
        kernel_features: vec![],
        ..board.clone()
    };
    check_facts("b1", &home, &kernel).unwrap_err();
    // Registers travel between machines of one ISA as ever.
    let plain = Facts {
        cpu_features: vec![],
        ..facts()
    };
    check_facts("b1", &home, &plain).unwrap_err();
}

#[test]
fn another_page_size() {
    assert_eq!(
        words(|board| board.page_size = 16384),
        "board b1 has pages of 16384 bytes instead of 4096; \
         boot it with a kernel that has 4096-byte pages"
    );
    let there = Facts {
        page_size: 65536,
        ..facts()
    };
    assert_eq!(
        check_facts("b1", &home(there.clone()), &there)
            .unwrap_err()
            .to_string(),
        "home has pages of 65536 bytes, so that no board can join; \
         boot home with a kernel that has 4096-byte pages"
    );
}

#[test]
fn fewer_addresses() {
    assert_eq!(
        words(|board| board.address_bits = 39),
        "board b1 has addresses of 39 bits, and the program uses 47; \
         boot it with a kernel that has as many (arm64: CONFIG_ARM64_VA_BITS_48)"
    );
    let arm = |address_bits| Facts {
        isa: "aarch64".into(),
        address_bits,
        ..facts()
    };
    let between = |home: Facts, there: Facts| {
        let hello = Hello {
            program: "app".into(),
            other_isas: vec!["aarch64".into(), "x86_64".into()],
            ..self::home(home)
        };
        check_facts("b1", &hello, &there)
    };
    between(facts(), arm(48)).unwrap();
    between(facts(), arm(39)).unwrap_err();
    // What can go to x86-64 is kept where that has addresses.
    between(arm(48), facts()).unwrap();
    between(arm(39), arm(39)).unwrap();
    between(arm(39), arm(48)).unwrap();
    between(arm(48), arm(39)).unwrap_err();
}

#[test]
fn each_missing_kernel_feature() {
    for feature in &KERNEL_FEATURES {
        let words = words(|board| {
            board.kernel = "6.1.0".into();
            board.kernel_features.retain(|name| name != feature.name);
        });
        let expected = format!(
            "board b1 runs Linux 6.1.0 without {}; {}",
            feature.name, feature.fix
        );
        assert_eq!(words, expected);
    }
}

#[test]
fn a_missing_cpu_feature() {
    assert_eq!(
        words(|board| board.cpu_features.retain(|feature| feature != "avx2")),
        "board b1 lacks the cpu feature avx2, which the program may use; \
         leave this board out, or use one whose cpu has it"
    );
}

#[test]
fn registers_kept_elsewhere() {
    let moved = words(|board| board.xsave[0].offset += 64);
    assert_eq!(
        moved,
        "board b1 keeps the registers of xsave part 2 in another place than home; \
         leave this board out, or use one whose cpu is more like home's"
    );
    assert_eq!(words(|board| board.xsave.clear()), moved);
}

#[test]
fn other_vector_lengths() {
    assert_eq!(
        words(|board| board.vector_bytes = 32),
        "board b1 has vector registers of 32 bytes, home of 0; \
         leave this board out, or use one whose cpu is more like home's"
    );
}

#[test]
fn this_machine_suits_itself() {
    let facts = Facts::collect();
    check_facts("b1", &home(facts.clone()), &facts).unwrap();
}
