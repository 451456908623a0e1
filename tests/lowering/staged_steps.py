"""Random steps with products and looks along a row inside, and many kernels compiled in one go."""

from __future__ import annotations

import ctypes
import random
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ostinato.cells import Cell
from ostinato.compiling import Kernel, kernels
from ostinato.compiling.building import Built
from ostinato.compiling.compiler import find_compiler
from ostinato.compiling.source import DTYPES
from ostinato.core import load_core
from ostinato.lowering import Blueprint, Node, cpp_cell, lowered
from ostinato.lowering.graph import Builder, Graph
from ostinato.ops import Call, cpu, fused, reference
from ostinato.state import State

Choose = Callable[[Sequence[Any]], Any]
GATES, STATE, PARAMETERS, MATRICES, GIVEN = ("a", "b"), ("h", "c"), ("p", "q"), ("M", "N", "O"), ("e", "k")
KINDS = ("add", "subtract", "multiply", "divide", "tanh", "sigmoid", "sin", "relu", "maximum", "minimum", "select")
INSIDE = ("product", "product", "product", "row_sum", "row_mean", "row_max", "top", "softmax", "normed")


def random_staged_step(choose: Choose, operations: int = 14) -> dict[str, Any]:
    """The blueprint's data of a step of some operations; every value stays of moderate size."""
    recurrent = choose(("dense", "dense", "diagonal", "none"))
    projected = recurrent != "diagonal" and choose((True, False, False, False))
    sees = () if recurrent == "none" else choose((GATES, GATES, GATES[:1], GATES[1:]))
    builder = Builder()
    nodes = [builder.leaf("input", gate) for gate in GATES]
    nodes += [builder.leaf("recurrent", gate) for gate in sees]
    # What is projected is seen through R alone.
    nodes += [builder.leaf("state", part) for part in STATE if part != "h" or not projected]
    nodes += [builder.leaf("parameter", name) for name in PARAMETERS]
    nodes += [builder.leaf("given", name) for name in GIVEN]
    leaves = len(nodes)
    # At least one of those that want stages comes early.
    kinds = [choose(INSIDE), *(choose((*KINDS, *INSIDE)) for _ in range(operations - 1))]
    for kind in kinds:
        nodes.append(_operation(builder, choose, nodes, kind))
    last = builder.apply("tanh", nodes[-1])
    others = (nodes[-2], nodes[-3], choose(nodes[:leaves]), builder.leaf("constant", 0.5))
    ends = {"h": last, "c": choose((*others, builder.apply("row_mean", nodes[-2])))}
    if projected:
        ends["h"] = builder.apply("product", last, builder.leaf("matrix", "P"))
    elif choose((True, False)):
        ends = {"h": ends["c"], "c": ends["h"]}
    return {
        "gates": GATES,
        "state": STATE,
        "output": "h" if projected else choose(STATE),
        "recurrent": recurrent,
        "recurrent_bias": recurrent != "none" and choose((True, False)),
        "parameters": PARAMETERS,
        "matrices": (*MATRICES, "P") if projected else MATRICES,
        "graph": Graph(tuple(builder.nodes), {part: ends[part].index for part in STATE}).to_data(),
        "sees": sees,
        "heads": 2 if recurrent == "dense" and not projected and choose((False, False, True)) else 1,
        "projected": "P" if projected else None,
        "given": GIVEN,
        "seen_through": choose((None, None, "k")) if recurrent != "none" and not projected else None,
    }


def seeded_staged_step(seed: int, operations: int = 14) -> Blueprint:
    """The random step of a seed, always the same."""
    return Blueprint.from_data(random_staged_step(random.Random(seed).choice, operations))


def _operation(builder: Builder, choose: Choose, nodes: Sequence[Node], kind: str) -> Node:
    # One of the last, so that little of it is for nothing.
    a, b, make = choose(nodes[-5:]), choose(nodes), builder.apply
    if kind == "product":
        return make(kind, choose((a, b, make("tanh", a))), builder.leaf("matrix", choose(MATRICES)))
    if kind == "row_sum":
        return make("multiply", 0.1, make(kind, make("sin", a)))
    if kind == "top":
        # Zeros are the largest of many.
        return make("row_max", make("relu", make("subtract", a, 0.7)))
    if kind == "softmax":
        raised = make("exp", make("subtract", a, make("row_max", a)))
        return make("multiply", b, make("divide", raised, make("row_sum", raised)))
    if kind == "normed":
        centred = make("subtract", a, make("row_mean", a))
        return make(
            "divide", centred, make("sqrt", make("add", 0.1, make("row_mean", make("multiply", centred, centred))))
        )
    if kind == "multiply":
        return make(kind, make("sin", a), b)
    if kind == "divide":
        return make(kind, a, make("add", 1.5, make("absolute", b)))
    if kind in ("maximum", "minimum"):
        # Two ways to one value may round apart; with this they are apart anyway.
        return make(kind, a, make("add", 0.0123, b))
    if kind == "select":
        return make(kind, make("less", a, make("add", 0.0123, b)), choose(nodes), choose(nodes))
    return make(kind, a, b) if kind in ("add", "subtract") else make(kind, a)


def kernels_of(cells: Mapping[str, Cell], dtype: str, folder: Path, optimised: str = "-O1") -> dict[str, Kernel]:
    """The kernels of many cells, by one run of the compiler; names are those of their structs."""
    core, steps = load_core(), {name: lowered(member) for name, member in cells.items()}
    first = next(iter(cells))
    lines = [f"#define OSTINATO_REAL {DTYPES[dtype]}", f"#define OSTINATO_CELL {first}", '#include "plugin_begin.inl"']
    lines += [cpp_cell(step, name) for name, step in steps.items()]
    lines += ['#include "plugin_end.inl"', "using namespace OSTINATO_NAMESPACE;"]
    lines += [
        f'extern "C" __attribute__((visibility("default"))) const ostinato_kernel* at_{name}() '
        f"{{ return &kernel_of<real_vector, {name}>; }}"
        for name in cells
    ]
    for file, text in {**core.headers, "cells.cc": "\n".join(lines)}.items():
        (folder / file).write_text(text, encoding="utf-8")
    flags = ("-std=c++17", optimised, "-fPIC", "-shared", "-fno-exceptions", "-fno-rtti", "-w", *core.target_flags)
    command = [*find_compiler().command, *flags, "-o", "cells.so", "cells.cc"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-4000:]
    library = ctypes.CDLL(str(folder / "cells.so"))
    found = {}
    for name, step in steps.items():
        function = getattr(library, f"at_{name}")
        function.restype = ctypes.c_void_p
        # As one that was compiled on first use: from now on the engine knows it.
        found[name] = kernels._kept(cells[name], (dtype, core.target), step, Built(function(), None, 0.0))
    return found


def random_call(cell: Cell, sizes: tuple[int, int, int, int], seed: int = 0, **told: Any) -> Call:
    """A call of some rows, steps, inputs and units (``shown`` is the width that is projected to) on random numbers
    that want gradients; ``lengths`` and ``reset`` by their names with True, ``reverse``, and the ``dtype``.
    """
    rows, steps, inputs, hidden = sizes
    generator = torch.Generator().manual_seed(seed)
    dtype, shown = told.get("dtype", torch.float64), told.get("shown")

    def number(*shape: int, scale: float = 1.0) -> Tensor:
        return (scale * torch.randn(*shape, generator=generator, dtype=torch.float64)).to(dtype)

    widths = cell.widths(hidden, shown)
    shapes = cell.shapes(inputs, hidden, shown)
    weights = {
        name: number(*shape, scale=0.7 if len(shape) < 2 else 0.9 / shape[1] ** 0.5) for name, shape in shapes.items()
    }
    state = {part: number(rows, width, scale=0.5) for part, width in widths.items()}
    extras = {name: number(rows, steps, hidden) for name in cell.inputs}
    x = number(rows, steps, inputs)
    for leaf in (x, *weights.values(), *state.values()):
        leaf.requires_grad_()
    lengths = torch.randint(steps + 1, (rows,), generator=generator) if told.get("lengths") else None
    reset = torch.rand(rows, steps, generator=generator) < 0.3 if told.get("reset") else None
    return Call(cell, x, weights, State(**state), lengths, reset, told.get("reverse", False), extras)


def _waves(like: Tensor) -> Tensor:
    return torch.cos(torch.arange(like.numel(), dtype=like.dtype)).view(like.shape)


def assert_kernel_agrees(kernel: Kernel, call: Call, tolerance: float, what: str) -> None:
    """Forward with and without gradients, last state and all gradients: a kernel against the loop."""
    leaves = {"x": call.x, **call.weights, **{f"start {part}": value for part, value in call.state.items()}}

    def run(y: Tensor, parts: Sequence[Tensor]) -> dict[str, Tensor]:
        total = (y * _waves(y)).sum()
        for part in parts:
            total = total + (part * _waves(part)).sum()
        found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True, materialize_grads=True)
        ends = {f"end {part}": value for part, value in zip(call.cell.state, parts, strict=True)}
        return {"y": y, **ends, **{f"d {name}": grad for name, grad in zip(leaves, found, strict=True)}}

    y, end = reference.run(call)
    wanted = run(y, [part for _, part in end.items()])
    y, parts = fused.unroll(kernel, *cpu.arguments(call))
    got = run(y, parts)
    with torch.no_grad():
        y, parts = fused.unroll(kernel, *cpu.arguments(call))
    got |= {"y again": y, "end again": parts[0]}
    wanted |= {"y again": wanted["y"], "end again": wanted[f"end {call.cell.state[0]}"]}
    for name, value in wanted.items():
        scale = max(1.0, float(value.detach().abs().max()) if value.numel() else 1.0)
        away = (got[name] - value).detach().abs().max() / scale if value.numel() else torch.zeros(())
        # A NaN is no agreement.
        assert float(away) <= tolerance, f"{what}: {name} is {float(away):.3g} away from the loop"
