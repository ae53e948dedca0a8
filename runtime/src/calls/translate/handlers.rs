//! rt_sigaction(2). The structure is the same, but not how a handler returns, and handlers run at home:
//!
//! - x86-64's kernel needs a restorer, code of the program that makes rt_sigreturn; without one it kills the
//!   program when a signal comes. A handler without one is refused.
//! - ARM64's kernel has code of its own for that. It takes a restorer too, but x86-64's stands at an address
//!   of its own (in musl behind a no-op), where there is no instruction of ARM64's. It is left out.

use super::isa::{Ends, Isa};
use super::script::{Call, Plan, Prepared, Script, Span, Stop, bytes, word};

const SA_RESTORER: u64 = 0x0400_0000;
/// Handlers up to here are none: SIG_DFL, SIG_IGN.
const NO_HANDLER: u64 = 1;
/// Bytes of the kernel's struct sigaction: handler, flags, restorer, mask.
const ACTION: usize = 32;

/// The plan for rt_sigaction(2).
pub(super) fn action(ends: Ends, args: &[u64; 6]) -> Plan {
    let call = Call {
        name: "rt_sigaction",
        args: *args,
    };
    // The old action is the same on both.
    if args[1] == 0 {
        return Plan::Plain(call);
    }
    Plan::Scripted(Box::new(Action { ends, call }))
}

#[derive(Debug)]
struct Action {
    ends: Ends,
    call: Call,
}

impl Script for Action {
    fn reads(&self) -> Option<Span> {
        Some(Span {
            address: self.call.args[1],
            len: ACTION,
        })
    }

    fn call(&mut self, data: &[u8], area: u64) -> Result<Prepared, Stop> {
        let mut call = self.call;
        call.args[1] = area;
        let [handler, mut flags, mut restorer, mask] = [0, 8, 16, 24].map(|at| word(data, at));
        match self.ends.home {
            Isa::X86_64 if handler > NO_HANDLER && flags & SA_RESTORER == 0 => {
                let why = "a signal handler without a restorer cannot return on x86-64";
                return Err(Stop::Refuse(libc::EINVAL, why));
            }
            Isa::X86_64 => {}
            Isa::Aarch64 => {
                flags &= !SA_RESTORER;
                restorer = 0;
            }
        }
        let area = bytes([handler, flags, restorer, mask]);
        Ok(Prepared { call, area })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(ends: Ends, action_: [u64; 4]) -> Result<Vec<u8>, Stop> {
        let Plan::Scripted(mut script) = action(ends, &[10, 0x1000, 0, 8, 0, 0]) else {
            panic!("scripted")
        };
        script.call(&bytes(action_), 0x9000).map(|made| made.area)
    }

    #[test]
    fn arm64_needs_no_restorer() {
        let found = made(Ends::FOREIGN[0], [0x4000, SA_RESTORER | 4, 0x4111, 5]);
        assert_eq!(found, Ok(bytes([0x4000, 4, 0, 5])));
    }

    #[test]
    fn x86_64_needs_one_for_handlers() {
        let ends = Ends::FOREIGN[1];
        let whole = [0x4000, SA_RESTORER | 4, 0x4110, 5];
        assert_eq!(made(ends, whole), Ok(bytes(whole)));
        assert!(matches!(
            made(ends, [0x4000, 4, 0, 5]),
            Err(Stop::Refuse(..))
        ));
        assert_eq!(made(ends, [1, 0, 0, 0]), Ok(bytes([1, 0, 0, 0])));
    }
}
