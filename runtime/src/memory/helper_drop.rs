//! Dropping another process's pages through its helper: one process_madvise(2) on the helper's own
//! pidfd for many scattered ranges (one TLB flush), or a batch of madvise(2) where the kernel
//! refuses that.

use std::io;

use super::helper::{BATCH, Call, Helper, HelperError, Scratch};
use super::remote;

/// madvise(2) advice for pages that are mlocked (Linux 5.18).
const MADV_DONTNEED_LOCKED: u64 = 24;
/// One struct iovec.
const IOVEC_BYTES: usize = 16;
/// Scratch memory that a drop needs.
pub const SCRATCH_BYTES: u64 = (BATCH * IOVEC_BYTES) as u64;

impl Helper {
    /// Drops the pages of `ranges` (address, bytes): the next access faults. mlocked pages too;
    /// what is not mapped counts as dropped. On an error some ranges are dropped, some not.
    pub fn drop_pages(&mut self, ranges: &[(u64, u64)]) -> Result<(), HelperError> {
        for chunk in ranges.chunks(BATCH) {
            let mut rest = chunk;
            while let Some(scratch) = self
                .scratch
                .filter(|_| self.drops_at_once && rest.len() > 1)
            {
                let dropped = self.drop_at_once(scratch, rest)?;
                rest = &rest[dropped..];
                let Some(stopped_at) = rest.first() else {
                    break;
                };
                self.drop_singly(&[*stopped_at])?;
                rest = &rest[1..];
                if dropped == 0 {
                    // The kernel takes the range singly but not here: it lacks this way.
                    self.drops_at_once = false;
                }
            }
            self.drop_singly(rest)?;
        }
        Ok(())
    }

    /// One process_madvise; returns how many ranges, from the first, are wholly dropped.
    fn drop_at_once(
        &mut self,
        scratch: Scratch,
        ranges: &[(u64, u64)],
    ) -> Result<usize, HelperError> {
        let mut iovecs = [0u8; BATCH * IOVEC_BYTES];
        for (slot, (addr, len)) in iovecs.chunks_exact_mut(IOVEC_BYTES).zip(ranges) {
            slot[..8].copy_from_slice(&addr.to_le_bytes());
            slot[8..].copy_from_slice(&len.to_le_bytes());
        }
        remote::write(
            scratch.pid,
            scratch.addr,
            &iovecs[..ranges.len() * IOVEC_BYTES],
        )
        .map_err(HelperError::Scratch)?;
        let result = self.call(
            libc::SYS_process_madvise,
            &[
                scratch.pidfd as u64,
                scratch.addr,
                ranges.len() as u64,
                libc::MADV_DONTNEED as u64,
                0,
            ],
        )?;
        let mut left = result.max(0) as u64;
        let whole = ranges
            .iter()
            .take_while(|(_, len)| match left.checked_sub(*len) {
                Some(rest) => {
                    left = rest;
                    true
                }
                None => false,
            });
        Ok(if result < 0 { 0 } else { whole.count() })
    }

    /// A madvise for each range, all in one batch; a second one for those that are mlocked.
    fn drop_singly(&mut self, ranges: &[(u64, u64)]) -> Result<(), HelperError> {
        let locked = self.advise(ranges, libc::MADV_DONTNEED as u64)?;
        let refused = self.advise(&locked, MADV_DONTNEED_LOCKED)?;
        match refused.first() {
            None => Ok(()),
            Some(&(start, len)) => {
                let source = io::Error::from_raw_os_error(libc::EINVAL);
                Err(HelperError::Drop {
                    start,
                    end: start + len,
                    source,
                })
            }
        }
    }

    /// Returns the ranges that were refused with EINVAL.
    fn advise(
        &mut self,
        ranges: &[(u64, u64)],
        advice: u64,
    ) -> Result<Vec<(u64, u64)>, HelperError> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let calls: Vec<_> = ranges
            .iter()
            .map(|&(addr, len)| Call::new(libc::SYS_madvise, &[addr, len, advice]))
            .collect();
        let mut refused = Vec::new();
        for (result, &(start, len)) in self.batch(&calls)?.into_iter().zip(ranges) {
            match -result as i32 {
                // ENOMEM: part of the range is not mapped; the kernel has gone over the rest.
                0 | libc::ENOMEM => {}
                libc::EINVAL => refused.push((start, len)),
                errno => {
                    let source = io::Error::from_raw_os_error(errno);
                    return Err(HelperError::Drop {
                        start,
                        end: start + len,
                        source,
                    });
                }
            }
        }
        Ok(refused)
    }
}
