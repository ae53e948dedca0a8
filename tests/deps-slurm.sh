#!/bin/sh
# Install what the Slurm lane needs, if it is missing: Slurm and the service that its parts trust each other by. Both
# are installed, and not started by this. Says what it does.
set -eu

missing=
command -v slurmctld >/dev/null && command -v slurmd >/dev/null || missing="$missing slurm-wlm"
command -v munged >/dev/null || missing="$missing munge"
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null || {
    echo "deps-slurm: the Slurm lane needs$missing (names of Debian packages)" >&2
    exit 1
}
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
echo "deps-slurm: installing$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq || true
# Its services would use the ports and files of a real cluster: they stay off.
$as_root env RUNLEVEL=1 apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends $missing >/dev/null
