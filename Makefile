# Thin: each line is a cargo call. `make demo` and `make test` are all a stranger needs.

DATA ?= ../shared/data
SITES = airisdata semicomplete mtn almhuette iti_train icm ticket_api
KIDOBAN = target/release/kidoban
TARGET = $${CARGO_TARGET_DIR:-target}
SKIPPED = "$(TARGET)/skipped-tests.txt"

.PHONY: demo test lint bench edges botbench quality tuned tuned-large model lightgbm build setup setup-tests setup-fuzz deny fuzz man completions

demo: build
	$(KIDOBAN) demo

build: setup
	cargo build --release --locked

# Unit, property and end-to-end tests, then the examples in the documentation. Last, which tests were
# skipped and why: tests/support says so in a file, because no test runner knows.
test: setup-tests
	@mkdir -p $(TARGET) && : > $(SKIPPED)
	@status=0; \
	if cargo nextest --version >/dev/null 2>&1; then \
	  cargo nextest run --release --locked --workspace --no-fail-fast; \
	else \
	  cargo test --release --locked --workspace --all-targets --no-fail-fast; \
	fi || status=$$?; \
	cargo test --release --locked --workspace --doc || status=$$?; \
	scripts/skipped-tests $(SKIPPED); \
	exit $$status

lint: setup
	cargo fmt --all --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --release --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps --document-private-items

# Criterion, lines per second, CPU per request: minutes, and only meaningful on a quiet machine.
bench: setup
	cargo bench --locked --bench observe --bench replay --bench proxy

# What asking the decision service costs: CPU per request beside nginx, p99 of the service. Two minutes on a quiet machine.
edges: setup-tests
	cargo bench --profile release --locked -p kidoban-decide --bench edges

# Every simulated population and the labelled logs in DATA against the detector and the peers' rules: docs/benchmark.md.
botbench: build
	$(KIDOBAN) bench $(patsubst %/labels.csv,--site %,$(wildcard $(SITES:%=$(DATA)/%/labels.csv)))

# How good the detector is on the labelled logs in DATA and on simulated shops: rewrites the tables of docs/quality.md.
quality: setup
	cargo bench --profile release --locked --bench quality -- $(foreach site,$(SITES),--site $(abspath $(DATA))/$(site)) --write $(CURDIR)/docs/quality.md

# Whether the thresholds of `kidoban tune` keep their budgets, on 200 simulated shops: five minutes on two cores. And the same for the
# product's own budgets, which want seven times as many people.
tuned: setup
	cargo bench --profile release --locked --bench quality -- --tuned 200 500

tuned-large: setup
	cargo bench --profile release --locked --bench quality -- --tuned 200 3600

# The shipped model, from the labelled logs in DATA and from simulated shops of every kind. The same logs give the same bytes.
model: build
	$(KIDOBAN) simulate --shop all --seed 7 --people 400 -o $(TARGET)/shops >/dev/null
	$(KIDOBAN) train $(foreach site,$(SITES),--site $(DATA)/$(site)) $$(printf -- '--site %s ' $(TARGET)/shops/*) \
	  --no-compare --name default -o models/default.json

# Our boosting beside LightGBM's, on the rows of the shipped model. LightGBM comes from PyPI into a place of its own.
lightgbm: build
	test -x target/lightgbm/bin/python || python3 -m venv target/lightgbm
	target/lightgbm/bin/python -m pip install --quiet lightgbm scikit-learn pandas
	$(KIDOBAN) train $(foreach site,$(SITES),--site $(DATA)/$(site)) --no-compare --rows target/rows.csv -o target/rows-model.json >/dev/null
	target/lightgbm/bin/python benches/lightgbm.py target/rows.csv
	cargo bench --profile release --locked -p kidoban-trainer --bench train -- $(CURDIR)/target/rows.csv

# Manual pages and shell completions, for packages: target/man/*.1, target/completions/.
man: build
	$(KIDOBAN) man -o target/man

completions: build
	mkdir -p target/completions
	$(KIDOBAN) completions bash > target/completions/kidoban
	$(KIDOBAN) completions zsh > target/completions/_kidoban
	$(KIDOBAN) completions fish > target/completions/kidoban.fish

# Licences, sources and the direction of dependencies. Advisories change without us and are not asked.
deny:
	@cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny
	cargo deny --locked check bans licenses sources

# libFuzzer on every parser, FUZZ_SECONDS each, on the dependencies that Cargo.lock names; one alone:
# `make fuzz FUZZ=labels`. What it finds that reaches new code stays in fuzz/found/, a failure in
# fuzz/artifacts/. No sanitizer is needed, because our own code has no `unsafe`; with
# `SANITIZER=address` that of others is looked at as well. RUSTC_BOOTSTRAP because sanitizers and
# coverage want a nightly compiler, and this is the stable one with its nightly parts unlocked.
FUZZ_SECONDS ?= 600
FUZZ ?= $(notdir $(basename $(wildcard fuzz/fuzz_targets/*.rs)))
SANITIZER ?= none

fuzz: setup-fuzz
	@cp Cargo.lock fuzz/Cargo.lock
	@export RUSTC_BOOTSTRAP=1; cd fuzz && cargo fuzz build --sanitizer $(SANITIZER) && for name in $(FUZZ); do \
	  mkdir -p found/$$name && echo "== $$name" && \
	  cargo fuzz run --sanitizer $(SANITIZER) $$name found/$$name corpus/$$name -- \
	    -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 || exit 1; \
	done

setup:
	@scripts/setup

# What building needs, and what the tests need besides: wget, Chromium.
setup-tests:
	@scripts/setup --tests

# What building needs, and what fuzzing needs besides: a C++ compiler, cargo-fuzz.
setup-fuzz:
	@scripts/setup --fuzz
