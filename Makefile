# The front door. CMake does the building; this names the things a person wants.
BUILD  := build/release
ASAN   := build/asan
JOBS   ?= $(shell nproc 2>/dev/null || echo 2)
TESTS  ?= $(shell expr $(JOBS) + 1)# tests at a time: there is always one that waits, for ranks, a signal or a file
WERROR ?= OFF# CI builds with WERROR=ON

.PHONY: help setup build demo wheel test test-release test-kokkos kokkos-cuda gpu-kit sanitize bench fuzz docs format format-check install clean
help:
	@echo 'FrozenTL: MACE interatomic potentials in C, for LAMMPS.'
	@echo ''
	@echo '  make demo      H2 meets a copper surface in LAMMPS: sets up, builds, runs, draws a picture'
	@echo '  make build     the command frozentl, libfrozentl and the LAMMPS plugin, in $(BUILD)'
	@echo '  make test      every test, and those of readers, stages, commands and mistakes again under ASan and UBSan'
	@echo '  make sanitize  only the latter'
	@echo '  make test-kokkos  pair_style frozentl/kk in a LAMMPS with KOKKOS, which it gets and builds first (see docs/kokkos.md)'
	@echo '  make kokkos-cuda  compile core/kokkos for NVIDIA GPUs, and print what each kernel takes (needs nvcc, no GPU)'
	@echo '  make gpu-kit   a folder that tests and measures core/kokkos on another machine with an NVIDIA GPU and its driver (needs nvcc, no GPU)'
	@echo '  make bench     all benchmarks, tables and charts, in under 40 minutes: MD against mace-torch, symmetrix and sevenn (20 at most),'
	@echo '                 scaling (5.5), training (6), surrogates (4.5, with FTL_MLPACE_SOURCE), start-up, stages and ranks (3.5)'
	@echo '  make fuzz      fuzz the readers of all files (FUZZ_SECONDS=600 each)'
	@echo '  make docs      the documentation as a site in build/docs/site, links checked, looked at by chromium if it is there; man pages'
	@echo '  make format    clang-format on every C and C++ file (format-check: only look)'
	@echo '  make wheel     a wheel with its libraries inside, in build/wheel-out, tested in a clean environment'
	@echo '  make install   into PREFIX (/usr/local)'
	@echo '  make clean     remove what was built; build/venv stays'

setup:
	@scripts/setup.sh

$(BUILD)/build.ninja: | setup
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=Release -DFTL_WERROR=$(WERROR)
$(ASAN)/build.ninja: | setup
	@cmake -S . -B $(ASAN) -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DFTL_WERROR=$(WERROR) \
	  -DFTL_SANITIZE=address,undefined -DFTL_KOKKOS=OFF

build: setup $(BUILD)/build.ninja
	@echo 'build: $(BUILD)'
	@cmake --build $(BUILD) -j $(JOBS) --target product

demo: build
	@examples/h2-cu/run.sh

test: test-release sanitize
test-release: build
	@echo 'test: all of ctest in $(BUILD)'
	@scripts/setup.sh kokkos
	@cmake -S . -B $(BUILD) >/dev/null # it may have been configured without Kokkos
	@cmake --build $(BUILD) -j $(JOBS)
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -j $(TESTS)
sanitize: setup $(ASAN)/build.ninja
	@echo 'sanitize: unit and command-line tests, and mistakes in LAMMPS, under ASan and UBSan in $(ASAN)'
	@cmake --build $(ASAN) -j $(JOBS)
	@ctest --test-dir $(ASAN) --output-on-failure --no-tests=error -L 'unit|cli|lammps' -j $(TESTS)

test-kokkos: setup
	@JOBS=$(JOBS) scripts/kokkos.sh test

kokkos-cuda: setup $(BUILD)/build.ninja
	@scripts/kokkos.sh cuda
	@cmake -S . -B $(BUILD) >/dev/null # it may have been configured without these headers
	@cmake --build $(BUILD) -j $(JOBS) --target kokkos_cuda
	@scripts/cuda_resources.py $(BUILD)/kokkos-cuda/*.log

gpu-kit: setup
	@scripts/gpu_kit.sh

bench: build
	@bench/all

FUZZ_SECONDS ?= 600
fuzz:
	@scripts/setup.sh fuzz
	@scripts/fuzz.sh $(FUZZ_SECONDS)

docs: build
	@scripts/setup.sh docs
	@cmake -S . -B $(BUILD) >/dev/null # it may have been configured without help2man
	@cmake --build $(BUILD) --target man
	@docs/site/build.sh $(BUILD)/train/frozentl
	@docs/site/look.py build/docs/site build/docs/pictures || [ $$? = 77 ]

wheel: setup
	@scripts/wheel.sh

FORMATTED = $(shell git ls-files '*.c' '*.h' '*.cpp')
format:
	@scripts/setup.sh format
	@echo 'format: $(words $(FORMATTED)) files'
	@clang-format -i $(FORMATTED)
format-check:
	@scripts/setup.sh format
	@clang-format --dry-run --Werror $(FORMATTED)

PREFIX ?= /usr/local
install: build
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	@echo 'clean: $(BUILD) $(ASAN) build/fuzz'
	@rm -rf $(BUILD) $(ASAN) build/fuzz
