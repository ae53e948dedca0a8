# What a developer types. `make` alone lists it.

CARGO ?= cargo
# How often the stress lane runs every example.
STRESS_RUNS ?= 50
# Where `make install` puts things, below DESTDIR.
PREFIX ?= /usr/local
DESTDIR ?=
# How long the soak lasts.
SECONDS ?= 600

.DEFAULT_GOAL := help
.PHONY: help deps build board-arm64 toolchain toolchain-random toolchain-conformance toolchain-packages install deb examples demo demo-arm64 test conformance conformance-rtx-cc soak bench bench-congestion docs docs-picture lint clean bench-energy

help: ## this list
	@echo 'Usage: make TARGET'
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install the Debian packages that are missing, and say which (sudo when not root)
	@tests/deps.sh

build: deps ## build target/release/rtx-run, rtx and rtx-board
	$(CARGO) build --release --locked -p rtx-launcher -p rtx-runtime

install: ## install what was built below PREFIX=/usr/local (in DESTDIR): commands, manual pages, completions
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' packaging/install

deb: build ## make a Debian package in target/debian
	@packaging/deb

toolchain: deps ## build target/release/rtx-cc, the compiler for programs that change their instruction set
	$(CARGO) build --release --locked -p rtx-toolchain

toolchain-random: toolchain ## random C programs that cross between the instruction sets (RTX_RANDOM_PROGRAMS=200, an hour)
	$(CARGO) test --locked -p rtx-toolchain --test random -- --ignored --nocapture

toolchain-conformance: toolchain ## the conformance programs in C, built by rtx-cc, against builds by musl-gcc (20 minutes)
	target/release/rtx-cc setup
	toolchain/conformance

toolchain-packages: deps ## xz and lbzip2, built by rtx-cc: their own tests, also across an emulated ARM64 machine (sudo when not root)
	@CARGO='$(CARGO)' tests/packages-arm64.sh

board-arm64: ## build static rtx-board, rtx-run and rtx for ARM64 by Debian's packages (sudo when not root)
	@tests/deps.sh
	@toolchain/deps-arm64
	toolchain/cargo-arm64 build --release --locked -p rtx-launcher -p rtx-runtime

examples: deps ## build the example programs into target/guest/ARCH
	toolchain/build-guests

demo: build examples ## run two examples natively and on two boards, and compare
	@tests/demo.sh

demo-arm64: deps ## run two programs of rtx-cc whose threads finish on ARM64, an emulated machine (sudo when not root)
	@CARGO='$(CARGO)' tests/demo-arm64.sh

test: deps ## everything: unit tests, end-to-end tests, the stress lane
	@CARGO='$(CARGO)' RTX_STRESS_RUNS='$(STRESS_RUNS)' tests/all.sh

conformance: build ## programs that must not notice where they run, in all modes (ONLY="NAME... --seed N")
	$(CARGO) build --release --locked -p rtx-tests --bin rtx-conformance
	@RTX_BIN_DIR=target/release target/release/rtx-conformance $(ONLY)

conformance-rtx-cc: build toolchain ## those in C built by rtx-cc, threads moving at equivalence points only (ONLY="...", or BOARDS=LIST of ARM64)
	target/release/rtx-cc setup
	$(CARGO) build --release --locked -p rtx-tests --bin rtx-conformance
	@RTX_BIN_DIR=target/release target/release/rtx-conformance --rtx-cc --seeds 1 $(if $(BOARDS),--boards $(BOARDS) --insecure) $(ONLY)

soak: build ## the same programs, the examples, a storm and a watched crowd under random moves for SECONDS=600
	$(CARGO) build --release --locked -p rtx-tests --bin rtx-conformance
	@RTX_BIN_DIR=target/release target/release/rtx-conformance --soak $(SECONDS) $(ONLY)

bench: build toolchain ## the benchmarks, appended to target/bench/results.jsonl (sudo when not root: network namespaces)
	$(CARGO) build --release --locked -p rtx-tests --bin rtx-bench
	target/release/rtx-cc setup
	$(if $(filter 0,$(shell id -u)),,sudo) env RTX_CC_HOME='$(or $(RTX_CC_HOME),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rtx-cc)' RTX_BIN_DIR=target/release target/release/rtx-bench $(BENCH)

bench-congestion: build examples ## policy congestion with 0 to 12 jobs beside it, and with a random mix of jobs: an hour and a half, on two idle processors
	$(CARGO) build --release --locked -p rtx-tests --bin rtx-bench
	RTX_BIN_DIR='$(CURDIR)/target/release' target/release/rtx-bench --runs $(or $(RUNS),5) congestion congested

bench-energy: build examples ## policy energy with a server and three boards on 100 Mb/s: five minutes (sudo when not root: network namespaces)
	$(CARGO) build --release --locked -p rtx-tests --bin rtx-bench
	$(if $(filter 0,$(shell id -u)),,sudo) env RTX_BIN_DIR='$(CURDIR)/target/release' target/release/rtx-bench --runs $(or $(RUNS),1) energy

docs: ## write the tables of docs/semantics.md and docs/translation.md from the code
	RTX_WRITE_DOCS=1 $(CARGO) test --release --locked -p rtx-runtime --test semantics

docs-picture: build ## take docs/report.png, the picture of a report's page, anew (installs a browser)
	tests/deps-browser.sh
	RTX_WRITE_DOCS=1 $(CARGO) test --release --locked -p rtx-tests --test browser drawn

lint: deps ## formatting and clippy, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) clippy --package rtx-tests --test arm64 --test browser --test slurm --test ssh --locked -- -D warnings # those are in no "all"

clean: ## remove everything that was built
	$(CARGO) clean
