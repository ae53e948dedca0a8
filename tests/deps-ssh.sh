#!/bin/sh
# Install what the ssh lane needs, if it is missing: OpenSSH's client and server, which is not started. Says what it does.
set -eu

missing=
command -v ssh >/dev/null && command -v ssh-keygen >/dev/null || missing="$missing openssh-client"
[ -x /usr/sbin/sshd ] || missing="$missing openssh-server"
# $missing is a list of words.
# shellcheck disable=SC2086
[ -z "$missing" ] || exec "$(dirname "$0")/apt-install.sh" deps-ssh "the ssh lane" $missing
