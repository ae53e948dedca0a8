#!/bin/sh
# Install what the Slurm lane needs, if it is missing: Slurm and the service that its parts trust each other by. Both
# are installed, and not started by this. Says what it does.
set -eu

missing=
command -v slurmctld >/dev/null && command -v slurmd >/dev/null || missing="$missing slurm-wlm"
command -v munged >/dev/null || missing="$missing munge"
# $missing is a list of words.
# shellcheck disable=SC2086
[ -z "$missing" ] || exec "$(dirname "$0")/apt-install.sh" deps-slurm "the Slurm lane" $missing
