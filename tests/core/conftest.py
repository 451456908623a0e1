"""C++ programs that test the core below its Python door, on every CPU target, here and on emulated machines.

To add one: write `tests/core/<name>.cc` and add its name to PROGRAMS in `programs.py`. Called without arguments it
checks everything that it can, prints what is wrong and returns how much that is (`checking.h` has CHECK for that). The
tests in `test_programs.py` then run it in every place that `machines.py` lists, and once more with the address and
undefined-behaviour sanitizers. What takes arguments is driven from a test of its own:

    def test_something(program, place):
        target, machine = place
        done = program("math", target).run("sweep", "1000003", on=machine)

`program(name, target, sanitize=False)` compiles, once in a session for each triple. A `place` is a pair of a target and
a machine; one that this computer cannot provide is skipped with the command that installs what is missing:
`apt-get install -y qemu-user g++-aarch64-linux-gnu`.
"""

from __future__ import annotations

import pytest

from tests.core.machines import HERE, PLACES, hindrance
from tests.core.programs import PROGRAMS, compiled


def name_of(place):
    target, machine = place
    return f"{target.name}-{machine.name}"


def skip_if_hindered(place):
    reason = hindrance(*place)
    if reason:
        pytest.skip(reason)
    return place


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    made = {}

    def compile_once(name, target, sanitize=False):
        # The objects of the core are the same for all targets of a processor, and for all programs.
        group = target.processor if PROGRAMS[name] else target.name
        folder = tmp_path_factory.getbasetemp() / "core" / f"{group}{'-sanitized' if sanitize else ''}"
        key = name, target, sanitize
        if key not in made:
            made[key] = compiled(name, target, folder, sanitize=sanitize)
        return made[key]

    return compile_once


@pytest.fixture(params=PLACES, ids=name_of)
def place(request):
    return skip_if_hindered(request.param)


@pytest.fixture(params=[place for place in PLACES if place[1] is HERE], ids=name_of)
def place_here(request):
    """Sanitizers and emulators do not go together."""
    return skip_if_hindered(request.param)
