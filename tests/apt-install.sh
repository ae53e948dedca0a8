#!/bin/sh
# apt-install.sh WHO WHAT PACKAGE...: install Debian packages for WHO, the script that has found that WHAT needs them.
# Says what it does. Services that come with them are not started: theirs are the ports and files of real machines.
set -eu

who=$1
what=$2
shift 2
command -v apt-get >/dev/null || {
    echo "$who: $what needs $* (names of Debian packages)" >&2
    exit 1
}
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
echo "$who: installing $*"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq || true
# What asks whether it may start a service is told that it may not (invoke-rc.d(8)).
answer=/usr/sbin/policy-rc.d
if [ ! -e "$answer" ]; then
    trap '$as_root rm -f "$answer"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$answer" >/dev/null
    $as_root chmod 755 "$answer"
fi
$as_root env RUNLEVEL=1 apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@" >/dev/null
