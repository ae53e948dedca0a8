//! What the machine boots into: the kernel's drivers, a shell, the commands of rtx and the agent.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::cpio::Archive;
use super::machine::ADDRESS;
use crate::scratch::Scratch;

/// In the order in which they are loaded.
const DRIVERS: [&str; 8] = [
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio_pci_modern_dev",
    "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci",
    "net/core/failover",
    "drivers/net/net_failover",
    "drivers/net/virtio_net",
];

/// The archive. `bed` is where `tests/deps-arm64.sh` puts things.
pub fn build(bed: &Path, commands: &[PathBuf]) -> Vec<u8> {
    let mut archive = Archive::default();
    for directory in ["proc", "sys", "dev", "tmp", "root"] {
        archive.directory(directory);
    }
    archive.file(
        "bin/busybox",
        0o755,
        &read(&bed.join("busybox/bin/busybox")),
    );
    for (number, driver) in DRIVERS.iter().enumerate() {
        // What is built into the kernel has no file.
        if let Some(bytes) = module(&bed.join("kernel/lib/modules"), driver) {
            archive.file(&format!("drivers/{number}.ko"), 0o644, &bytes);
        }
    }
    for command in commands {
        let name = command.file_name().expect("a file").to_string_lossy();
        archive.file(&format!("bin/{name}"), 0o755, &stripped(command));
    }
    archive.file("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\n");
    archive.file("init", 0o755, init().as_bytes());
    archive.finish()
}

fn init() -> String {
    format!(
        "#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
mkdir -p /dev/shm /dev/pts /dev/mqueue
mount -t tmpfs shm /dev/shm
mount -t devpts pts /dev/pts
mount -t mqueue mqueue /dev/mqueue
mount -t cgroup2 cgroup /sys/fs/cgroup
for driver in /drivers/*; do insmod $driver; done
ip link set lo up
ip addr add {ADDRESS}/24 dev eth0
ip link set eth0 up
while :; do rtx-vm-agent; sleep 1; done
"
    )
}

/// A driver of the one kernel that is there, unpacked.
fn module(all: &Path, name: &str) -> Option<Vec<u8>> {
    let mut kernels = std::fs::read_dir(all).expect("the kernel has drivers");
    let kernel = kernels.next().expect("a kernel").expect("it can be listed");
    let packed = kernel.path().join("kernel").join(format!("{name}.ko.xz"));
    packed
        .exists()
        .then(|| output(Command::new("xz").arg("-dc").arg(&packed)))
}

/// A command without what only debuggers read.
pub fn stripped(command: &Path) -> Vec<u8> {
    let scratch = Scratch::new();
    let to = scratch.path("stripped");
    let mut strip = Command::new("aarch64-linux-gnu-strip");
    output(strip.arg("-o").arg(&to).arg(command));
    read(&to)
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?} failed");
    output.stdout
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
