//! Restartable sequences (rseq(2)). The kernel writes the number of the cpu into each thread's
//! area, which lies in its memory: at home, of the shadow. On a board it would be wrong, and each
//! time a shadow is scheduled its page would come home. So a thread leaves its area before it goes:
//! the C library then asks the kernel for the number, and code that uses restartable sequences sees
//! that there are none and takes its other way. A thread that has used them already stays at home.

use super::error::JobError;
use super::supervisor::{Supervisor, alive};
use crate::guest::inject::{InjectError, Injector};
use crate::guest::ptrace::{self, Tid};
use crate::memory::remote;

/// Offset in `struct rseq` (linux/rseq.h) of the sequence the thread is in, or was in last.
const SEQUENCE: u64 = 8;
const RSEQ_FLAG_UNREGISTER: u64 = 1;

impl Supervisor {
    /// Takes a stopped, clean thread's area away. False: it must stay at home.
    pub(super) fn leave_rseq(&mut self, tid: Tid) -> Result<bool, JobError> {
        let area = alive(ptrace::rseq(tid), "ask for restartable sequences")?;
        let (Some(Some(area)), Some(setup)) = (area, &self.setup) else {
            return Ok(true);
        };
        let memory = nix::unistd::Pid::from_raw(setup.memory);
        let sequence = remote::read_word(memory, area.address + SEQUENCE)
            .map_err(|e| JobError::Kernel("read the program's memory", std::io::Error::other(e)))?;
        if sequence != 0 {
            if !std::mem::replace(&mut self.warned_of_rseq, true) {
                self.observer.warn(
                    "the program uses restartable sequences (rseq), which boards do not have; \
                     threads that use them stay home",
                );
            }
            return Ok(false);
        }
        let gadget = setup.stub.gadget();
        let args = [
            area.address,
            area.size.into(),
            RSEQ_FLAG_UNREGISTER,
            area.signature.into(),
            0,
            0,
        ];
        let leave = || -> Result<u64, InjectError> {
            let mut injector = Injector::begin(self.pid, tid)?;
            let answer = injector.call(gadget, "rseq", libc::SYS_rseq, args);
            injector.finish()?;
            answer
        };
        match leave() {
            Ok(_) => Ok(true),
            Err(InjectError::Ended(tid, status)) => {
                self.deferred.extend(status.map(|s| (tid, s)));
                Ok(false)
            }
            Err(e) => Err(JobError::Setup(e.into())),
        }
    }
}
