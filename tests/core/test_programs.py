from __future__ import annotations

import shutil
import signal

import pytest

from tests.core.machines import HASWELL, HERE, NEHALEM, TARGETS, hindrance
from tests.core.programs import HERE_ARE, PROGRAMS, compiled

NAMES = sorted(PROGRAMS)
# How a program ends that met an instruction which its machine does not know: by the signal, or as an emulator tells it.
ILLEGAL = {-signal.SIGILL, 128 + signal.SIGILL}


def require_success(done):
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-4000:]


def test_every_file_is_listed():
    assert sorted(path.stem for path in HERE_ARE.glob("*.cc")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_program_finds_nothing_wrong(program, place, name):
    target, machine = place
    require_success(program(name, target).run(on=machine))


@pytest.mark.parametrize("name", NAMES)
def test_a_program_finds_nothing_wrong_under_sanitizers(program, place_here, name):
    target, machine = place_here
    require_success(program(name, target, sanitize=True).run(on=machine))


@pytest.mark.parametrize("name", [name for name in NAMES if not PROGRAMS[name]])
def test_clang_compiles_it_too(place_here, name, tmp_path):
    target, machine = place_here
    clang = shutil.which("clang++")
    if not clang:
        pytest.skip("clang++ is not installed: apt-get install -y clang")
    require_success(compiled(name, target, tmp_path, sanitize=False, command=clang).run(on=machine))


@pytest.mark.parametrize("machine", [NEHALEM, HASWELL], ids=lambda machine: machine.name)
def test_an_emulated_machine_dies_of_instructions_that_it_does_not_have(program, machine):
    newer = TARGETS["avx2" if machine is NEHALEM else "avx512"]
    if reason := hindrance(newer, machine):
        pytest.skip(reason)
    assert program("math", newer).run(on=machine).returncode in ILLEGAL


def test_a_place_that_is_missing_says_what_to_install(monkeypatch):
    monkeypatch.setattr("tests.core.machines.shutil.which", lambda name: None)
    assert "apt-get install -y g++" in hindrance(TARGETS["baseline"], HERE)
    monkeypatch.setattr("tests.core.machines.compiler", lambda target: "c++")
    assert hindrance(TARGETS["avx2"], NEHALEM) == "qemu-x86_64 is not installed: apt-get install -y qemu-user"
