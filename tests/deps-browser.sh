#!/bin/sh
# Install what the browser lane needs, if it is missing: Chromium. Says what it does.
set -eu

command -v chromium >/dev/null && exit 0
command -v apt-get >/dev/null || {
    echo "deps-browser: the browser lane needs chromium (the name of a Debian package)" >&2
    exit 1
}
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
echo "deps-browser: installing chromium"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq || true
$as_root apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends chromium >/dev/null
