//! How fast a connection is, as the kernel knows it (tcp(7), TCP_INFO).

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use tokio::net::TcpStream;

/// A TCP connection with another machine. Within one machine, what would be measured is its processors.
pub struct Link(OwnedFd);

impl Link {
    /// `None`: both ends are on this machine.
    pub fn of(stream: &TcpStream) -> io::Result<Option<Self>> {
        let (here, there) = (stream.local_addr()?.ip(), stream.peer_addr()?.ip());
        if here == there || there.to_canonical().is_loopback() {
            return Ok(None);
        }
        Ok(Some(Link(stream.as_fd().try_clone_to_owned()?)))
    }

    /// Bytes a second that arrived at the other side lately, preferably when there was more to send than the connection
    /// took; `None`: none did, or the kernel does not tell (before Linux 4.9).
    pub fn bytes_per_second(&self) -> Option<u64> {
        let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
        let mut len = size_of::<libc::tcp_info>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `len` bytes to `info`, and none beyond it.
        let result = unsafe {
            let info = info.as_mut_ptr().cast();
            libc::getsockopt(
                self.0.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_INFO,
                info,
                &mut len,
            )
        };
        // SAFETY: it is plain numbers, zero before the kernel wrote some.
        let info = unsafe { info.assume_init() };
        (result == 0 && info.tcpi_delivery_rate > 0).then_some(info.tcpi_delivery_rate)
    }
}
