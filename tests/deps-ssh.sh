#!/bin/sh
# Install what the ssh lane needs, if it is missing: OpenSSH's client and server, which is not started. Says what it does.
set -eu

missing=
command -v ssh >/dev/null && command -v ssh-keygen >/dev/null || missing="$missing openssh-client"
[ -x /usr/sbin/sshd ] || missing="$missing openssh-server"
[ -n "$missing" ] || exit 0
# shellcheck disable=SC2086 # a list of words
"$(dirname "$0")/apt-install.sh" deps-ssh "the ssh lane" $missing
# Nor does the server start with the machine, if it was not there before.
case $missing in *openssh-server*)
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    [ ! -d /run/systemd/system ] || $as_root systemctl disable --quiet ssh.service
    ;;
esac
