//! The table by number, and what it says of one call.

use std::sync::LazyLock;

use super::isa::{Ends, Isa};
use super::script::{Call, Plan};
use super::table::{Rule, SECTIONS, Treatment};

/// A call of the board's.
struct Entry {
    name: &'static str,
    rule: Option<&'static Rule>,
    /// The number that home has for it.
    at_home: Option<i64>,
}

/// The calls of one instruction set, by number.
type Entries = Vec<Option<Entry>>;

static OF_X86_64: LazyLock<Entries> = LazyLock::new(|| entries(Ends::FOREIGN[0]));
static OF_AARCH64: LazyLock<Entries> = LazyLock::new(|| entries(Ends::FOREIGN[1]));

fn entries(ends: Ends) -> Entries {
    let mut entries = Entries::new();
    for (nr, name) in ends.board.calls() {
        let at = usize::try_from(nr).expect("a small number");
        if entries.len() <= at {
            entries.resize_with(at + 1, || None);
        }
        entries[at] = Some(Entry {
            name,
            rule: find(name),
            at_home: ends.home.number(name),
        });
    }
    entries
}

/// The rule for the call with this name.
fn find(name: &str) -> Option<&'static Rule> {
    let mut rules = SECTIONS.iter().flat_map(|section| section.rules);
    rules.find(|rule| rule.calls.contains(&name))
}

fn entry(board: Isa, nr: i64) -> Option<&'static Entry> {
    let entries = match board {
        Isa::X86_64 => &*OF_X86_64,
        Isa::Aarch64 => &*OF_AARCH64,
    };
    entries.get(usize::try_from(nr).ok()?)?.as_ref()
}

/// The name of call `nr` of this instruction set.
pub(super) fn name(board: Isa, nr: i64) -> &'static str {
    entry(board, nr).map_or("a system call without a name", |entry| entry.name)
}

/// Why a call is refused of which nothing is known.
const UNKNOWN: &str = "its number is not known";

/// What becomes of call `nr` of the board's, of the other instruction set than home's.
pub(super) fn plan(ends: Ends, nr: i64, args: &[u64; 6]) -> Plan {
    let Some(entry) = entry(ends.board, nr) else {
        return Plan::Refuse(libc::ENOSYS, UNKNOWN);
    };
    let Some(rule) = entry.rule else {
        return Plan::Refuse(libc::ENOSYS, UNKNOWN);
    };
    match rule.treatment {
        Treatment::Same => {
            let (name, args) = (entry.name, *args);
            Plan::Plain(Call { name, args })
        }
        Treatment::By(judge) => judge(ends, args),
        Treatment::Native => Plan::Refuse(libc::ENOSYS, "only the thread itself makes it"),
        Treatment::Refused(errno) => Plan::Refuse(errno, rule.what),
    }
}

/// The one call that stands for this one, if that is all.
pub(super) fn plain(ends: Ends, nr: i64, args: &[u64; 6]) -> Option<(i64, [u64; 6])> {
    let entry = entry(ends.board, nr)?;
    match entry.rule?.treatment {
        Treatment::Same => Some((entry.at_home?, *args)),
        Treatment::By(judge) => match judge(ends, args) {
            Plan::Plain(call) => Some((ends.home.number(call.name)?, call.args)),
            _ => None,
        },
        Treatment::Native | Treatment::Refused(_) => None,
    }
}

/// Where the third and fourth argument of clone(2) have changed places: x86-64 has the address at which
/// the child's id is cleared first, ARM64 the thread's own storage.
const SWAPPED_BY_CLONE: (usize, usize) = (3, 4);

/// Number and arguments at home of a call that the thread itself makes; see [`super::native`].
pub(super) fn native(ends: Ends, nr: i64, args: &[u64; 6]) -> Option<(i64, [u64; 6])> {
    let entry = entry(ends.board, nr)?;
    let Treatment::Native = entry.rule?.treatment else {
        return None;
    };
    let mut args = *args;
    if entry.name == "clone" {
        args.swap(SWAPPED_BY_CLONE.0, SWAPPED_BY_CLONE.1);
    }
    Some((entry.at_home?, args))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every call of either instruction set, with the way it goes.
    fn all() -> impl Iterator<Item = (Ends, i64, &'static str)> {
        Ends::FOREIGN.into_iter().flat_map(|ends| {
            let calls = ends.board.calls().into_iter();
            calls.map(move |(nr, name)| (ends, nr, name))
        })
    }

    #[test]
    fn every_call_has_one_rule() {
        let names: Vec<&str> = SECTIONS
            .iter()
            .flat_map(|section| section.rules)
            .flat_map(|rule| rule.calls)
            .copied()
            .collect();
        let unique: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(unique.len(), names.len());
        for (_, _, name) in all() {
            assert!(unique.contains(name), "{name} has no rule");
        }
        for name in names {
            assert!(
                Isa::ALL.iter().any(|isa| isa.number(name).is_some()),
                "{name} is no call"
            );
        }
    }

    /// The runtime's other table of calls has the same names.
    #[test]
    fn calls_with_a_rule_are_calls_with_a_route() {
        let of_32_bits = find("futex_time64").expect("a rule").calls;
        let groups = crate::calls::GROUPS.iter();
        let routed: BTreeSet<&str> = groups.flat_map(|group| group.calls).copied().collect();
        for (_, _, name) in all().filter(|(.., name)| !of_32_bits.contains(name)) {
            assert!(routed.contains(name), "{name}");
        }
    }

    #[test]
    fn home_has_the_calls_that_stand_for_others() {
        let arguments = [
            [0; 6],
            [1; 6],
            [3, 4, 5, 1, 1, 1],
            [0x1000, 0x2000, 1, 24, 0x3000, 8],
        ];
        let mut scripts = 0;
        for (ends, nr, name) in all() {
            for args in arguments {
                let call = match plan(ends, nr, &args) {
                    Plan::Plain(call) => call,
                    Plan::Scripted(mut script) => {
                        scripts += 1;
                        let data = vec![0; script.reads().map_or(0, |span| span.len)];
                        match script.call(&data, 0x9000) {
                            Ok(prepared) => prepared.call,
                            Err(stop) => panic!("{name}: {stop:?}"),
                        }
                    }
                    Plan::Done(_) | Plan::Refuse(..) => continue,
                };
                let found = ends.home.number(call.name);
                assert!(found.is_some(), "{name} by {}", call.name);
            }
        }
        assert!(scripts > 50);
    }

    #[test]
    fn what_is_plain_is_what_is_planned() {
        for (ends, nr, name) in all() {
            let args = [1, 2, 3, 4, 5, 6];
            let planned = match plan(ends, nr, &args) {
                Plan::Plain(call) => {
                    let number = ends.home.number(call.name).expect("a call of home's");
                    Some((number, call.args))
                }
                _ => None,
            };
            assert_eq!(plain(ends, nr, &args), planned, "{name}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for ends in Ends::FOREIGN {
            for nr in [-1, i64::MIN, 400_000, 0x5254_5801, 250_000_000_000] {
                assert!(matches!(
                    plan(ends, nr, &[0; 6]),
                    Plan::Refuse(libc::ENOSYS, UNKNOWN)
                ));
                assert_eq!(plain(ends, nr, &[0; 6]), None);
            }
        }
    }

    #[test]
    fn clone_swaps_two_arguments() {
        let [to_arm, to_x86] = Ends::FOREIGN;
        let args = [0, 1, 2, 3, 4, 5];
        assert_eq!(native(to_arm, 56, &args), Some((220, [0, 1, 2, 4, 3, 5])));
        assert_eq!(native(to_x86, 220, &args), Some((56, [0, 1, 2, 4, 3, 5])));
        // exit_group; fork, which ARM64 has not; read, which others make.
        assert_eq!(native(to_arm, 231, &args), Some((94, args)));
        assert_eq!(native(to_arm, 57, &args), None);
        assert_eq!(native(to_arm, 0, &args), None);
    }
}
