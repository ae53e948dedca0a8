//! Preparing the guest for sharing, once, at its first offload: the stub, the userfaultfd, the
//! helper, memory that userfaultfd can watch, and the interception of what it does not see.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use nix::unistd::Pid;

use super::arguments;
use super::error::JobError;
use super::intercept::{self, Keeper};
use super::journal::Decision;
use super::messages::{SharedMemory, ToPager};
use super::moves::ASK_AGAIN;
use super::supervisor::Supervisor;
use super::withdraw::{Reach, reach};
use crate::calls;
use crate::continuations::Pair;
use crate::guest::arch;
use crate::guest::equip::{
    EquipError, find_call_instruction, open_userfaultfd_twice, spawn_helper, step,
};
use crate::guest::inject::{InjectError, Injector, check};
use crate::guest::procfs;
use crate::guest::ptrace::{self, Tid};
use crate::guest::stop::Stop;
use crate::guest::stub::{self, Stub};
use crate::guest::vdso::Vdso;
use crate::memory::helper::Helper;
use crate::memory::maps::{Kind, Vma, read_maps};
use crate::memory::remote;
use crate::memory::uffd::{self, Uffd};

/// What the supervisor keeps of the preparation.
pub struct Setup {
    /// Where the stub is.
    pub stub: Stub,
    /// The helper: a process that has the guest's memory as long as anybody needs it.
    pub memory: Tid,
    /// Its vDSO, if boards have a replacement of it.
    pub vdso: Vdso,
    /// See [`SharedMemory::freezing`].
    pub freezing: Arc<AtomicBool>,
}

/// Bytes copied at a time when a file mapping becomes anonymous.
const COPY_CHUNK: usize = 1 << 20;
impl Supervisor {
    /// Whether the calls in which threads wait allow to prepare the guest.
    pub(super) fn may_set_up(&mut self, tid: Tid) -> bool {
        let waiting: Vec<(Tid, i64, [u64; 6])> = self
            .threads
            .keys()
            .filter_map(|&tid| procfs::waits_in(self.pid, tid).map(|(nr, args)| (tid, nr, args)))
            .collect();
        if let Some(what) = waiting
            .iter()
            .find_map(|(_, nr, args)| calls::beyond(*nr, args))
        {
            self.closed = true;
            let reason = format!("a thread waits for {what}: the program stays at home");
            self.decided(tid, Decision::KeepHome, &reason);
            return false;
        }
        // Who waits while a child runs in its memory (vfork, posix_spawn) stops for nobody until the child
        // executes a program or ends, which may depend on other threads; and the child would write there
        // while the memory is prepared.
        let lent = waiting.iter().any(|(tid, nr, args)| {
            let read = |at| remote::read_word(Pid::from_raw(*tid), at).ok();
            calls::lends_memory(*nr, args[0], read)
        });
        if lent {
            self.wake_by(Instant::now() + ASK_AGAIN);
        }
        !lent
    }

    /// Prepares the guest by means of `tid`, which is stopped and clean. Leaves `setup` empty if
    /// the guest died meanwhile.
    pub(super) fn set_up(&mut self, tid: Tid) -> Result<(), JobError> {
        let keeper = Keeper::start(self.pid).map_err(step("start a keeper for the program"));
        let frozen = self.freeze()?;
        self.let_exiting_end()?;
        let reach = reach(tid);
        if let Some(Reach::Beyond(what)) = reach {
            self.closed = true;
            let reason = format!("the program uses {what}: it stays at home");
            self.decided(tid, Decision::KeepHome, &reason);
            return self.thaw(frozen);
        }
        // The thread's own id names its memory; the process's own may be that of a thread that ended.
        match keeper.and_then(|keeper| prepare(self.pid, tid, keeper, self.pair.as_deref())) {
            Ok((setup, mut shared)) => {
                shared.direct = reach.is_some();
                self.setup = Some(setup);
                self.filtered = true;
                self.tell(ToPager::Share(Box::new(shared)));
                for thread in self.threads.values_mut() {
                    thread.ask_tid_address = true;
                    if thread.stopped {
                        // A thread that is just ending cannot be told; it will not fork either.
                        let _ = ptrace::set_options(thread.tid, ptrace::SHARED_GUEST_OPTIONS);
                    }
                }
                self.ask_tid_address(tid)?;
                match self.has_interval_timer(tid) {
                    Ok(true) => self.stay_home()?,
                    Ok(false) => {}
                    Err(InjectError::Ended(tid, status)) => {
                        self.deferred.extend(status.map(|s| (tid, s)));
                    }
                    Err(e) => return Err(JobError::Setup(e.into())),
                }
            }
            Err(EquipError::Inject(InjectError::Ended(tid, status))) => {
                self.deferred.extend(status.map(|s| (tid, s)));
            }
            Err(e @ EquipError::Unserved(_)) => return Err(JobError::Setup(e)),
            Err(e) => {
                // Nothing is shared yet: the program can go on where it is.
                self.closed = true;
                let why = crate::report::chain(&JobError::Setup(e));
                self.observer
                    .warn(&format!("{why}; it goes on here, without boards"));
            }
        }
        self.thaw(frozen)
    }

    /// Threads that are in their exit event cannot be asked any more where the kernel will write for
    /// them. They end while all memory is at home.
    fn let_exiting_end(&mut self) -> Result<(), JobError> {
        for tid in self.take_exiting() {
            self.on_exiting(tid)?;
            procfs::await_end(self.pid, tid);
        }
        Ok(())
    }

    /// The threads whose exit events have been put aside.
    pub(super) fn take_exiting(&mut self) -> Vec<Tid> {
        let exits = |stop: &&(Tid, i32)| Stop::decode(stop.1) == Stop::Exiting;
        let exiting = self.deferred.iter().filter(exits).map(|s| s.0).collect();
        self.deferred.retain(|stop| !exits(&stop));
        exiting
    }

    /// Makes the private file mapping at `addr` anonymous, because a board wants to share it.
    pub(super) fn convert(&mut self, addr: u64) -> Result<(), JobError> {
        let frozen = self.freeze()?;
        let clean = frozen.any_at_home(self);
        if let (Some(tid), Some(setup)) = (clean, &self.setup) {
            let found = read_maps(Pid::from_raw(setup.memory))
                .ok()
                .and_then(|maps| maps.into_iter().find(|m| m.range().contains(&addr)));
            if let Some(vma) = found.filter(Vma::is_private_file) {
                let (stub, memory) = (setup.stub, setup.memory);
                let outcome = Injector::begin(self.pid, tid).and_then(|mut injector| {
                    let outcome = make_anonymous(memory, tid, &mut injector, stub, &vma);
                    injector.finish()?;
                    outcome
                });
                if let Err(e) = outcome {
                    // It lies beyond the end of its file, for example.
                    let reason = format!("touches {:#x}, which cannot be shared: {e}", vma.start);
                    self.decided(tid, Decision::Other("keep home"), &reason);
                }
            }
        }
        self.thaw(frozen)?;
        self.tell(ToPager::Converted { addr });
        Ok(())
    }
}

fn prepare(
    process: Tid,
    tid: Tid,
    keeper: Keeper,
    pair: Option<&Pair>,
) -> Result<(Setup, SharedMemory), EquipError> {
    let pid = tid;
    let maps = read_maps(Pid::from_raw(pid)).map_err(step("read the program's mappings"))?;
    let taken: Vec<(u64, u64)> = maps.iter().map(|m| (m.start, m.end)).collect();
    let stub = Stub::choose(&taken, lowest_address()).ok_or(EquipError::NoRoom)?;
    let mut injector = Injector::begin(process, tid)?;
    let prepared = prepare_in(pid, tid, &mut injector, stub, &maps, pair).and_then(|prepared| {
        let memory = prepared.memory;
        let interception = intercept::install(process, &mut injector, stub, keeper, memory)?;
        Ok((prepared, interception))
    });
    // Whatever came of it, the thread goes on where it was.
    let finished = injector.finish();
    let (inside, interception) = prepared?;
    finished?;
    let freezing = Arc::new(AtomicBool::new(false));
    let shared = SharedMemory {
        memory: inside.memory,
        stub,
        reserved: inside.reserved,
        uffd: inside.uffd,
        helper: inside.helper,
        interception,
        freezing: freezing.clone(),
        uffd_there: inside.uffd_there,
        direct: false,
    };
    let vdso = maps.iter().find(|m| m.kind == Kind::Vdso);
    let vdso = vdso.and_then(|vma| Vdso::of(Pid::from_raw(pid), vma));
    let setup = Setup {
        stub,
        memory: shared.memory,
        vdso: vdso.unwrap_or_default(),
        freezing,
    };
    Ok((setup, shared))
}

fn lowest_address() -> u64 {
    let text = std::fs::read_to_string("/proc/sys/vm/mmap_min_addr").unwrap_or_default();
    text.trim().parse().unwrap_or(0x1_0000)
}

/// What was put into the program.
struct Inside {
    uffd: Uffd,
    helper: Helper,
    /// The helper's process.
    memory: Tid,
    /// The userfaultfd's number in the helper, if it can move pages.
    uffd_there: Option<u64>,
    /// Addresses that are rtx's own.
    reserved: Range<u64>,
}

fn prepare_in(
    pid: Tid,
    tid: Tid,
    injector: &mut Injector,
    stub: Stub,
    maps: &[Vma],
    pair: Option<&Pair>,
) -> Result<Inside, EquipError> {
    map_stub(pid, tid, injector, stub, maps)?;
    let reserved = arguments::keep_readable(pid, injector, stub, maps)?;
    let (uffd, there) = open_userfaultfd_twice(pid, injector, stub, 0)?;
    let moves = uffd::supported_features().unwrap_or(0) & uffd::FEATURE_MOVE;
    let features = uffd::FEATURE_PAGEFAULT_FLAG_WP
        | uffd::FEATURE_EVENT_UNMAP
        | uffd::FEATURE_EVENT_REMAP
        | uffd::FEATURE_THREAD_ID
        | moves;
    uffd.handshake(features)
        .map_err(step("start the program's userfaultfd"))?;
    uffd.register(stub.probe(), stub::PAGE_SIZE)
        .map_err(step("watch the stub's probe page"))?;
    let (mut helper, helper_pid) = spawn_helper(pid, tid, injector, stub, there)?;
    refuse_keys(&mut helper)?;
    let own = |vma: &&Vma| pair.is_some_and(|pair| pair.is_own(&vma.range()));
    for vma in maps
        .iter()
        .filter(|m| is_program(pid, m) && needs_conversion(m))
        .filter(|vma| !own(vma))
    {
        make_anonymous(pid, tid, injector, stub, vma)?;
    }
    Ok(Inside {
        uffd,
        helper,
        memory: helper_pid,
        uffd_there: (moves != 0).then_some(there),
        reserved: stub.0..reserved,
    })
}

/// Boards map memory without protection keys: the program must have none. A new one has the lowest
/// number that is free.
fn refuse_keys(helper: &mut Helper) -> Result<(), EquipError> {
    let failed = step("look for memory protection keys");
    let key = helper
        .call(libc::SYS_pkey_alloc, &[0, 0])
        .map_err(&failed)?;
    if key < 0 {
        // This machine has none (or the program all, as no real one does).
        return Ok(());
    }
    helper
        .call(libc::SYS_pkey_free, &[key as u64])
        .map_err(&failed)?;
    if key > 1 {
        let why = "boards know nothing of them";
        return Err(step("share memory that has protection keys")(why));
    }
    Ok(())
}

/// Maps the stub, using a system call instruction that is already there.
fn map_stub(
    pid: Tid,
    tid: Tid,
    injector: &mut Injector,
    stub: Stub,
    maps: &[Vma],
) -> Result<(), EquipError> {
    let at = find_call_instruction(pid, maps)
        .ok_or("there is none")
        .map_err(step("find a system call instruction in the program"))?;
    let prot = (libc::PROT_READ | libc::PROT_WRITE) as u64;
    let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE) as u64;
    let args = [stub.0, stub::SIZE, prot, flags, u64::MAX, 0];
    check(tid, "mmap", injector.raw(at, libc::SYS_mmap, args)?)?;
    remote::write(Pid::from_raw(pid), stub.0, arch::stub_code()).map_err(step("write the stub"))?;
    // The probe page must be there before it is watched.
    remote::write(Pid::from_raw(pid), stub.probe(), &[1]).map_err(step("write the stub"))?;
    let prot = (libc::PROT_READ | libc::PROT_EXEC) as u64;
    let args = [stub.0, stub::PAGE_SIZE, prot, 0, 0, 0];
    check(tid, "mprotect", injector.raw(at, libc::SYS_mprotect, args)?)?;
    Ok(())
}

/// A mapping of the guest's own program file.
fn is_program(pid: Tid, vma: &Vma) -> bool {
    let exe = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    vma.kind.file().is_some_and(|f| Some(f) == exe.as_deref())
}

/// userfaultfd takes anonymous memory only; these must become so.
fn needs_conversion(vma: &Vma) -> bool {
    vma.is_private_file() && vma.prot.w
}

/// Replaces a private file mapping by anonymous memory with the same content and protection, as far as its file
/// reaches.
fn make_anonymous(
    pid: Tid,
    tid: Tid,
    injector: &mut Injector,
    stub: Stub,
    vma: &Vma,
) -> Result<(), InjectError> {
    let gadget = stub.gadget();
    let len = vma.len();
    let prot = (libc::PROT_READ | libc::PROT_WRITE) as u64;
    let flags = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
    let args = [0, len, prot, flags, u64::MAX, 0];
    let copy = injector.call(gadget, "mmap", libc::SYS_mmap, args)?;
    let copied = copy_memory(pid, vma.start, copy, len);
    let len = *copied.as_ref().unwrap_or(&0) / stub::PAGE_SIZE * stub::PAGE_SIZE;
    if len < vma.len() {
        let rest = [copy + len, vma.len() - len, 0, 0, 0, 0];
        injector.call(gadget, "munmap", libc::SYS_munmap, rest)?;
    }
    copied.map_err(|e| InjectError::Call(tid, "copy of a file mapping", io::Error::other(e)))?;
    let bits = u64::from(vma.prot.bits());
    injector.call(
        gadget,
        "mprotect",
        libc::SYS_mprotect,
        [copy, len, bits, 0, 0, 0],
    )?;
    let flags = (libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED) as u64;
    injector.call(
        gadget,
        "mremap",
        libc::SYS_mremap,
        [copy, len, len, flags, vma.start, 0],
    )?;
    Ok(())
}

/// Copies as many bytes as can be read, but at least one; how many these were.
fn copy_memory(pid: Tid, from: u64, to: u64, len: u64) -> Result<u64, remote::RemoteError> {
    let mut chunk = vec![0u8; COPY_CHUNK.min(len as usize)];
    let mut done = 0;
    while done < len {
        let n = chunk.len().min((len - done) as usize);
        let part = &mut chunk[..n];
        let end = match remote::read_into(Pid::from_raw(pid), from + done, part) {
            Ok(()) => n,
            Err(remote::RemoteError::Fault { at, .. }) if at > from => (at - from - done) as usize,
            Err(e) => return Err(e),
        };
        remote::write(Pid::from_raw(pid), to + done, &chunk[..end])?;
        done += end as u64;
        if end < n {
            break;
        }
    }
    Ok(done)
}
