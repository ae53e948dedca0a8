//! poll(2) and select(2), which only x86-64 has, by ppoll(2) and pselect6(2). Their timeouts are of another
//! type, and stand in the scratch area. Home's kernel writes what is left of it there, so a call that it
//! makes again after a stop waits no longer than is left.

use super::script::{Call, Finished, Plan, Prepared, Script, Span, Stop, bytes, word};

const MICROS: i64 = 1_000_000;

/// The plan for poll(2).
pub(super) fn poll(args: &[u64; 6]) -> Plan {
    let [descriptors, count, timeout, ..] = *args;
    let millis = timeout as i32;
    let args = [descriptors, count, 0, 0, 0, 0];
    let call = Call {
        name: "ppoll",
        args,
    };
    match u64::try_from(millis) {
        Ok(millis) => Plan::Scripted(Box::new(Poll { call, millis })),
        // For ever.
        Err(_) => Plan::Plain(call),
    }
}

#[derive(Debug)]
struct Poll {
    call: Call,
    millis: u64,
}

impl Script for Poll {
    fn call(&mut self, _data: &[u8], area: u64) -> Result<Prepared, Stop> {
        let mut call = self.call;
        call.args[2] = area;
        let area = bytes([self.millis / 1000, self.millis % 1000 * 1_000_000]);
        Ok(Prepared { call, area })
    }
}

/// The plan for select(2).
pub(super) fn select(args: &[u64; 6]) -> Plan {
    let timeout = args[4];
    let call = Call {
        name: "pselect6",
        args: [args[0], args[1], args[2], args[3], 0, 0],
    };
    if timeout == 0 {
        return Plan::Plain(call);
    }
    Plan::Scripted(Box::new(Select { call, timeout }))
}

#[derive(Debug)]
struct Select {
    call: Call,
    /// Where the program's struct timeval is.
    timeout: u64,
}

impl Script for Select {
    fn reads(&self) -> Option<Span> {
        Some(Span {
            address: self.timeout,
            len: 16,
        })
    }

    fn call(&mut self, data: &[u8], area: u64) -> Result<Prepared, Stop> {
        let (seconds, micros) = (word(data, 0) as i64, word(data, 8) as i64);
        // As kern_select() in the kernel's fs/select.c.
        let seconds = seconds.wrapping_add(micros / MICROS);
        let nanos = micros % MICROS * 1000;
        if seconds < 0 || nanos < 0 {
            return Err(Stop::Result(-i64::from(libc::EINVAL)));
        }
        let mut call = self.call;
        call.args[4] = area;
        let area = bytes([seconds as u64, nanos as u64]);
        Ok(Prepared { call, area })
    }

    fn leaves(&self, _result: i64) -> usize {
        16
    }

    /// The kernel tells what is left whatever the result.
    fn finish(&self, result: i64, data: &[u8]) -> Finished {
        let left = bytes([word(data, 0), word(data, 8) / 1000]);
        Finished::writing(result, self.timeout, left)
    }

    /// A timeout that cannot be written stays; but then the call is not made again.
    fn written_in_part(&self, result: i64, _copied: usize) -> i64 {
        const MAKE_AGAIN_WITHOUT_HANDLER: i64 = -514;
        if result == MAKE_AGAIN_WITHOUT_HANDLER {
            -i64::from(libc::EINTR)
        } else {
            result
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(plan: Plan, data: &[u8]) -> Result<Prepared, Stop> {
        match plan {
            Plan::Scripted(mut script) => script.call(data, 0x9000),
            plan => panic!("{plan:?}"),
        }
    }

    #[test]
    fn milliseconds_become_a_time() {
        let made = prepared(poll(&[0x1000, 3, 2500, 0, 0, 0]), &[]).expect("a call");
        assert_eq!(made.call.args, [0x1000, 3, 0x9000, 0, 0, 0]);
        assert_eq!(made.area, bytes([2, 500_000_000]));
        assert!(matches!(
            poll(&[0, 0, -1i32 as u32 as u64, 0, 0, 0]),
            Plan::Plain(_)
        ));
        assert!(prepared(poll(&[0; 6]), &[]).expect("a call").area == bytes([0, 0]));
    }

    #[test]
    fn microseconds_become_nanoseconds_and_back() {
        let args = [8, 1, 2, 3, 0x2000, 0];
        let made = prepared(select(&args), &bytes([1, 2_500_000])).expect("a call");
        assert_eq!(made.call.args, [8, 1, 2, 3, 0x9000, 0]);
        assert_eq!(made.area, bytes([3, 500_000_000]));
        for wrong in [[-1i64, 0], [0, -1], [-3, 2_000_000]] {
            let wrong = bytes(wrong.map(|w| w as u64));
            let stopped = prepared(select(&args), &wrong);
            assert_eq!(stopped, Err(Stop::Result(-22)));
        }
        let Plan::Scripted(script) = select(&args) else {
            panic!("a script")
        };
        let left = script.finish(-514, &bytes([1, 999_999_999]));
        assert_eq!(left, Finished::writing(-514, 0x2000, bytes([1, 999_999])));
        assert_eq!(script.written_in_part(-514, 3), -4);
        assert_eq!(script.written_in_part(2, 3), 2);
    }
}
