"""Compilers of C that an export must agree on, and what runs what they made; and programs to export."""

from __future__ import annotations

import dataclasses
import functools
import platform
import shutil

import numpy as np
import pytest
import torch

from ostinato.exporting.c99_running import Compiler
from ostinato.layers import Recurrent
from ostinato.model import build
from ostinato.plan import plan_of
from ostinato.plan.program import Draft, Ids, Program

X86 = ("x86_64", "AMD64")
EMULATED = ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu")
# The first is the one that all others are held against. GNU's dialect fuses products and sums if nobody forbids it.
MACHINES = {
    "gcc -O0": Compiler(("gcc",), ("-O0",)),
    "gcc -O3": Compiler(("gcc",), ("-O3",)),
    "gcc -O3 -march=haswell, told to fuse": Compiler(("gcc",), ("-O3", "-march=haswell", "-ffp-contract=fast")),
    "gcc -O2 -march=haswell": Compiler(("gcc",), ("-O2", "-march=haswell", "-std=gnu99", "-ffp-contract=fast")),
    "clang -O3": Compiler(("clang",), ("-O3",)),
    "clang -O3 -march=haswell": Compiler(("clang",), ("-O3", "-march=haswell", "-std=gnu99")),
    "gcc -O3 for aarch64": Compiler(("aarch64-linux-gnu-gcc",), ("-O3",), EMULATED),
    "gcc -O3 for aarch64, told to fuse": Compiler(
        ("aarch64-linux-gnu-gcc",), ("-O3", "-std=gnu99", "-ffp-contract=fast"), EMULATED
    ),
    "clang -O3 for aarch64": Compiler(("clang", "--target=aarch64-linux-gnu"), ("-O3",), EMULATED),
}


def machine(name):
    """A compiler of the list, or a loud skip where it, or what runs its programs, is missing."""
    found = MACHINES[name]
    wanted = [found.command[0], *found.runner[:1], *(("aarch64-linux-gnu-gcc",) if found.runner else ())]
    if "haswell" in name:
        if platform.machine() not in X86:
            pytest.skip("this machine has no instructions of Haswell")
        wanted.append("gcc")
    missing = [program for program in wanted if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (apt-get install gcc clang qemu-user gcc-aarch64-linux-gnu)")
    return found


@functools.cache
def all_kinds():
    """A program with every kind of value: three inputs of numbers, two of ids, odd widths, scalars, a delay line."""
    random = np.random.default_rng(3)
    draft = Draft({"table": random.standard_normal((9, 3)), "rows": random.standard_normal((7, 3))})
    apply = draft.apply
    x, dt, wide = draft.number("x", 3), draft.number("dt", 1), draft.number("state", 17)
    h, last, top = draft.state("h.0", 3), draft.state("last x", 3), draft.state("top", 1, -1e30)
    word = draft.lookup("table", "word", Ids(9))
    pieces = draft.lookup("rows", "pieces", Ids(7, many=True))
    mean = draft.lookup("rows", "pieces", Ids(7, many=True), mean=True)
    count = draft.count("pieces", Ids(7, many=True))
    one = draft.product(wide, draft.hold(0.2 * random.standard_normal((17, 3)), "M"), h)
    two = draft.product(draft.join([x, one, dt]), draft.hold(0.3 * random.standard_normal((7, 6)), "N"))
    a, b = draft.slice(two, 0, 3), draft.slice(two, 3, 3)
    smooth = apply("add", apply("softplus", a), apply("log", apply("add", draft.constant(1.25), apply("exp", b))))
    turned = apply("multiply", apply("sin", a), apply("cos", apply("negate", b)))
    rooted = apply("sqrt", apply("add", draft.constant(0.1), apply("absolute", apply("multiply", a, b))))
    chosen = apply("select", apply("less", a, b), apply("minimum", smooth, word), apply("maximum", turned, pieces))
    rows = apply("add", apply("row_mean", apply("tanh", chosen)), apply("row_max", apply("tanh", rooted)))
    total = apply("divide", apply("row_sum", apply("relu", mean)), apply("add", draft.constant(2.0), count))
    new = apply("tanh", apply("add", apply("multiply", rows, chosen), apply("sigmoid", apply("multiply", dt, total))))
    after = {"h.0": apply("subtract", new, last), "last x": x, "top": apply("maximum", top, rows)}
    scores = draft.product(total, draft.hold(random.standard_normal((1, 2)), "S"))
    held = draft.product(draft.constant(2e38), draft.hold(np.ones((1, 3)), "C"), draft.slice(wide, 14, 3))
    return draft.program(after, {"y": new, "top so far": after["top"], "scores": scores, "held": held, "y;y": last})


def changed(program, index, **fields):
    """A program with one of its values written otherwise."""
    values = list(program.values)
    values[index] = dataclasses.replace(values[index], **fields)
    return dataclasses.replace(program, values=tuple(values))


def weighed(program, name, change):
    """A program with one of its weights changed."""
    return dataclasses.replace(program, weights={**program.weights, name: change(program.weights[name].copy())})


def beside(**programs):
    """Several programs as one: nothing that they name is shared."""
    values, numbers, ids, state, after, outputs, weights = [], {}, {}, {}, {}, {}, {}
    for name, program in programs.items():
        first = len(values)
        for value in program.values:
            label = value.label
            if value.kind in ("lookup_sum", "lookup_mean", "count"):
                table, _, chosen = str(label).rpartition("/")
                label = f"{name}.{table}/{name}.{chosen}"
            elif value.kind in ("number", "state", "weight", "product"):
                label = f"{name}.{label}"
            arguments = tuple(i + first for i in value.arguments)
            values.append(dataclasses.replace(value, arguments=arguments, label=label))
        after |= {f"{name}.{n}": i + first for n, i in program.after.items()}
        outputs |= {f"{name}.{n}": i + first for n, i in program.outputs.items()}
        for whole, part in (
            (numbers, program.numbers),
            (ids, program.ids),
            (state, program.state),
            (weights, program.weights),
        ):
            whole |= {f"{name}.{n}": value for n, value in part.items()}
    return Program(tuple(values), numbers, ids, state, after, outputs, weights)


@functools.cache
def many():
    """Cells and a classifier beside each other, of widths that vectors do not divide, and every kind of value."""
    torch.manual_seed(0)
    cells = {name: plan_of(Recurrent(name, 5, 12)).program for name in ("gru", "lstm", "slstm", "lru", "cfc")}
    pools = ["last", "mean", "max", "attention"]
    classifier = build(
        {
            "embed": {"kind": "ids", "count": 11, "width": 4},
            "body": {"cell": "gru", "hidden": 7},
            "pool": pools,
            "head": {"kind": "classify", "classes": 3},
        }
    )
    return beside(**cells, classifier=plan_of(classifier.eval()).program, kinds=all_kinds())
