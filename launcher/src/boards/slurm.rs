//! The nodes of a job of SLURM: `SLURM_JOB_NODELIST`, for instance `a[01-03,7],b[1-2]c[0-1]`.
//!
//! `scontrol show hostnames` would tell them too, but need not be installed where jobs run.

use std::ffi::OsString;

use super::address::is_host;
use super::{At, Board, BoardsError, MOST_BOARDS};

const LIST: &str = "SLURM_JOB_NODELIST";

/// One board on each node; none gets more threads than it has tasks or processors in the job.
pub(super) fn boards(
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<Board>, BoardsError> {
    let Some(list) = variable(LIST).filter(|list| !list.is_empty()) else {
        return Err(BoardsError::NoJob {
            variable: LIST,
            scheduler: "SLURM",
        });
    };
    let list = list.to_string_lossy().into_owned();
    let wrong = |why| BoardsError::NodeList {
        list: list.clone(),
        why,
    };
    let nodes = expand(&list).map_err(wrong)?;
    let count = nodes.len();
    if count > MOST_BOARDS {
        return Err(BoardsError::TooMany { count });
    }
    let cpus = variable("SLURM_JOB_CPUS_PER_NODE");
    let slots = cpus.map(|text| repeated(&text.to_string_lossy()));
    let boards = nodes.into_iter().enumerate().map(|(i, node)| {
        let board = Board::new(At::Srun(node));
        let slots = slots.as_ref().and_then(|slots| slots.get(i));
        match slots {
            Some(slots) => board.with_slots(*slots),
            None => board,
        }
    });
    Ok(boards.collect())
}

/// `4(x2),8` as 4, 4, 8; nothing if it is anything else.
fn repeated(text: &str) -> Vec<u32> {
    let mut all = Vec::new();
    for part in text.split(',') {
        let (number, times) = match part.split_once("(x") {
            Some((number, times)) => (number, times.strip_suffix(')').unwrap_or("")),
            None => (part, "1"),
        };
        match (number.parse::<u32>(), times.parse::<usize>()) {
            (Ok(number), Ok(times)) if number > 0 && times <= 65536 => {
                all.extend(std::iter::repeat_n(number, times));
            }
            _ => return Vec::new(),
        }
    }
    all
}

/// More nodes than any job of rtx can use are not spelled out.
const MOST: usize = 65536;

/// The nodes of a list, in its order.
fn expand(list: &str) -> Result<Vec<String>, &'static str> {
    let mut nodes = Vec::new();
    let mut rest = list;
    loop {
        let (mut entry, after) = sequence(rest)?;
        nodes.append(&mut entry);
        if nodes.len() > MOST {
            return Err("it has too many nodes");
        }
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None if after.is_empty() => break,
            None => return Err("it has a ] without ["),
        }
    }
    match nodes.iter().all(|node| is_host(node)) {
        true => Ok(nodes),
        false => Err("an entry is no name of a node"),
    }
}

/// Text and brackets in turn, up to a comma, a closing bracket or the end; and what follows.
fn sequence(text: &str) -> Result<(Vec<String>, &str), &'static str> {
    let mut all = vec![String::new()];
    let mut rest = text;
    loop {
        let end = rest.find(['[', ']', ',']).unwrap_or(rest.len());
        for one in &mut all {
            one.push_str(&rest[..end]);
        }
        rest = &rest[end..];
        let Some(within) = rest.strip_prefix('[') else {
            return Ok((all, rest));
        };
        let (choices, after) = brackets(within)?;
        if all.len() * choices.len() > MOST {
            return Err("it has too many nodes");
        }
        let joined = all
            .iter()
            .flat_map(|one| choices.iter().map(move |choice| format!("{one}{choice}")));
        all = joined.collect();
        rest = after;
    }
}

/// What stands in brackets, after the opening one: choices between commas, each a range, or text that
/// may have brackets itself.
fn brackets(text: &str) -> Result<(Vec<String>, &str), &'static str> {
    let mut choices = Vec::new();
    let mut rest = text;
    loop {
        let (parts, after) = sequence(rest)?;
        for part in parts {
            choices.append(&mut range(&part)?);
            if choices.len() > MOST {
                return Err("it has too many nodes");
            }
        }
        if let Some(after) = after.strip_prefix(']') {
            return Ok((choices, after));
        }
        rest = after.strip_prefix(',').ok_or("it has a [ without ]")?;
    }
}

/// `08-11` as 08, 09, 10, 11; anything without a hyphen as itself.
fn range(part: &str) -> Result<Vec<String>, &'static str> {
    let Some((first, last)) = part.split_once('-') else {
        return match part.is_empty() {
            true => Err("it has nothing between two commas or brackets"),
            false => Ok(vec![part.to_owned()]),
        };
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten()
    };
    let (Some(from), Some(to)) = (number(first), number(last)) else {
        return Err("a range in it does not go from a number to a number");
    };
    if from > to {
        return Err("a range in it goes backward");
    }
    if to - from >= MOST as u64 {
        return Err("it has too many nodes");
    }
    let width = match first.starts_with('0') {
        true => first.len(),
        false => 0,
    };
    Ok((from..=to).map(|n| format!("{n:0width$}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nodes(list: &str) -> Vec<String> {
        expand(list).expect(list)
    }

    #[test]
    fn lists_are_spelled_out() {
        for (list, expected) in [
            ("n1", "n1"),
            ("n1,n2", "n1 n2"),
            ("n[1-3]", "n1 n2 n3"),
            ("n[08-11]", "n08 n09 n10 n11"),
            ("n[1,3-4,007-008]-ib", "n1-ib n3-ib n4-ib n007-ib n008-ib"),
            ("a[1-2],b[3-4],c", "a1 a2 b3 b4 c"),
            ("r[1-2]n[01-02]", "r1n01 r1n02 r2n01 r2n02"),
            ("n[1[0-1],3]", "n10 n11 n3"),
            ("127.0.0.[1-2]", "127.0.0.1 127.0.0.2"),
            ("n[0-0]", "n0"),
            ("n[00]", "n00"),
        ] {
            assert_eq!(nodes(list).join(" "), expected, "{list}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (list, why) in [
            ("n[1-2", "it has a [ without ]"),
            ("n1]", "it has a ] without ["),
            ("n[3-1]", "a range in it goes backward"),
            (
                "n[a-b]",
                "a range in it does not go from a number to a number",
            ),
            ("n[]", "it has nothing between two commas or brackets"),
            ("n[1,,2]", "it has nothing between two commas or brackets"),
            ("n1,,n2", "an entry is no name of a node"),
            ("n1,", "an entry is no name of a node"),
            ("n 1", "an entry is no name of a node"),
            ("-x", "an entry is no name of a node"),
            ("n[1-70000]", "it has too many nodes"),
            ("n[0-999][0-999]", "it has too many nodes"),
            (
                "n[1-99999999999999999999]",
                "a range in it does not go from a number to a number",
            ),
        ] {
            assert_eq!(expand(list), Err(why), "{list}");
        }
    }

    #[test]
    fn a_job_is_needed() {
        let error = boards(|_| None).expect_err("no job").to_string();
        assert_eq!(
            error,
            "SLURM_JOB_NODELIST is not set: this is no job of SLURM"
        );
        let error = boards(|_| Some("n[".into())).expect_err("nonsense");
        assert!(error.to_string().starts_with("SLURM_JOB_NODELIST \"n[\": "));
    }

    #[test]
    fn processors_become_slots() {
        let environment = |name: &str| match name {
            LIST => Some("a[1-3]".into()),
            "SLURM_JOB_CPUS_PER_NODE" => Some("4(x2),8".into()),
            _ => None,
        };
        let slots: Vec<Option<u32>> = boards(environment)
            .expect("boards")
            .iter()
            .map(|board| board.slots)
            .collect();
        assert_eq!(slots, [Some(4), Some(4), Some(8)]);
        assert_eq!(repeated("4(x2"), Vec::<u32>::new());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(list in "[-a-c0-2\\[\\],]{0,24}") {
            let _ = expand(&list);
        }

        /// Ranges that are compressed in any way come back as the numbers that they were.
        #[test]
        fn what_was_compressed_comes_back(
            groups in prop::collection::vec(
                ("[a-z]{1,4}", prop::collection::vec((0u64..2000, 0u64..9), 1..4), 0usize..6),
                1..5,
            )
        ) {
            let mut list = Vec::new();
            let mut expected = Vec::new();
            for (prefix, ranges, width) in groups {
                let mut parts = Vec::new();
                for (from, length) in ranges {
                    let to = from + length;
                    // A width tells only where there is a zero to see it by.
                    let first = format!("{from:0width$}");
                    let width = if first.starts_with('0') { first.len() } else { 0 };
                    parts.push(match length {
                        0 => first,
                        _ => format!("{first}-{to:0width$}"),
                    });
                    expected.extend((from..=to).map(|n| format!("{prefix}{n:0width$}")));
                }
                list.push(format!("{prefix}[{}]", parts.join(",")));
            }
            prop_assert_eq!(nodes(&list.join(",")), expected);
        }

        /// Brackets in brackets are the same as the choices side by side.
        #[test]
        fn brackets_nest(outer in 0u8..10, from in 0u8..5, length in 0u8..5) {
            let to = from + length;
            let nested = nodes(&format!("n[{outer}[{from}-{to}],x]"));
            let flat = nodes(&format!("n{outer}[{from}-{to}],nx"));
            prop_assert_eq!(nested, flat);
        }
    }
}
