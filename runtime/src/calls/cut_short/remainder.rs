//! The remainder of a call that was cut short: which calls make it.

use std::collections::VecDeque;

use super::{Call, Data, How, MOST};

/// A call whose remainder is being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remainder {
    call: Call,
    done: u64,
    /// Bytes or messages still to be moved.
    left: u64,
    /// Where the bytes are, (address, length), from the one that is next on.
    pieces: VecDeque<(u64, u64)>,
}

impl Remainder {
    /// The remainder of `call`, which returned `done`. `pieces` are its bytes, (address, length), if
    /// it has any. `None` if nothing remains.
    pub fn of(call: Call, pieces: &[(u64, u64)], done: u64) -> Option<Remainder> {
        let all = match call.data {
            Data::Counted { len } => len,
            _ => pieces
                .iter()
                .fold(0u64, |sum, piece| sum.saturating_add(piece.1)),
        };
        let mut remainder = Remainder {
            call,
            done: 0,
            left: all.min(MOST),
            pieces: pieces.iter().copied().collect(),
        };
        remainder.advance(done).then_some(remainder)
    }

    /// What the program is to be told if nothing more comes.
    pub fn done(&self) -> i64 {
        self.done as i64
    }

    /// The program's call: its number and arguments.
    pub fn whole(&self) -> (i64, [u64; 6]) {
        (self.call.nr, self.call.args)
    }

    /// `count` more has been moved. Whether something remains.
    fn advance(&mut self, count: u64) -> bool {
        self.done += count;
        self.left = self.left.saturating_sub(count);
        let mut moved = count;
        while let Some(piece) = self.pieces.front_mut() {
            let step = piece.1.min(moved);
            (piece.0, piece.1, moved) = (piece.0 + step, piece.1 - step, moved - step);
            if piece.1 > 0 {
                break;
            }
            self.pieces.pop_front();
        }
        self.left > 0
    }

    /// The call that was to make the remainder returned `result` (-errno on failure). Whether there is
    /// still something to be made.
    pub fn returned(&mut self, result: i64) -> bool {
        match u64::try_from(result) {
            Ok(count) if count > 0 => self.advance(count),
            _ => false,
        }
    }

    /// The call that makes the remainder, or the next part of it.
    pub fn next(&self) -> (i64, [u64; 6]) {
        let (nr, mut args) = self.whole();
        let (at, len) = self.pieces.front().copied().unwrap_or_default();
        let len = len.min(self.left);
        match self.call.how {
            How::Plain { nr, fd } => (nr, [fd, at, len, 0, 0, 0]),
            How::At { nr, fd, offset } => (nr, [fd, at, len, offset + self.done, 0, 0]),
            How::Socket { nr, fd, flags } => (nr, [fd, at, len, flags, 0, 0]),
            How::Random { flags } => (nr, [at, len, flags, 0, 0, 0]),
            How::Less { len } => {
                args[len] = self.left;
                (nr, args)
            }
            How::Splice => {
                args[4] = self.left;
                args[5] |= u64::from(libc::SPLICE_F_NONBLOCK);
                (nr, args)
            }
            How::Messages => {
                args[1] += self.done * size_of::<libc::mmsghdr>() as u64;
                args[2] = self.left;
                (nr, args)
            }
        }
    }
}

/// Whether a message with this control data (cmsg(3)) may be ended by plain sends: what belongs to the
/// whole of it went with its first bytes. What a protocol says of each record may not.
pub fn only_of_sockets(control: &[u8]) -> bool {
    let mut rest = control;
    while let Some((head, _)) = rest.split_at_checked(size_of::<libc::cmsghdr>()) {
        let len = u64::from_ne_bytes(std::array::from_fn(|i| head[i]));
        let level = i32::from_ne_bytes(std::array::from_fn(|i| head[8 + i]));
        if level != libc::SOL_SOCKET || len < head.len() as u64 {
            return false;
        }
        let step = usize::try_from(len.next_multiple_of(8)).unwrap_or(usize::MAX);
        rest = rest.get(step..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::cut_short;
    use super::*;

    #[test]
    fn a_write_goes_on_where_it_stopped() {
        let args = [1, 0x1000, 100, 7, 7, 7];
        let call = cut_short(libc::SYS_write, &args, 30).unwrap();
        let mut rest = Remainder::of(call, &[(0x1000, 100)], 30).unwrap();
        let next = |at, len| (libc::SYS_write, [1, at, len, 0, 0, 0]);
        assert_eq!(rest.next(), next(0x101e, 70));
        assert!(rest.returned(20));
        assert_eq!(rest.next(), next(0x1032, 50));
        assert!(!rest.clone().returned(-32) && !rest.clone().returned(0));
        assert_eq!(rest.done(), 50);
        assert!(!rest.returned(50));
        assert_eq!(rest.done(), 100);
        assert_eq!(rest.whole(), (libc::SYS_write, args));
    }

    #[test]
    fn vectors_are_ended_piece_by_piece() {
        let call = cut_short(libc::SYS_preadv, &[3, 0x10, 3, 4000, 0, 0], 10).unwrap();
        let pieces = [(0x1000, 10), (0x2000, 0), (0x3000, 5), (0x4000, 6)];
        let mut rest = Remainder::of(call, &pieces, 10).unwrap();
        assert_eq!(rest.next(), (libc::SYS_pread64, [3, 0x3000, 5, 4010, 0, 0]));
        assert!(rest.returned(5));
        assert_eq!(rest.next(), (libc::SYS_pread64, [3, 0x4000, 6, 4015, 0, 0]));
        assert!(Remainder::of(call, &pieces, 21).is_none());
    }

    #[test]
    fn files_and_messages_go_on_by_count() {
        let call = cut_short(libc::SYS_sendfile, &[1, 2, 0x10, 100, 0, 0], 30).unwrap();
        let rest = Remainder::of(call, &[], 30).unwrap();
        assert_eq!(rest.next(), (libc::SYS_sendfile, [1, 2, 0x10, 70, 0, 0]));
        let call = cut_short(libc::SYS_splice, &[1, 0, 2, 0, 100, 1], 30).unwrap();
        let rest = Remainder::of(call, &[], 30).unwrap();
        assert_eq!(rest.next(), (libc::SYS_splice, [1, 0, 2, 0, 70, 3]));
        let call = cut_short(libc::SYS_recvmmsg, &[1, 0x1000, 8, 0, 0, 0], 3).unwrap();
        let rest = Remainder::of(call, &[], 3).unwrap();
        assert_eq!(rest.next(), (libc::SYS_recvmmsg, [1, 0x10c0, 5, 0, 0, 0]));
    }

    #[test]
    fn control_data_of_a_protocol_is_found() {
        let message = |level: i32| {
            let mut bytes = 20u64.to_ne_bytes().to_vec();
            bytes.extend_from_slice(&level.to_ne_bytes());
            bytes.extend_from_slice(&[1, 0, 0, 0, 9, 9, 9, 9, 0, 0, 0, 0]);
            bytes
        };
        assert!(only_of_sockets(&[]));
        assert!(only_of_sockets(&message(libc::SOL_SOCKET)));
        let tls = 282;
        assert!(!only_of_sockets(&message(tls)));
        assert!(!only_of_sockets(
            &[message(libc::SOL_SOCKET), message(tls)].concat()
        ));
    }

    #[test]
    fn sockets_keep_their_flags() {
        let flags = (libc::MSG_NOSIGNAL | libc::MSG_FASTOPEN) as u64;
        let call = cut_short(libc::SYS_sendmsg, &[3, 0x10, flags, 0, 0, 0], 1).unwrap();
        let rest = Remainder::of(call, &[(0x1000, 4)], 1).unwrap();
        let flags = libc::MSG_NOSIGNAL as u64;
        assert_eq!(rest.next(), (libc::SYS_sendto, [3, 0x1001, 3, flags, 0, 0]));
    }
}
