//! This thread as the shadow that makes translated calls, and as a program of ARM64: its calls are translated
//! and made for real, on the kernel of this x86-64 machine. A program of x86-64 with an ARM64 home is
//! translated there, and what that home would make is translated back.

use std::io;

use rtx_runtime::calls::translate::{Ends, Isa, Next, Scratch, Translation, plain};
use syscalls::raw;

/// Memory by mmap, as a scratch area or as a program's buffer.
pub struct Memory {
    address: u64,
    size: usize,
}

pub const PAGE: usize = 4096;

impl Memory {
    /// Some pages, and behind them one that is not accessible.
    pub fn new(pages: usize) -> Self {
        let size = pages * PAGE;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let at = unsafe {
            let (all, none, private) = (size + PAGE, libc::PROT_NONE, libc::MAP_PRIVATE);
            let flags = private | libc::MAP_ANONYMOUS;
            libc::mmap(std::ptr::null_mut(), all, none, flags, -1, 0)
        };
        assert_ne!(at, libc::MAP_FAILED, "mmap");
        let address = at as u64;
        protect(address, size, libc::PROT_READ | libc::PROT_WRITE);
        Self { address, size }
    }

    pub fn at(&self, offset: usize) -> u64 {
        self.address + offset as u64
    }

    pub fn end(&self) -> u64 {
        self.at(self.size)
    }

    pub fn get(&self, offset: usize, len: usize) -> Vec<u8> {
        assert!(offset + len <= self.size);
        let mut out = vec![0; len];
        // SAFETY: it lies in the mapping, which only this thread uses.
        unsafe {
            let from = self.at(offset) as *const u8;
            std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), len);
        }
        out
    }

    pub fn put(&self, offset: usize, data: &[u8]) {
        assert!(offset + data.len() <= self.size);
        // SAFETY: it lies in the mapping, which only this thread uses.
        unsafe {
            let to = self.at(offset) as *mut u8;
            std::ptr::copy_nonoverlapping(data.as_ptr(), to, data.len());
        }
    }

    pub fn word(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.get(offset, 8).try_into().unwrap())
    }

    pub fn half(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.get(offset, 4).try_into().unwrap())
    }

    pub fn put_words(&self, offset: usize, words: &[u64]) {
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        self.put(offset, &bytes);
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: nothing refers to it any more.
        unsafe { libc::munmap(self.address as *mut _, self.size + PAGE) };
    }
}

/// Sets the rights of whole pages.
pub fn protect(address: u64, len: usize, rights: i32) {
    // SAFETY: pages of a mapping of a test's own.
    let result = unsafe { libc::mprotect(address as *mut _, len, rights) };
    assert_eq!(result, 0, "mprotect");
}

impl Scratch for Memory {
    fn address(&self) -> u64 {
        self.address
    }

    fn size(&self) -> usize {
        self.size
    }

    fn read(&self, offset: usize, out: &mut [u8]) -> io::Result<()> {
        out.copy_from_slice(&self.get(offset, out.len()));
        Ok(())
    }

    fn write(&mut self, offset: usize, data: &[u8]) -> io::Result<()> {
        self.put(offset, data);
        Ok(())
    }
}

const ARM_ON_X86: Ends = Ends {
    board: Isa::Aarch64,
    home: Isa::X86_64,
};
const X86_ON_ARM: Ends = Ends {
    board: Isa::X86_64,
    home: Isa::Aarch64,
};

/// A call of this machine's kernel: a count, or -errno.
pub fn kernel(nr: i64, args: [u64; 6]) -> i64 {
    let call = nr as usize;
    let [a, b, c, d, e, f] = args.map(|arg| arg as usize);
    // SAFETY: tests pass memory of their own, or addresses at which there is none.
    unsafe { raw::syscall6(call, a, b, c, d, e, f) as i64 }
}

/// As the program sees it: a refusal is an error too.
fn translated(ends: Ends, nr: i64, args: [u64; 6], make: &dyn Fn(i64, [u64; 6]) -> i64) -> i64 {
    if let Some((nr, args)) = plain(ends, nr, &args) {
        return make(nr, args);
    }
    let mut scratch = Memory::new(2);
    let pid = std::process::id() as i32;
    let (mut call, mut next) =
        Translation::begin(ends, nr, args, pid, &mut scratch).expect("a scratch area");
    let mut main_calls = 0;
    loop {
        match next {
            Next::Make { nr, args, main } => {
                main_calls += usize::from(main);
                assert!(main_calls <= 1, "the call itself is made once");
                let result = make(nr, args);
                next = call.next(result, &mut scratch).expect("a scratch area");
            }
            Next::Done(result) => return result,
            Next::Refuse(refusal) => return -i64::from(refusal.errno),
        }
    }
}

fn padded<const N: usize>(args: [u64; N]) -> [u64; 6] {
    let mut all = [0; 6];
    all[..N].copy_from_slice(&args);
    all
}

/// A call as a program of ARM64 makes it, at this home.
pub fn arm<const N: usize>(name: &str, args: [u64; N]) -> i64 {
    let nr = Isa::Aarch64.number(name).expect("a call of ARM64");
    translated(ARM_ON_X86, nr, padded(args), &kernel)
}

/// A call as a program of x86-64 makes it, at a home that is an ARM64 machine played by this one.
pub fn x86_at_arm<const N: usize>(name: &str, args: [u64; N]) -> i64 {
    let nr = Isa::X86_64.number(name).expect("a call of x86-64");
    translated(X86_ON_ARM, nr, padded(args), &|nr, args| {
        translated(ARM_ON_X86, nr, args, &kernel)
    })
}

/// The same without translation.
pub fn native<const N: usize>(name: &str, args: [u64; N]) -> i64 {
    let nr = Isa::X86_64.number(name).expect("a call of x86-64");
    kernel(nr, padded(args))
}

/// Every way in which a program of x86-64 can make a call.
pub type Way<const N: usize> = fn(&str, [u64; N]) -> i64;

/// A path as a call takes it.
pub fn path(memory: &Memory, offset: usize, path: &std::path::Path) -> u64 {
    use std::os::unix::ffi::OsStrExt;
    memory.put(offset, &[path.as_os_str().as_bytes(), b"\0"].concat());
    memory.at(offset)
}

/// A directory that goes away with the test.
pub struct Directory(pub std::path::PathBuf);

impl Directory {
    pub fn new(name: &str) -> Self {
        let of_test = format!("{name}-{}", std::process::id());
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(of_test);
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
