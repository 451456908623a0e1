import subprocess

import numpy as np
import pytest

from ostinato.exporting.c99_arithmetic import CALLS, FUNCTIONS, functions
from ostinato.plan.arithmetic import ELEMENTWISE
from tests.exporting.c99_machines import MACHINES, machine

UNARY = ("sigmoid", "tanh", "relu", "exp", "log", "softplus", "sqrt", "absolute", "sin", "cos")
FIRST = "gcc -O0"
PROGRAM = """
#include <float.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off", "no-tree-slp-vectorize", "no-trapping-math")
#else
#pragma STDC FP_CONTRACT OFF
#endif
{functions}
int main(void)
{{
    static float x[1024], y[1024];
    size_t n;
    while ((n = fread(x, 4, 1024, stdin)) > 0) {{
{loops}
    }}
    return 0;
}}
"""
LOOP = """        for (size_t i = 0; i < n; i++) {{
            y[i] = {call}(x[i]);
        }}
        fwrite(y, 4, 1024, stdout);"""


def points():
    """Floats of every size, densely around what networks compute with, and the ends of what there is."""
    random = np.random.default_rng(0)
    every = random.integers(0, 1 << 32, 1 << 16, dtype=np.uint64).astype(np.uint32).view(np.float32)
    around = np.concatenate([s * random.standard_normal(1 << 14) for s in (1e-3, 1.0, 10.0, 100.0)]).astype(np.float32)
    ends = [0.0, -0.0, np.inf, -np.inf, np.nan, 88.0, 88.7, -87.3, 9.1, -9.1, 1e-45, 1e-38, 3.4e38, 1.0, -1.0]
    found = np.concatenate([every, around, np.array(ends, np.float32)])
    return np.concatenate([found, np.zeros(-len(found) % 1024, np.float32)])


def computed(name, folder):
    found = machine(name)
    loops = "\n".join(LOOP.format(call=CALLS[kind]) for kind in UNARY)
    text = PROGRAM.format(functions=functions(CALLS[kind] for kind in UNARY), loops=loops)
    (folder / "a.c").write_text(text)
    command = [*found.command, "-std=c99", "-Wall", "-Wextra", *found.options, "a.c", "-o", "a"]
    subprocess.run(command, cwd=folder, check=True)
    raw = subprocess.run(
        [*found.runner, folder / "a"], input=points().tobytes(), check=True, capture_output=True
    ).stdout
    table = np.frombuffer(raw, np.float32).reshape(-1, len(UNARY), 1024)
    return {kind: table[:, k].ravel() for k, kind in enumerate(UNARY)}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return computed(FIRST, tmp_path_factory.mktemp("here"))


@pytest.mark.parametrize("kind", UNARY)
def test_every_function_is_within_a_few_units_in_the_last_place(kind, here):
    x = points()
    if kind in ("sin", "cos"):
        # The step between floats is wider than a turn soon after.
        x = np.where(np.abs(x) < 2.0**27, x, np.float32(0))
    with np.errstate(all="ignore"):
        right = ELEMENTWISE[kind](x.astype(np.float64))
        # log(1 + exp(x)) as numpy has it, and what is beyond the floats.
        rounded = right.astype(np.float32)
    chosen = np.abs(points()) < 2.0**27 if kind in ("sin", "cos") else np.ones(len(x), bool)
    came = here[kind][chosen]
    right, rounded = right[chosen], rounded[chosen]
    assert np.array_equal(np.isnan(came), np.isnan(rounded))
    finite = np.isfinite(rounded) & (np.abs(rounded) >= np.finfo(np.float32).tiny)
    unit = np.spacing(np.abs(rounded[finite])).astype(np.float64)
    off = np.abs(came[finite] - right[finite])
    # The sine of a large angle is right in the absolute.
    limit = np.maximum(4 * unit, 2e-7) if kind in ("sin", "cos") else 4 * unit
    assert (off <= limit).all(), (off / unit).max()
    tiny = np.abs(rounded) < np.finfo(np.float32).tiny
    assert (np.abs(came[tiny]) <= np.finfo(np.float32).tiny).all()
    infinite = np.isinf(rounded)
    assert np.array_equal(came[infinite], rounded[infinite])


@pytest.mark.parametrize("name", [name for name in MACHINES if name != FIRST])
def test_every_function_has_the_same_bits_everywhere(name, here, tmp_path):
    there = computed(name, tmp_path)
    for kind, one in here.items():
        # Which NaN a processor makes is its own affair.
        same = (one.view(np.uint32) == there[kind].view(np.uint32)) | (np.isnan(one) & np.isnan(there[kind]))
        assert same.all(), kind


def test_functions_stand_after_what_they_call_and_only_once():
    text = functions(["tanh_of", "sigmoid_of", "commit"])
    assert text.count("float power_of_two(") == 1
    for name, function in FUNCTIONS.items():
        for needed in function.needs:
            assert list(FUNCTIONS).index(needed) < list(FUNCTIONS).index(name)
    assert functions([]) == ""
