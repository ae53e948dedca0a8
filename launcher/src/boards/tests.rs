//! What lists of boards mean, and what is said when they mean nothing.

use super::*;
use crate::errors::Explain;

fn parse(list: &str) -> Result<BoardsSpec, BoardsError> {
    list.parse()
}

/// The boards of a list, shown.
fn shown(list: &str) -> Vec<String> {
    let boards = parse(list).expect(list).resolve(|_| None).expect(list);
    boards.iter().map(ToString::to_string).collect()
}

#[test]
fn lists_are_understood() {
    for list in [
        "a:1",
        "10.0.0.2:7100,board-3.lan:7100",
        "[::1]:7100",
        "[fe80::1]:1,x_y:65535",
    ] {
        assert_eq!(shown(list).join(","), list);
    }
    assert_eq!(shown("a:1, b:2"), ["a:1", "b:2"]);
    assert_eq!(shown("local:2"), ["local", "local"]);
    assert_eq!(shown("ssh:pi,me@10.0.0.3"), ["ssh:pi", "ssh:me@10.0.0.3"]);
    assert_eq!(shown("local:63").len(), 63);
    assert_eq!(parse("slurm").expect("known"), BoardsSpec::Slurm);
    assert_eq!(parse("pbs").expect("known"), BoardsSpec::Pbs);
    let hosts = BoardsSpec::Hostfile("a, b".into());
    assert_eq!(parse("hostfile:a, b").expect("known"), hosts);
}

#[test]
fn bad_lists_say_what_is_wrong() {
    for (list, message) in [
        ("", "the list of boards \"\" has an empty entry"),
        (
            "a:1,,b:2",
            "the list of boards \"a:1,,b:2\" has an empty entry",
        ),
        ("ssh:", "the list of boards \"\" has an empty entry"),
        (
            "local:0",
            "the number of local boards \"0\" is not between 1 and 63",
        ),
        (
            "local:64",
            "the number of local boards \"64\" is not between 1 and 63",
        ),
        (
            "local:",
            "the number of local boards \"\" is not between 1 and 63",
        ),
        (
            "local:two",
            "the number of local boards \"two\" is not between 1 and 63",
        ),
        ("local", "the board \"local\" has no port"),
        ("board", "the board \"board\" has no port"),
        ("::1", "the board \"::1\" has no port"),
        (
            "b:x",
            "the board \"b:x\" has the port \"x\", which is not between 1 and 65535",
        ),
        (
            "b:0",
            "the board \"b:0\" has the port \"0\", which is not between 1 and 65535",
        ),
        (":7100", "the board \":7100\" has no valid host"),
        ("-oProxy:7", "the board \"-oProxy:7\" has no valid host"),
        ("a b:7100", "the board \"a b:7100\" has no valid host"),
        ("[x]:7100", "the board \"[x]:7100\" has no valid host"),
        ("ssh:-oX", "the board \"-oX\" has no valid host"),
        ("ssh:a;b", "the board \"a;b\" has no valid host"),
        ("ssh:@a", "the board \"@a\" has no valid host"),
        ("ssh:a,a", "the board \"ssh:a\" is given twice"),
        ("b:1,b:1", "the board \"b:1\" is given twice"),
        ("b:1,local:2", "the board \"local:2\" stands beside others"),
        ("local:2,b:1", "the board \"local:2\" stands beside others"),
        ("b:1,slurm", "the board \"slurm\" stands beside others"),
        ("b:1,ssh:a", "the board \"ssh:a\" stands beside others"),
    ] {
        let error = parse(list).expect_err(list);
        assert_eq!(error.to_string(), message);
        let fix = error.fix().expect("a fix");
        assert!(fix.starts_with("Give local:N for N boards"), "{fix}");
    }
    let many: Vec<String> = (1..=64).map(|port| format!("b:{port}")).collect();
    let error = parse(&many.join(",")).expect("a list").resolve(|_| None);
    let message = error.expect_err("too many").to_string();
    assert_eq!(message, "64 boards are more than 63");
}

#[test]
fn tables_become_boards() {
    let entry = |address: &str| BoardEntry {
        address: address.to_owned(),
        slots: Some(3),
        ..BoardEntry::default()
    };
    let spec = BoardsSpec::of_tables(&[entry("a:1"), entry("ssh:b")]).expect("understood");
    let boards = spec.resolve(|_| None).expect("resolved");
    assert_eq!(boards[1].to_string(), "ssh:b");
    assert_eq!(boards[0].slots, Some(3));
    for (tables, message) in [
        (vec![entry("a")], "the board \"a\" has no port"),
        (
            vec![entry("a:1"), entry("a:1")],
            "the board \"a:1\" is given twice",
        ),
        (vec![entry("ssh:")], "the board \"\" has no valid host"),
    ] {
        let error = BoardsSpec::of_tables(&tables).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
}
