//! Everything there is to try, in the order in which it is tried and shown: what explains other
//! failures comes first.

use super::Grade::{Feature, Optional, Required};
use super::Need::{Offload, Supervise};
use super::{Grade, Need, Outcome, Probe, faults, isolation, machine, memory, seccomp, tracing};

/// All probes.
pub const PROBES: [Probe; 25] = [
    probe("kernel", Required, Supervise, machine::kernel),
    probe("page_size", Required, Offload, machine::page_size),
    probe("ptrace", Required, Supervise, tracing::ptrace),
    probe(
        "process_vm_readv",
        Required,
        Offload,
        tracing::process_vm_readv,
    ),
    probe("pidfd_getfd", Required, Offload, tracing::pidfd_getfd),
    probe("userfaultfd", Required, Offload, faults::userfaultfd),
    probe("userfaultfd_wp", Required, Offload, faults::write_protect),
    probe(
        "userfaultfd_thread_id",
        Required,
        Offload,
        faults::thread_id,
    ),
    probe("userfaultfd_events", Required, Offload, faults::events),
    probe("pagemap", Required, Offload, memory::pagemap),
    probe("seccomp_notify", Required, Offload, seccomp::notify),
    probe(
        "address_bits",
        Feature("threads of programs whose home has more addresses"),
        Offload,
        machine::address_bits,
    ),
    probe(
        "ptrace_attach",
        Feature("attaching with --pid"),
        Offload,
        tracing::attach,
    ),
    probe(
        "userfaultfd_fork",
        Feature("fork while threads are offloaded"),
        Offload,
        faults::fork,
    ),
    probe(
        "process_madvise",
        Feature("dropping pages in batches"),
        Offload,
        memory::drop_own,
    ),
    probe(
        "time_namespace",
        Optional,
        Offload,
        isolation::time_namespace,
    ),
    probe(
        "network_namespace",
        Optional,
        Offload,
        isolation::network_namespace,
    ),
    probe("cgroup_v2", Optional, Offload, isolation::cgroup),
    probe("sched_fifo", Optional, Offload, isolation::sched_fifo),
    probe("userfaultfd_move", Optional, Offload, faults::move_page),
    probe(
        "userfaultfd_wp_async",
        Optional,
        Offload,
        faults::asynchronous,
    ),
    probe("procmap_query", Optional, Offload, memory::procmap_query),
    probe("seccomp_privileged", Optional, Offload, seccomp::privileged),
    probe("cpu", Optional, Offload, machine::cpu),
    probe("register_state", Optional, Offload, tracing::register_state),
];

const fn probe(id: &'static str, grade: Grade, need: Need, run: fn() -> Outcome) -> Probe {
    Probe {
        id,
        grade,
        need,
        run,
    }
}
