"""Kernels of steps in stages: many random ones, compiled together and held to the loop."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
import torch

from ostinato.cells import Cell, Constant, Gates, Orthogonal, cell, product, relu, row_max, row_sum, sigmoid, tanh
from ostinato.compiling import Kernel
from ostinato.compiling.compiler import NAMES
from ostinato.lowering import Lowered, cpp_cell, lowered
from ostinato.ops import cpu, fused
from ostinato.state import State
from tests.lowering.staged_steps import assert_kernel_agrees, kernels_of, random_call, seeded_staged_step

PAIR = {"M": Orthogonal(), "N": Orthogonal()}
TOLERANCE = 1e-9


@cell(state="h c", gates="a", recurrent="none", matrices=PAIR)
def one_matrix_twice(x: Gates, s: State, p: Gates) -> State:
    """Both parts of the state are multiplied, and by the same matrix; the other one is read by nobody."""
    return State(h=tanh(x.a + product(s.h, p.M) + product(s.c, p.M)), c=0.5 * s.c + s.h)


@cell(state="h", gates="a", matrices=PAIR, inputs="e")
def nothing_below(x: Gates, u: Gates, s: State, p: Gates, e: Gates) -> State:
    """What is multiplied wants no gradient, but its matrix does."""
    return State(h=tanh(x.a + u.a + product(e.e, p.M)))


@cell(state="h c k", gates="a", parameters={"gain": Constant(1.0)})
def bare(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Parts that are a number, a parameter, and the sum of a sum."""
    return State(h=tanh(0.05 * row_sum(row_sum(0.1 * tanh(x.a + u.a)) + s.c)), c=p.gain, k=0.5)


@cell(state="h", gates="a")
def ties(x: Gates, u: Gates, s: State) -> State:
    """Of most rows, many units are the largest."""
    low = relu(x.a + u.a - 1.5)
    return State(h=0.5 * s.h + row_max(low) * tanh(x.a))


@cell(state="h", gates="a b", matrices=PAIR)
def nested(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """A product of a product, of a value that is multiplied by two."""
    inner = sigmoid(x.a + u.a) * s.h
    outer = tanh(product(inner, p.M) + x.b + u.b)
    return State(h=0.5 * product(outer, p.N) + product(inner, p.N))


CELLS: dict[str, Cell] = {c.name: c for c in (one_matrix_twice, nothing_below, bare, ties, nested)}
CELLS |= {f"random_{seed}": seeded_staged_step(seed).cell(f"random_{seed}") for seed in (2, 12, 14, 20, 25, 30, 38, 39)}
LARGE = ("one_matrix_twice", "nested", "random_2")


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kernel]:
    if not any(map(shutil.which, NAMES)):
        pytest.skip("no C++ compiler is on the path, so that no cell can be compiled here")
    return kernels_of(CELLS, "float64", tmp_path_factory.mktemp("staged"))


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def width_of(member: Cell, hidden: int) -> int | None:
    """A shown part that is projected is wider than the rest here."""
    return hidden + 3 if member.projected else None


@pytest.mark.parametrize("name", CELLS)
def test_a_kernel_in_stages_computes_what_the_loop_computes(kernels: dict[str, Kernel], name: str) -> None:
    member = CELLS[name]
    calls = {
        (3, 4, 3, 6): {},
        (7, 5, 2, 14): {"lengths": True, "reset": True},
        (1, 3, 1, 2): {"reverse": True, "reset": True},
        (5, 4, 3, 18): {"lengths": True, "reset": True, "reverse": True},
        (2, 0, 3, 4): {},
    }
    for sizes, told in calls.items():
        shown = width_of(member, sizes[-1]) if sizes[0] > 3 else None
        call = random_call(member, sizes, shown=shown, **told)
        assert_kernel_agrees(kernels[name], call, TOLERANCE, f"{name} {sizes}")


@pytest.mark.parametrize("name", LARGE)
def test_work_that_is_shared_out_gives_the_same(kernels: dict[str, Kernel], name: str, threads: int) -> None:
    # Rows for each thread; and one row, around whose steps the other thread multiplies.
    for sizes in ((7, 12, 3, 70), (1, 12, 1250, 70)):
        call = random_call(CELLS[name], sizes, shown=width_of(CELLS[name], 70), reset=True, lengths=sizes[0] > 1)
        assert_kernel_agrees(kernels[name], call, TOLERANCE, f"{name} {sizes} on {threads} threads")


@pytest.mark.parametrize("name", CELLS)
def test_a_row_of_nan_changes_no_bit_of_another(kernels: dict[str, Kernel], name: str) -> None:
    clean, spoiled = (random_call(CELLS[name], (5, 4, 3, 6), reset=True) for _ in range(2))
    with torch.no_grad():
        spoiled.x[2] = float("nan")
        for _, part in spoiled.state.items():
            part[2] = float("inf")
    found = []
    for call in (clean, spoiled):
        leaves = [call.x, *(part for _, part in call.state.items())]
        y, end = fused.unroll(kernels[name], *cpu.arguments(call))
        total = (y[[0, 1, 3, 4]].sin().sum() + sum(part[[0, 1, 3, 4]].sum() for part in end)) + 0 * y[0].sum()
        found.append([y, *end, *torch.autograd.grad(total, leaves, allow_unused=True, materialize_grads=True)])
    for wanted, got in zip(*found, strict=True):
        assert torch.equal(got[[0, 1, 3, 4]], wanted[[0, 1, 3, 4]])


def test_no_name_from_a_file_reaches_the_text() -> None:
    data = lowered(nested).to_data()
    told = str(data).replace("'M'", "'system'").replace("'N'", "'static_assert'").replace("'h'", "'constant'")
    renamed = Lowered.from_data(eval(told))
    assert cpp_cell(renamed, "user_cell") == cpp_cell(lowered(nested), "user_cell")


def test_the_text_says_which_products_follow_which_phase() -> None:
    text = cpp_cell(lowered(nested), "nested")
    facts = dict(re.findall(r"static constexpr int32_t (\w+)\[\] = \{(.*?)\};", text))
    assert facts["GROUP_SIZE"] == "2, 2, 1"
    assert facts["GROUP_SHOWN"] == "1, 0, 0"
    assert facts["FORWARD_AFTER"] == facts["INFER_AFTER"] == "-1, 0, 1"
    assert "MATRICES = 4;" in text
