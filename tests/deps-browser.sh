#!/bin/sh
# Install what the browser lane needs, if it is missing: Chromium. Says what it does.
set -eu

command -v chromium >/dev/null || exec "$(dirname "$0")/apt-install.sh" deps-browser "the browser lane" chromium
