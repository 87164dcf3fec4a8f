# make conformance [RUNTIME=/usr/sbin/runc] [PROFILE=engine] · make test · make test-clients · make test-browser · make test-long · make lint · make mutants · make precision · make lane · make bench · make pictures · make runtimes
#
# A target that needs the virtual environment calls `setup`, which costs nothing the second time.

RUNTIME ?=
PROFILE ?=
PYTEST_ARGS ?=
PYTHON ?= python3
RUNS ?= $(wildcard build/results/reference-runtime-* build/results/runc-1.1* build/results/crun-*)
DIFF ?= $(wildcard build/results/runc-*)

# With it each run would compile all case files again: 1 s.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUNTIMES := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/oci-conformance/runtimes

.PHONY: setup conformance test test-clients test-browser test-lanes test-long lint mutants precision repros lane bench pictures deps deps-browser deps-lanes deps-clients runtimes clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Python 3.11 or newer is needed; give one by PYTHON=/path/to/python3'; exit 4; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -m compileall -q harness reports reference_runtime
	$(BIN)/python -m reference_runtime.install $(BIN)/reference-runtime
	$(BIN)/python -m harness.probe.build
	@touch $@

# The exit status is pytest's own: 0 conformant, 1 not, 3 an error of ours, 4 usage, 5 nothing ran.
conformance: setup
	@$(BIN)/pytest $(if $(RUNTIME),--runtime=$(RUNTIME)) $(PROFILE:%=--profile=%) $(PYTEST_ARGS) || exit $$?

# Clients, browser and lanes need more than the virtual environment: they have targets of their own.
TESTS := tests --ignore=tests/clients --ignore=tests/reports/browser --ignore=tests/lanes
test: setup
	@if [ "$$CI" = true ] || ! { command -v runc || command -v crun; } >/dev/null; then $(MAKE) --no-print-directory deps; fi
	@$(BIN)/python tools/mutants.py --changed
	@$(BIN)/pytest $(TESTS) -m 'not long' -n $$(($$(nproc) + 1)) --dist worksteal $(PYTEST_ARGS)

# Hostile runtimes, searches of lifecycles, repro.sh on mutants, the wheel: each takes minutes.
test-long: setup
	@$(BIN)/pytest $(TESTS) -m long -n $$(nproc) --dist worksteal $(PYTEST_ARGS)

# podman, containerd and buildah with runc and with the reference runtime: the same comes out.
test-clients: setup deps deps-clients
	@$(BIN)/pytest tests/clients -n 2 --dist worksteal $(PYTEST_ARGS)

# The pages in Chromium: search, filters, keys, links, print, accessibility.
test-browser: setup deps-browser
	@$(BIN)/pytest tests/reports/browser -n 2 --dist worksteal $(PYTEST_ARGS)

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# Each case is shown to be able to fail: every mutant of the reference runtime, or MUTANTS='runtime_*'.
mutants: setup
	@$(BIN)/python tools/mutants.py $(MUTANTS)

# The suite in a throw-away virtual machine: LANE=v2 (or v1, hybrid, apparmor, selinux, kernel-6.1, kernel-6.12),
# RUNTIME=..., ONLY_SKIPPED_IN=build/results/runc-1.1.5 for what a run of the host skipped: docs/lanes.md.
lane: setup
	@$(BIN)/python -m harness.lanes $(LANE) $(if $(RUNTIME),--runtime=$(RUNTIME)) \
	  $(ONLY_SKIPPED_IN:%=--only-skipped-in=%) $(if $(RESULTS),--results=$(RESULTS)) \
	  $(if $(PYTEST_ARGS),-- $(PYTEST_ARGS)) || exit $$?

# Each fails on what it breaks and nothing else: some mutants against the whole suite.
precision: setup
	@$(BIN)/python tools/precision.py $(PRECISION)

# Each repro.sh shows its deviation without the suite: of all mutants, or REPROS='runtime_*'.
repros: setup
	@$(BIN)/python tools/repros.py $(REPROS)

# The pictures of README.md, of runs that were made before: RUNS='reference runc crun' DIFF='OLD NEW'.
pictures: setup deps-browser
	@$(BIN)/python tools/pictures.py $(RUNS) --diff $(DIFF)

bench: setup
	@$(BIN)/python tools/bench.py $(if $(RUNTIME),$(RUNTIME))
	@$(BIN)/python tools/whole.py $(if $(RUNTIME),$(RUNTIME))

# Debian packages that some tests need. Installs, never removes.
deps:
	@if command -v runc >/dev/null && command -v crun >/dev/null; then \
	  echo 'runc and crun are installed'; \
	elif command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -qq --yes --no-install-recommends --no-remove runc crun; \
	else \
	  echo 'no apt-get here: install runc and crun by hand; tests that need them are skipped'; \
	fi

# The browser of tests/reports/browser, which are skipped without it. Installs, never removes.
deps-browser:
	@if command -v chromium >/dev/null; then \
	  echo 'chromium is installed'; \
	elif command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -qq --yes --no-install-recommends --no-remove chromium fonts-dejavu-core; \
	else \
	  echo 'no apt-get here: install chromium by hand; tests that need it are skipped'; \
	fi

# Debian packages that lanes need. Installs, never removes.
deps-lanes:
	@missing=; \
	command -v qemu-system-x86_64 >/dev/null || missing="$$missing qemu-system-x86"; \
	command -v busybox >/dev/null || missing="$$missing busybox-static"; \
	command -v mkfs.ext4 >/dev/null || missing="$$missing e2fsprogs"; \
	command -v secilc >/dev/null || missing="$$missing secilc"; \
	if [ -z "$$missing" ]; then \
	  echo 'qemu, busybox, mkfs.ext4 and secilc are installed'; \
	elif command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -qq --yes --no-install-recommends --no-remove $$missing; \
	else \
	  echo "no apt-get here: install by hand$$missing; lanes cannot be had without"; \
	fi

# A guest boots and runs 20 cases on cgroup v2, one panics, one hangs. Where qemu cannot be had it says so.
test-lanes: setup
	@$(MAKE) --no-print-directory deps-lanes || echo 'qemu cannot be had here: what needs it is skipped'
	@$(BIN)/pytest tests/lanes -n0 $(PYTEST_ARGS)

# Debian packages that make test-clients needs. Installs, never removes.
deps-clients:
	@missing=; \
	for program in podman conmon containerd buildah busybox; do \
	  command -v $$program >/dev/null || missing="$$missing $$program"; \
	done; \
	missing=$$(echo "$$missing" | sed s/busybox/busybox-static/); \
	if [ -z "$$missing" ]; then \
	  echo 'podman, conmon, containerd, buildah and busybox are installed'; \
	elif command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -qq --yes --no-install-recommends --no-remove $$missing; \
	else \
	  echo "no apt-get here: install by hand$$missing; tests that need them are skipped"; \
	fi

# Newer runtimes than Debian's, pinned, from the language registries, into a cache outside the tree.
runtimes: setup
	@$(BIN)/python tools/runtimes.py $(RUNTIMES)

clean:
	rm -rf build $(VENV)
