//! What a board locks its replicas in with, and what gives the supervisor a core in time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, statfs};

use super::child::in_child;
use super::{Missing, Outcome, sys};

const NAMESPACE_FIX: &str = "Run as root, or permit user namespaces: sysctl \
                             user.max_user_namespaces=15000 (Debian, Ubuntu: also \
                             kernel.unprivileged_userns_clone=1, \
                             kernel.apparmor_restrict_unprivileged_userns=0)";

/// Whether a replica's clock can show home's time since boot.
pub fn time_namespace() -> Outcome {
    namespace(libc::CLONE_NEWTIME, "time")
}

/// Whether a replica can be kept off the network.
pub fn network_namespace() -> Outcome {
    namespace(libc::CLONE_NEWNET, "network")
}

/// Tries a namespace by itself and then within a new user namespace.
fn namespace(flag: i32, kind: &str) -> Outcome {
    if in_child(|| sys::unshare(flag)).is_ok() {
        return Ok(format!("{kind} namespaces can be made"));
    }
    match in_child(|| sys::unshare(libc::CLONE_NEWUSER | flag)) {
        Ok(()) => Ok(format!(
            "{kind} namespaces can be made within a user namespace"
        )),
        Err(error) => {
            let what = format!("cannot make a {kind} namespace");
            Err(Missing::call(&what, &error, NAMESPACE_FIX))
        }
    }
}

/// Whether a board can limit its replicas' cpu time and memory.
pub fn cgroup() -> Outcome {
    let what = "cannot make a control group";
    let fix = "Mount cgroup2 on /sys/fs/cgroup, and run as root or in a delegated group: \
               systemd-run --user --scope -p Delegate=yes rtx-board";
    let trial = || {
        let root = Path::new("/sys/fs/cgroup");
        if statfs(root)?.filesystem_type() != CGROUP2_SUPER_MAGIC {
            return Err(io::Error::other("cgroup2 is not mounted"));
        }
        let group = own_group(root)?.join(format!("rtx-check-{}", std::process::id()));
        fs::create_dir(&group)?;
        fs::remove_dir(&group)?;
        fs::read_to_string(root.join("cgroup.controllers"))
    };
    match trial() {
        Ok(controllers) => {
            let has = |name: &&str| controllers.split_whitespace().any(|c| c == *name);
            match ["cpu", "memory"].iter().find(|name| !has(name)) {
                None => Ok("groups with limits can be made".to_owned()),
                Some(name) => Err(Missing::new(
                    what,
                    format!("there is no {name} controller"),
                    fix,
                )),
            }
        }
        Err(error) => Err(Missing::call(what, &error, fix)),
    }
}

/// The directory of this process's control group.
fn own_group(root: &Path) -> io::Result<PathBuf> {
    let text = fs::read_to_string("/proc/self/cgroup")?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::/"));
    path.map(|path| root.join(path))
        .ok_or_else(|| io::Error::other("it has no group of cgroup2"))
}

/// Whether the supervisor can get a core at once although the program keeps all of them busy.
pub fn sched_fifo() -> Outcome {
    match in_child(sys::sched_fifo) {
        Ok(()) => Ok("SCHED_FIFO is permitted".to_owned()),
        Err(error) => {
            let fix = "Run as root, or permit it: ulimit -r 1 (limits.conf: rtprio)";
            Err(Missing::call("cannot use SCHED_FIFO", &error, fix))
        }
    }
}
