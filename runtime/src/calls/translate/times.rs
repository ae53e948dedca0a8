//! Calls about times that only x86-64 has: time(2), alarm(2), utime(2), utimes(2), futimesat(2).

use super::script::{Call, Finished, Plan, Prepared, Script, Span, Stop, bytes, word};

/// CLOCK_REALTIME_COARSE: time(2) reads it, which may be a tick behind CLOCK_REALTIME.
const REALTIME_COARSE: u64 = 5;
const MICROS: u64 = 1_000_000;
const AT_FDCWD: u64 = libc::AT_FDCWD as u64;

/// The plan for time(2).
pub(super) fn time(args: &[u64; 6]) -> Plan {
    Plan::Scripted(Box::new(Time { to: args[0] }))
}

#[derive(Debug)]
struct Time {
    to: u64,
}

impl Script for Time {
    fn call(&mut self, _data: &[u8], area: u64) -> Result<Prepared, Stop> {
        Ok(Prepared {
            call: Call {
                name: "clock_gettime",
                args: [REALTIME_COARSE, area, 0, 0, 0, 0],
            },
            area: Vec::new(),
        })
    }

    fn leaves(&self, result: i64) -> usize {
        if result == 0 { 8 } else { 0 }
    }

    fn finish(&self, result: i64, data: &[u8]) -> Finished {
        if data.is_empty() {
            return Finished::with(result);
        }
        let seconds = word(data, 0);
        if self.to == 0 {
            return Finished::with(seconds as i64);
        }
        Finished::writing(seconds as i64, self.to, bytes([seconds]))
    }
}

/// The plan for alarm(2): an interval timer that goes off once.
pub(super) fn alarm(args: &[u64; 6]) -> Plan {
    Plan::Scripted(Box::new(Alarm {
        seconds: args[0] as u32,
    }))
}

#[derive(Debug)]
struct Alarm {
    seconds: u32,
}

/// Bytes of struct itimerval.
const TIMER: usize = 32;

impl Script for Alarm {
    fn call(&mut self, _data: &[u8], area: u64) -> Result<Prepared, Stop> {
        Ok(Prepared {
            call: Call {
                name: "setitimer",
                args: [libc::ITIMER_REAL as u64, area, area + TIMER as u64, 0, 0, 0],
            },
            area: bytes([0, 0, self.seconds.into(), 0]),
        })
    }

    fn leaves(&self, result: i64) -> usize {
        if result == 0 { 2 * TIMER } else { 0 }
    }

    fn finish(&self, result: i64, data: &[u8]) -> Finished {
        if data.is_empty() {
            return Finished::with(result);
        }
        let (seconds, micros) = (word(data, TIMER + 16), word(data, TIMER + 24));
        // As alarm_setitimer() in the kernel's kernel/time/itimer.c: never 0 if one was set.
        let more = (seconds == 0 && micros > 0) || micros >= MICROS / 2;
        Finished::with(seconds as i64 + i64::from(more))
    }
}

/// The plan for utime(2): two times in seconds.
pub(super) fn utime(args: &[u64; 6]) -> Plan {
    stamp([AT_FDCWD, args[0], 0, 0, 0, 0], args[1], Unit::Seconds)
}

/// The plan for utimes(2): two struct timeval.
pub(super) fn utimes(args: &[u64; 6]) -> Plan {
    stamp([AT_FDCWD, args[0], 0, 0, 0, 0], args[1], Unit::Micros)
}

/// The plan for futimesat(2): the same below a directory.
pub(super) fn futimesat(args: &[u64; 6]) -> Plan {
    stamp([args[0], args[1], 0, 0, 0, 0], args[2], Unit::Micros)
}

fn stamp(args: [u64; 6], times: u64, unit: Unit) -> Plan {
    let name = "utimensat";
    let call = Call { name, args };
    if times == 0 {
        return Plan::Plain(call);
    }
    Plan::Scripted(Box::new(Stamp { call, times, unit }))
}

#[derive(Clone, Copy, Debug)]
enum Unit {
    Seconds,
    Micros,
}

#[derive(Debug)]
struct Stamp {
    call: Call,
    times: u64,
    unit: Unit,
}

impl Script for Stamp {
    fn reads(&self) -> Option<Span> {
        let len = match self.unit {
            Unit::Seconds => 16,
            Unit::Micros => 32,
        };
        let address = self.times;
        Some(Span { address, len })
    }

    fn call(&mut self, data: &[u8], area: u64) -> Result<Prepared, Stop> {
        let times = match self.unit {
            Unit::Seconds => [word(data, 0), 0, word(data, 8), 0],
            Unit::Micros => [0, 8, 16, 24].map(|at| word(data, at)),
        };
        if times[1] >= MICROS || times[3] >= MICROS {
            return Err(Stop::Result(-i64::from(libc::EINVAL)));
        }
        let mut call = self.call;
        call.args[2] = area;
        let area = bytes([times[0], times[1] * 1000, times[2], times[3] * 1000]);
        Ok(Prepared { call, area })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(plan: Plan) -> Box<dyn Script> {
        match plan {
            Plan::Scripted(script) => script,
            plan => panic!("{plan:?}"),
        }
    }

    #[test]
    fn an_alarms_rest_is_rounded_as_by_the_kernel() {
        let alarm = script(alarm(&[3, 0, 0, 0, 0, 0]));
        for (left, told) in [
            ([0, 0], 0),
            ([0, 1], 1),
            ([1, 1], 1),
            ([1, 499_999], 1),
            ([1, 500_000], 2),
        ] {
            let mut data = vec![0; 48];
            data.extend(bytes(left));
            assert_eq!(alarm.finish(0, &data), Finished::with(told), "{left:?}");
        }
    }

    #[test]
    fn times_of_files_are_checked_and_widened() {
        let mut utimes = script(utimes(&[0x1000, 0x2000, 0, 0, 0, 0]));
        assert_eq!(utimes.reads().expect("times").len, 32);
        let made = utimes
            .call(&bytes([1, 2, 3, 999_999]), 0x9000)
            .expect("a call");
        assert_eq!(made.call.args[..3], [AT_FDCWD, 0x1000, 0x9000]);
        assert_eq!(made.area, bytes([1, 2000, 3, 999_999_000]));
        let wrong = utimes.call(&bytes([1, MICROS, 3, 0]), 0x9000);
        assert_eq!(wrong, Err(Stop::Result(-22)));
        let wrong = utimes.call(&bytes([1, 0, 3, -1i64 as u64]), 0x9000);
        assert_eq!(wrong, Err(Stop::Result(-22)));
        let mut utime = script(utime(&[0x1000, 0x2000, 0, 0, 0, 0]));
        let made = utime.call(&bytes([5, 6]), 0x9000).expect("a call");
        assert_eq!(made.area, bytes([5, 0, 6, 0]));
    }
}
