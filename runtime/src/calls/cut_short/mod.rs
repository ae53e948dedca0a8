//! Calls that end early, with a short count, when a tracer stops a thread in them. Natively only a
//! signal with a handler does that, so programs may rely on the whole count: the remainder has to be
//! made.
//!
//! Here stands which calls these are, on which descriptors, and by which calls the remainder is made.
//! The array of a vectored call is the program's and stays as it is: the remainder is made piece by
//! piece. Where the kernel ends a call short by itself, making the remainder is harmless: it gives an
//! error or nothing, and the count stands. Where it would not be, the call is left alone.
//!
//! Sources: pipe_write, read_iter_zero, get_random_bytes_user, write_pool_user, sk_stream_wait_memory,
//! unix_stream_sendmsg, unix_stream_read_generic, tcp_recvmsg_locked, n_tty_write, iterate_tty_write,
//! splice_from_pipe_next, splice_to_socket, __sys_sendmmsg, __sys_recvmmsg. Regular files are not
//! among them: their calls end for fatal signals only, but where they are spliced.

mod remainder;

pub use remainder::{Remainder, only_of_sockets};

/// The most that one call moves, in bytes (MAX_RW_COUNT, include/linux/fs.h).
const MOST: u64 = 0x7fff_f000;
/// The most entries of a vector, and messages that sendmmsg takes (UIO_MAXIOV).
pub const MOST_PIECES: u64 = 1024;

/// What a descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// A pipe or FIFO.
    Pipe,
    /// A socket whose data is a stream.
    Stream,
    /// Any other socket.
    Socket,
    /// A terminal.
    Terminal,
    /// A device of memory or of random numbers, with its minor number (drivers/char/mem.c).
    Memory(u32),
    /// A regular file, or a block device.
    File,
    /// Something else.
    Other,
}

/// A descriptor as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    pub nature: Nature,
    /// Calls on it wait (no O_NONBLOCK).
    pub waits: bool,
}

/// Where a call's data stands in the program's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// `len` bytes at `at`.
    Bytes { at: u64, len: u64 },
    /// What `count` entries of `struct iovec` at `at` say.
    Vector { at: u64, count: u64 },
    /// What a `struct msghdr` at `at` says.
    Message { at: u64 },
    /// Nowhere: what is counted goes from one descriptor to another, or are whole messages.
    Counted { len: u64 },
}

/// How the remainder of a call is made, but for what it moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// By this call, with the bytes as second and third argument.
    Plain { nr: i64, fd: u64 },
    /// The same at an offset in the file, that of the first byte.
    At { nr: i64, fd: u64, offset: u64 },
    /// The same of a socket, with flags.
    Socket { nr: i64, fd: u64, flags: u64 },
    /// getrandom(2).
    Random { flags: u64 },
    /// By the call itself, with less as argument number `len`; the kernel has moved its offsets on.
    Less { len: usize },
    /// splice(2), which must not wait for more than there was.
    Splice,
    /// By the call itself, with later messages.
    Messages,
}

/// A call that may have been cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    nr: i64,
    args: [u64; 6],
    how: How,
    /// Where the data is.
    pub data: Data,
}

/// The call, if it is one that a stop can cut short, and if it was, as far as its result tells.
pub fn cut_short(nr: i64, args: &[u64; 6], result: i64) -> Option<Call> {
    let call = call(nr, args)?;
    let all = match call.data {
        Data::Bytes { len, .. } | Data::Counted { len } => len,
        Data::Vector { .. } | Data::Message { .. } => MOST,
    };
    (result > 0 && (result as u64) < all.min(MOST)).then_some(call)
}

/// Calls of which some are.
pub fn may_be_cut_short(nr: i64) -> bool {
    let flags = libc::MSG_WAITALL as u64;
    call(nr, &[0, 0, flags, flags, 0, 0]).is_some()
}

fn call(nr: i64, args: &[u64; 6]) -> Option<Call> {
    let [fd, second, third, fourth, ..] = *args;
    let bytes = Data::Bytes {
        at: second,
        len: third,
    };
    let vector = Data::Vector {
        at: second,
        count: third,
    };
    let message = Data::Message { at: second };
    let none = |flags: u64, unwanted: i32| flags as i32 & unwanted == 0;
    let plain = |nr: i64| How::Plain { nr, fd };
    let at = |nr: i64| How::At {
        nr,
        fd,
        offset: fourth,
    };
    // -1 stands for the file's own offset.
    let at_or_plain = |there: i64, here: i64| match fourth {
        u64::MAX => plain(here),
        _ => at(there),
    };
    let socket = |nr: i64, flags: u64| How::Socket { nr, fd, flags };
    let (how, data) = match nr {
        libc::SYS_read => (plain(libc::SYS_read), bytes),
        libc::SYS_write => (plain(libc::SYS_write), bytes),
        libc::SYS_readv => (plain(libc::SYS_read), vector),
        libc::SYS_writev => (plain(libc::SYS_write), vector),
        libc::SYS_pread64 => (at(libc::SYS_pread64), bytes),
        libc::SYS_pwrite64 => (at(libc::SYS_pwrite64), bytes),
        libc::SYS_preadv => (at(libc::SYS_pread64), vector),
        libc::SYS_pwritev => (at(libc::SYS_pwrite64), vector),
        libc::SYS_preadv2 if none(args[5], libc::RWF_NOWAIT) => {
            (at_or_plain(libc::SYS_pread64, libc::SYS_read), vector)
        }
        libc::SYS_pwritev2 if none(args[5], libc::RWF_NOWAIT) => {
            (at_or_plain(libc::SYS_pwrite64, libc::SYS_write), vector)
        }
        libc::SYS_sendto if none(fourth, NO_SEND) => (
            socket(libc::SYS_sendto, fourth & !(libc::MSG_FASTOPEN as u64)),
            bytes,
        ),
        libc::SYS_sendmsg if none(third, NO_SEND) => (
            socket(libc::SYS_sendto, third & !(libc::MSG_FASTOPEN as u64)),
            message,
        ),
        libc::SYS_recvfrom if waits_for_all(fourth) => (socket(nr, fourth), bytes),
        libc::SYS_recvmsg if waits_for_all(third) => (socket(libc::SYS_recvfrom, third), message),
        libc::SYS_getrandom => (
            How::Random { flags: third },
            Data::Bytes {
                at: args[0],
                len: second,
            },
        ),
        libc::SYS_sendfile => (How::Less { len: 3 }, Data::Counted { len: fourth }),
        libc::SYS_copy_file_range => (How::Less { len: 4 }, Data::Counted { len: args[4] }),
        libc::SYS_splice => (How::Splice, Data::Counted { len: args[4] }),
        libc::SYS_sendmmsg if none(fourth, libc::MSG_DONTWAIT) => {
            let len = u64::from(third as u32).min(MOST_PIECES);
            (How::Messages, Data::Counted { len })
        }
        libc::SYS_recvmmsg if none(fourth, libc::MSG_DONTWAIT | libc::MSG_WAITFORONE) => {
            let len = u64::from(third as u32);
            (How::Messages, Data::Counted { len })
        }
        _ => return None,
    };
    let args = *args;
    Some(Call {
        nr,
        args,
        how,
        data,
    })
}

/// Sends that do not wait; those that are confirmed call by call, for which one more would confuse
/// the program.
const NO_SEND: i32 = libc::MSG_DONTWAIT | libc::MSG_ZEROCOPY;

/// Only then does receiving begun wait for more. What is only looked at would be looked at twice.
fn waits_for_all(flags: u64) -> bool {
    let unwanted = libc::MSG_DONTWAIT | libc::MSG_PEEK | libc::MSG_OOB | libc::MSG_ERRQUEUE;
    let flags = flags as i32;
    flags & libc::MSG_WAITALL != 0 && flags & unwanted == 0
}

impl Call {
    /// The descriptors whose nature decides.
    pub fn descriptors(&self) -> Vec<i32> {
        let [first, _, third, ..] = self.args.map(|arg| arg as i32);
        match (self.how, self.nr) {
            (How::Random { .. }, _) => vec![],
            (How::Splice, _) => vec![first, third],
            (How::Less { .. }, libc::SYS_copy_file_range) => vec![first, third],
            _ => vec![first],
        }
    }

    /// Whether stops cut the call short on these descriptors, in the order of
    /// [`Call::descriptors`]. Reading from anything but a device of memory is not: it ends with what
    /// there is.
    pub fn is_cut_on(&self, descriptors: &[Descriptor]) -> bool {
        use Nature::{File, Memory, Pipe, Stream, Terminal};
        let nature = |i: usize| descriptors.get(i).map(|d| d.nature);
        let waits = |i: usize| descriptors.get(i).is_some_and(|d| d.waits);
        match self.nr {
            libc::SYS_getrandom => true,
            libc::SYS_read
            | libc::SYS_readv
            | libc::SYS_pread64
            | libc::SYS_preadv
            | libc::SYS_preadv2 => matches!(nature(0), Some(Memory(1 | 5 | 7 | 8 | 9))),
            libc::SYS_write
            | libc::SYS_writev
            | libc::SYS_pwrite64
            | libc::SYS_pwritev
            | libc::SYS_pwritev2 => match nature(0) {
                Some(Pipe | Stream | Terminal) => waits(0),
                nature => matches!(nature, Some(Memory(1 | 8 | 9))),
            },
            libc::SYS_sendto | libc::SYS_sendmsg | libc::SYS_recvfrom | libc::SYS_recvmsg => {
                nature(0) == Some(Stream) && waits(0)
            }
            libc::SYS_sendfile => match nature(0) {
                Some(Stream | Terminal) => waits(0),
                // A pipe takes what there is room for.
                nature => matches!(nature, Some(File | Memory(_))),
            },
            libc::SYS_copy_file_range => nature(0) == Some(File) && nature(1) == Some(File),
            libc::SYS_splice => match (nature(0), nature(1)) {
                (Some(Pipe), Some(Stream | Terminal)) => waits(1),
                (Some(Pipe), nature) => matches!(nature, Some(File | Memory(_))),
                (nature, Some(Pipe)) => matches!(nature, Some(Memory(1 | 5 | 7 | 8 | 9))),
                _ => false,
            },
            // Of a stream the last message could be cut as well.
            libc::SYS_sendmmsg => nature(0) == Some(Nature::Socket) && waits(0),
            libc::SYS_recvmmsg => nature(0) == Some(Nature::Socket) && waits(0),
            _ => false,
        }
    }

    /// Where the time stands that receiving messages may take; once that is over the call has ended
    /// by itself.
    pub fn time_left(&self) -> Option<u64> {
        (self.nr == libc::SYS_recvmmsg && self.args[4] != 0).then_some(self.args[4])
    }

    /// It sends; else it receives.
    pub fn sends(&self) -> bool {
        self.nr == libc::SYS_sendmsg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIPE: Descriptor = Descriptor {
        nature: Nature::Pipe,
        waits: true,
    };

    fn of(nature: Nature) -> Descriptor {
        Descriptor {
            nature,
            waits: true,
        }
    }

    #[test]
    fn what_is_whole_or_failed_was_not_cut() {
        let of = |nr, args: [u64; 6], result| cut_short(nr, &args, result).is_some();
        assert!(!of(libc::SYS_write, [1, 0, 100, 0, 0, 0], 100));
        assert!(!of(libc::SYS_write, [1, 0, 100, 0, 0, 0], 0));
        assert!(!of(libc::SYS_write, [1, 0, 100, 0, 0, 0], -4));
        // The kernel moves no more at a time.
        assert!(!of(libc::SYS_write, [1, 0, 1 << 40, 0, 0, 0], MOST as i64));
        assert!(!of(libc::SYS_nanosleep, [1, 0, 100, 0, 0, 0], 30));
    }

    #[test]
    fn only_who_waits_for_all_is_cut_in_receiving() {
        let receive = |flags: i32| {
            let args = [3, 0, 100, flags as u64, 0, 0];
            cut_short(libc::SYS_recvfrom, &args, 1).is_some()
        };
        assert!(receive(libc::MSG_WAITALL));
        assert!(!receive(0));
        assert!(!receive(libc::MSG_WAITALL | libc::MSG_PEEK));
        assert!(!receive(libc::MSG_WAITALL | libc::MSG_DONTWAIT));
    }

    #[test]
    fn descriptors_decide() {
        let on = |nr, args: [u64; 6], descriptors: &[Descriptor]| {
            cut_short(nr, &args, 1).unwrap().is_cut_on(descriptors)
        };
        let args = [3, 0x10, 100, 100, 100, 0];
        let still = Descriptor {
            waits: false,
            ..PIPE
        };
        assert!(on(libc::SYS_write, args, &[PIPE]));
        assert!(!on(libc::SYS_write, args, &[still]));
        assert!(!on(libc::SYS_write, args, &[of(Nature::File)]));
        assert!(!on(libc::SYS_write, args, &[of(Nature::Other)]));
        assert!(!on(libc::SYS_read, args, &[PIPE]));
        assert!(!on(libc::SYS_read, args, &[of(Nature::File)]));
        assert!(on(libc::SYS_read, args, &[of(Nature::Memory(5))]));
        assert!(on(libc::SYS_getrandom, args, &[]));
        assert!(on(libc::SYS_sendfile, args, &[of(Nature::File)]));
        assert!(!on(libc::SYS_sendfile, args, &[PIPE]));
        assert!(on(libc::SYS_splice, args, &[PIPE, of(Nature::Stream)]));
        assert!(!on(libc::SYS_splice, args, &[of(Nature::Stream), PIPE]));
        assert!(!on(libc::SYS_splice, args, &[PIPE, PIPE]));
        let args = [3, 0x10, 100, 0, 0, 0];
        assert!(on(libc::SYS_recvmmsg, args, &[of(Nature::Socket)]));
        assert!(!on(libc::SYS_recvmmsg, args, &[of(Nature::Stream)]));
    }
}
