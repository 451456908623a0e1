"""The operations of cells on vectors: float32 against float64 on a sweep of all floats, float64 against mpmath.

OSTINATO_SWEEP=1 looks at every one of the 2^32 floats (six minutes for each target); without it, at one in 997.
"""

from __future__ import annotations

import math
import os
import struct

import mpmath
import pytest

from tests.core.machines import HERE

STEP = os.environ.get("OSTINATO_SWEEP", "997")
# An emulator is some twenty times slower, and what it would find is found here: it needs to see each kind of float.
STEP_EMULATED = "65537"
BOUNDS = {"sqrt": 0.5, "relu": 0, "absolute": 0}


@pytest.mark.parametrize("mode", ["exact", "flush"])
def test_every_float_gives_a_result_within_four_ulp(program, place, mode):
    target, machine = place
    step = STEP if machine is HERE else STEP_EMULATED
    done = program("math", target).run("sweep", step, mode, on=machine)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.decode().splitlines()]
    assert {"exp", "tanh", "sigmoid", "log", "softplus", "sqrt", "relu", "absolute"} <= {row[0] for row in rows}
    for name, ulp, at, wrong, wrong_at in rows:
        if mode == "flush" and name in {"sin", "cos"}:
            # The C library is not made for flushing.
            continue
        assert int(wrong) == 0, f"{name}({float.fromhex(wrong_at)!r}) is of the wrong kind, {wrong} in all"
        assert float(ulp) <= BOUNDS.get(name, 4), f"{name}({float.fromhex(at)!r}) is {ulp} ULP away"


def points():
    """Some thousand float64 values: small, large and between, with both signs, and the limits of float64's own exp."""
    grid = [k / 64 for k in range(-1200, 1201)]
    powers = [sign * 2.0**k * 1.1 for sign in (1, -1) for k in range(-200, 11)]
    limits = [-745.0, -708.5, -708.3, -37.5, -36.5, 18.9, 19.1, 36.5, 37.5, 708.3, 709.7, 0.0, -0.0]
    return grid + powers + limits


EXACT = {
    "exp": mpmath.exp,
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "log": mpmath.log,
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "sqrt": mpmath.sqrt,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
}


@pytest.mark.parametrize("operation", sorted(EXACT))
def test_float64_is_within_four_ulp_of_the_exact_result(program, place, operation):
    target, machine = place
    xs = [x for x in points() if x > 0 or operation not in {"log", "sqrt"}]
    given = struct.pack(f"<{len(xs)}d", *xs)
    done = program("math", target).run("double", operation, on=machine, given=given)
    assert done.returncode == 0, done.stderr
    found = struct.unpack(f"<{len(xs)}d", done.stdout)
    with mpmath.workprec(400):
        for x, y in zip(xs, found, strict=True):
            exact = EXACT[operation](mpmath.mpf(x))
            if abs(exact) > float.fromhex("0x1.fffffffffffffp1023"):
                assert y == math.inf
            elif abs(exact) >= 2.0**-1022:
                assert abs(mpmath.mpf(y) - exact) <= 4 * math.ulp(float(exact)), f"{operation}({x!r}) is {y!r}"
            else:
                assert abs(y) <= 2.0**-1022, f"{operation}({x!r}) is {y!r}"


def test_float64_keeps_infinities_and_nan(program, place):
    target, machine = place
    wanted = {
        "exp": (math.inf, 0.0),
        "tanh": (1.0, -1.0),
        "sigmoid": (1.0, 0.0),
        "softplus": (math.inf, 0.0),
        "relu": (math.inf, 0.0),
        "absolute": (math.inf, math.inf),
    }
    for operation, limits in wanted.items():
        given = struct.pack("<3d", math.inf, -math.inf, math.nan)
        done = program("math", target).run("double", operation, on=machine, given=given)
        *found, nan = struct.unpack("<3d", done.stdout)
        assert tuple(found) == limits, operation
        assert math.isnan(nan), operation
