//! struct epoll_event, which is packed on x86-64 only (uapi/linux/eventpoll.h): 12 bytes there, 16 on ARM64.
//!
//! epoll_wait(2) takes events away: those that are told once do not come again. So before it is called
//! their place is made writable. Where that fails it is asked for one event, and if there is no room for
//! one either, for an event at the address 0: then home's kernel fails by itself, and keeps the event.

use super::isa::{Ends, Isa};
use super::script::{Call, Finished, Plan, Prepared, Script, Span, Stop, half, word};

/// Bytes of an event.
const fn size(isa: Isa) -> usize {
    match isa {
        Isa::X86_64 => 12,
        Isa::Aarch64 => 16,
    }
}

/// Where its data stands; behind its flags, at 0.
const fn data_at(isa: Isa) -> usize {
    match isa {
        Isa::X86_64 => 4,
        Isa::Aarch64 => 8,
    }
}

/// Events of `from` as those of `to`.
fn convert(from: Isa, to: Isa, events: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for event in events.chunks_exact(size(from)) {
        let start = out.len();
        out.extend(half(event, 0).to_le_bytes());
        out.resize(start + data_at(to), 0);
        out.extend(word(event, data_at(from)).to_le_bytes());
    }
    out
}

/// epoll_ctl(2).
#[derive(Debug)]
struct Control {
    ends: Ends,
    args: [u64; 6],
}

/// The plan for epoll_ctl(2). EPOLL_CTL_DEL does not look at the event.
pub(super) fn control(ends: Ends, args: &[u64; 6]) -> Plan {
    let args = *args;
    if args[1] as i32 == libc::EPOLL_CTL_DEL {
        return Plan::Plain(Call {
            name: "epoll_ctl",
            args,
        });
    }
    Plan::Scripted(Box::new(Control { ends, args }))
}

impl Script for Control {
    fn reads(&self) -> Option<Span> {
        Some(Span {
            address: self.args[3],
            len: size(self.ends.board),
        })
    }

    fn call(&mut self, data: &[u8], area: u64) -> Result<Prepared, Stop> {
        let mut args = self.args;
        args[3] = area;
        let name = "epoll_ctl";
        Ok(Prepared {
            call: Call { name, args },
            area: convert(self.ends.board, self.ends.home, data),
        })
    }
}

/// epoll_pwait(2) and epoll_pwait2(2): the other arguments are the same.
#[derive(Debug)]
struct Wait {
    ends: Ends,
    call: Call,
    /// Where the program wants them.
    to: u64,
    /// How many at most; `None` if there is no place for any.
    most: Option<usize>,
    tried: usize,
}

/// The plan for `call`, one of home's that wait for events, with the program's buffer as its second
/// argument and its length as the third.
pub(super) fn wait(ends: Ends, call: Call) -> Plan {
    let most = call.args[2] as i32;
    if most <= 0 || most > i32::MAX / size(ends.board) as i32 {
        return Plan::Done(-i64::from(libc::EINVAL));
    }
    Plan::Scripted(Box::new(Wait {
        ends,
        call,
        to: call.args[1],
        most: Some(most as usize),
        tried: 0,
    }))
}

impl Script for Wait {
    fn has_room(&mut self, bytes: usize) {
        let fit = bytes / size(Isa::Aarch64);
        self.most = self.most.map(|most| most.min(fit));
    }

    fn takes(&self) -> Option<Span> {
        let most = self.most.filter(|_| self.tried < 2)?;
        Some(Span {
            address: self.to,
            len: most * size(self.ends.board),
        })
    }

    fn cannot_take(&mut self) {
        self.tried += 1;
        self.most = (self.tried == 1).then_some(1);
    }

    fn call(&mut self, _data: &[u8], area: u64) -> Result<Prepared, Stop> {
        let mut call = self.call;
        call.args[1] = if self.most.is_some() { area } else { 0 };
        call.args[2] = self.most.unwrap_or(1) as u64;
        let area = Vec::new();
        Ok(Prepared { call, area })
    }

    fn leaves(&self, result: i64) -> usize {
        let events = usize::try_from(result).unwrap_or(0);
        events * size(self.ends.home)
    }

    fn finish(&self, result: i64, data: &[u8]) -> Finished {
        Finished::writing(
            result,
            self.to,
            convert(self.ends.home, self.ends.board, data),
        )
    }

    fn written_in_part(&self, _result: i64, copied: usize) -> i64 {
        // As the kernel: those that could be told.
        match copied / size(self.ends.board) {
            0 => -i64::from(libc::EFAULT),
            events => events as i64,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_size_is_libcs() {
        let here = Isa::named(std::env::consts::ARCH).expect("one of both");
        assert_eq!(size(here), size_of::<libc::epoll_event>());
    }

    #[test]
    fn a_bad_number_of_events_is_an_error() {
        for (ends, most, fine) in [
            (Ends::FOREIGN[0], i32::MAX / 12, true),
            (Ends::FOREIGN[0], i32::MAX / 12 + 1, false),
            (Ends::FOREIGN[1], i32::MAX / 16, true),
            (Ends::FOREIGN[1], i32::MAX / 16 + 1, false),
            (Ends::FOREIGN[1], 0, false),
            (Ends::FOREIGN[1], -1, false),
        ] {
            let call = Call {
                name: "epoll_pwait",
                args: [3, 0x1000, most as u64, 0, 0, 0],
            };
            let plan = wait(ends, call);
            assert_eq!(matches!(plan, Plan::Scripted(_)), fine, "{most}");
        }
    }

    proptest! {
        #[test]
        fn events_keep_flags_and_data(events in proptest::collection::vec(any::<(u32, u64)>(), 0..300)) {
            let packed: Vec<u8> = events
                .iter()
                .flat_map(|(flags, data)| [&flags.to_le_bytes()[..], &data.to_le_bytes()].concat())
                .collect();
            let arm = convert(Isa::X86_64, Isa::Aarch64, &packed);
            prop_assert_eq!(arm.len(), 16 * events.len());
            for (event, (flags, data)) in arm.chunks_exact(16).zip(&events) {
                prop_assert_eq!((half(event, 0), half(event, 4)), (*flags, 0));
                prop_assert_eq!(word(event, 8), *data);
            }
            prop_assert_eq!(convert(Isa::Aarch64, Isa::X86_64, &arm), packed);
        }
    }
}
