# Sets up .venv once, and again only when what is installed or compiled has changed.
#   make demo   make test   make lint   make bench   make clean
# PYTHON chooses the interpreter of .venv, PIP_ARGS is passed to pip install, PYTEST_ARGS to the tests, and BENCH names the
# benchmarks to run; without it they are listed.
PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
PYTEST_ARGS ?=
BENCH ?=
RUN := $(VENV)/bin/python
INSTALL := $(RUN) -m pip --disable-pip-version-check install

# The names of the stamps hold a checksum of all that decides what gets installed: an older checkout is a change too.
INPUTS := pyproject.toml CMakeLists.txt $(sort $(wildcard csrc/*)) src/ostinato/errors.py src/ostinato/state.py \
          $(sort $(shell find src/ostinato/cells src/ostinato/lowering -name '*.py'))
MARK := $(shell cat $(INPUTS) | cksum | tr ' ' -)

.PHONY: demo test lint bench clean
.DEFAULT_GOAL := demo

demo: $(VENV)/installed-demo-$(MARK)
	$(VENV)/bin/ostinato demo
	@echo "(the command ostinato is $(VENV)/bin/ostinato; to call it by its name: . $(VENV)/bin/activate)"

test: $(VENV)/installed-test-$(MARK)
	$(RUN) -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

lint: $(VENV)/installed-test-$(MARK)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

bench: $(VENV)/installed-test-$(MARK)
	$(RUN) -m benchmarks $(BENCH)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests benchmarks examples -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# The extra "test" holds all of "demo": whoever has the one need not install the other.
$(VENV)/installed-test-$(MARK): | $(RUN)
	$(INSTALL) $(PIP_ARGS) -e '.[test]'
	@rm -f $(VENV)/installed-*
	@touch $@ $(VENV)/installed-demo-$(MARK)

$(VENV)/installed-demo-$(MARK): | $(RUN)
	$(INSTALL) $(PIP_ARGS) -e '.[demo]'
	@rm -f $(VENV)/installed-*
	@touch $@

$(RUN):
	@command -v $(PYTHON) >/dev/null || { \
	  echo "there is no '$(PYTHON)' here; install Python 3.10 or later, or name one: make $(MAKECMDGOALS) PYTHON=python3.12"; \
	  exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "ostinato needs Python 3.10 or later, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1);"; \
	  echo "name another interpreter, for example: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@command -v $(CXX) >/dev/null || command -v c++ >/dev/null || { \
	  echo "ostinato needs a C++ compiler and found neither '$(CXX)' nor 'c++'; install one, for example:"; \
	  echo "  sudo apt install g++      (Debian, Ubuntu)"; \
	  echo "  sudo dnf install gcc-c++  (Fedora)"; \
	  echo "  xcode-select --install    (macOS)"; exit 1; }
	@$(PYTHON) -c 'import os, sys, sysconfig as s; sys.exit(not os.path.exists(s.get_path("include") + "/Python.h"))' || { \
	  echo "ostinato needs Python's C headers, and '$(PYTHON)' has none; install them, for example:"; \
	  echo "  sudo apt install python3-dev    (Debian, Ubuntu)"; \
	  echo "  sudo dnf install python3-devel  (Fedora)"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -f $(RUN); \
	  echo "'$(PYTHON)' cannot make a virtual environment; on Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
