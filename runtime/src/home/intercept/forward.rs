//! What passes between rtx-run and the keeper: first the listener and who helps, from rtx-run; then
//! calls, from the keeper. One SOCK_SEQPACKET packet each.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::cmsg_space;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, recv, recvmsg, send, sendmsg,
};
use nix::unistd::Pid;

use crate::guest::ptrace::Tid;
use crate::guest::seccomp::WaitingCall;
use crate::memory::remote::Memory;

/// A call that waits, forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Names the answer.
    pub id: u64,
    /// The thread that makes it.
    pub caller: Tid,
    /// The program counter behind its instruction.
    pub pc: u64,
    /// The call's number.
    pub nr: i64,
    /// Its arguments.
    pub args: [u64; 6],
}

const BYTES: usize = 10 * 8;

impl Forwarded {
    fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let words = [self.id, self.caller as u64, self.pc, self.nr as u64];
        let words = words.into_iter().chain(self.args);
        for (slot, word) in bytes.chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8; BYTES]) -> Forwarded {
        let word = |i: usize| u64::from_ne_bytes(bytes[i * 8..][..8].try_into().expect("8 bytes"));
        Forwarded {
            id: word(0),
            caller: word(1) as Tid,
            pc: word(2),
            nr: word(3) as i64,
            args: [4, 5, 6, 7, 8, 9].map(word),
        }
    }
}

impl From<&WaitingCall> for Forwarded {
    fn from(call: &WaitingCall) -> Self {
        Forwarded {
            id: call.id,
            caller: call.caller,
            pc: call.pc,
            nr: call.nr,
            args: call.args,
        }
    }
}

/// Sends a call.
pub fn forward(socket: BorrowedFd<'_>, call: Forwarded) -> io::Result<()> {
    let flags = MsgFlags::MSG_NOSIGNAL;
    retry(|| send(socket.as_raw_fd(), &call.to_bytes(), flags)).map(drop)
}

/// Receives a call; `None`: the keeper is gone.
pub fn receive(socket: BorrowedFd<'_>) -> io::Result<Option<Forwarded>> {
    let mut bytes = [0; BYTES];
    match retry(|| recv(socket.as_raw_fd(), &mut bytes, MsgFlags::empty()))? {
        0 => Ok(None),
        BYTES => Ok(Some(Forwarded::from_bytes(&bytes))),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Hands the listener over, and the guest's memory.
pub fn hand_over(
    socket: BorrowedFd<'_>,
    listener: BorrowedFd<'_>,
    memory: &Memory,
) -> io::Result<()> {
    let fds = [listener.as_raw_fd(), memory.as_fd().as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&fds)];
    let memory = memory.pid().as_raw().to_ne_bytes();
    let content = [IoSlice::new(&memory)];
    let flags = MsgFlags::MSG_NOSIGNAL;
    retry(|| sendmsg::<()>(socket.as_raw_fd(), &content, &rights, flags, None)).map(drop)
}

/// Takes both over; `None`: the sender has nothing to hand over and is gone. The listener has the lower
/// number.
pub fn take_over(socket: BorrowedFd<'_>) -> io::Result<Option<(OwnedFd, Memory)>> {
    let mut memory = [0; 4];
    let mut room = cmsg_space!([i32; 2]);
    let mut content = [IoSliceMut::new(&mut memory)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message = loop {
        match recvmsg::<()>(socket.as_raw_fd(), &mut content, Some(&mut room), flags) {
            Err(nix::Error::EINTR) => {}
            message => break message?,
        }
    };
    let bytes = message.bytes;
    let mut fds = message.cmsgs()?.flat_map(|m| match m {
        ControlMessageOwned::ScmRights(fds) => fds,
        _ => Vec::new(),
    });
    // SAFETY: the kernel has just made these descriptors for us.
    let mut next = || fds.next().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    match (next(), next(), bytes) {
        (Some(listener), Some(fd), 4) => {
            let pid = Pid::from_raw(Tid::from_ne_bytes(memory));
            Ok(Some((listener, Memory::from_fd(pid, fd))))
        }
        (None, None, 0) => Ok(None),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn retry(mut call: impl FnMut() -> nix::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(nix::Error::EINTR) => {}
            result => return Ok(result?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (OwnedFd, OwnedFd) {
        super::super::start::socket_pair().expect("a pair")
    }

    #[test]
    fn a_call_arrives_as_it_was() {
        let (ours, theirs) = pair();
        let call = Forwarded {
            id: u64::MAX,
            caller: 77,
            pc: 0x2_0002,
            nr: libc::SYS_madvise,
            args: [1, 2, 3, 4, 5, 6],
        };
        forward(theirs.as_fd(), call).unwrap();
        assert_eq!(receive(ours.as_fd()).unwrap(), Some(call));
        drop(theirs);
        assert_eq!(receive(ours.as_fd()).unwrap(), None);
    }

    #[test]
    fn a_descriptor_is_handed_over() {
        let (ours, theirs) = pair();
        let (read, write) = nix::unistd::pipe().unwrap();
        let own = Memory::open(Pid::this()).unwrap();
        hand_over(ours.as_fd(), write.as_fd(), &own).unwrap();
        drop(write);
        let (passed, memory) = take_over(theirs.as_fd()).unwrap().expect("descriptors");
        assert_eq!(memory.pid(), Pid::this());
        let word = 0x1234_5678_9abc_def0u64;
        assert_eq!(memory.word(&raw const word as u64).unwrap(), word);
        nix::unistd::write(&passed, b"x").unwrap();
        drop(passed);
        let mut text = String::new();
        io::Read::read_to_string(&mut std::fs::File::from(read), &mut text).unwrap();
        assert_eq!(text, "x");
        drop(ours);
        assert!(take_over(theirs.as_fd()).unwrap().is_none());
    }
}
