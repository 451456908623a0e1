"""Derived backward passes, held to torch's autograd in float64."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ostinato.cells import (
    BUILT_IN,
    Cell,
    Gates,
    absolute,
    cell,
    elman_relu,
    less,
    maximum,
    minimum,
    relu,
    select,
    softplus,
)
from ostinato.lowering import Blueprint, Lowered, lowered
from ostinato.state import State
from tests.laws.zoo import ALL_CELLS, name_of
from tests.lowering.steps import GRID, random_step

ROWS, HIDDEN = 6, 5


def elementwise(member: Cell) -> bool:
    return not lowered(member).staged


LOWERED = [member for member in ALL_CELLS if elementwise(member)]


def leaves_of(step: Lowered, seed: int = 0, grid: bool = False) -> dict[str, dict[str, Tensor]]:
    """A value for each leaf, parameters [H] and all others [B, H]; from a grid, so that comparisons meet ties.

    No gradient reaches what is given.
    """
    generator = torch.Generator().manual_seed(seed)

    def value(*shape: int) -> Tensor:
        if grid:
            return torch.tensor(GRID, dtype=torch.float64)[torch.randint(len(GRID), shape, generator=generator)]
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return {
        kind: {
            n: value(*((HIDDEN,) if kind == "parameter" else (ROWS, HIDDEN))).requires_grad_(kind != "given")
            for n in names
        }
        for kind, names in step.names.items()
    }


def truth(step: Lowered, made: Cell, leaves: dict[str, dict[str, Tensor]]) -> State:
    """The cell's own function, with a diagonal's share of the state written out."""
    state, parameters = State(**leaves["state"]), leaves["parameter"]
    u = leaves["recurrent"]
    if made.recurrent == "diagonal":
        shown = state[made.output]
        u = {g: parameters[f"R.{g}"] * shown + parameters.get(f"br.{g}", torch.zeros(())) for g in made.sees}
    own = {name: parameters[name] for name in made.parameters}
    given_u = None if made.recurrent == "none" else Gates(**u)
    return made(Gates(**leaves["input"]), given_u, state, Gates(**own, **made.constants), Gates(**leaves["given"]))


def assert_gradients(step: Lowered, made: Cell, leaves: dict[str, dict[str, Tensor]]) -> None:
    wanted = truth(step, made, leaves)
    shaped = [torch.broadcast_to(torch.as_tensor(p, dtype=torch.float64), (ROWS, HIDDEN)) for _, p in wanted.items()]
    generator = torch.Generator().manual_seed(9)
    arrived = [torch.randn(ROWS, HIDDEN, generator=generator, dtype=torch.float64) for _ in shaped]
    flat = [leaf for named in leaves.values() for leaf in named.values() if leaf.requires_grad]
    total = torch.stack([(part * d).sum() for part, d in zip(shaped, arrived, strict=True)]).sum()
    grads: Any = [None] * len(flat)
    if total.requires_grad:
        grads = torch.autograd.grad(total, flat, allow_unused=True)

    sources: dict[str, Any] = {kind: Gates(**named) for kind, named in leaves.items()}
    with torch.no_grad():
        new = step.derivation.forward.run(sources)
        kept = Gates(**{str(place): new[f"keep.{place}"] for place in range(step.keep)})
        d = Gates(**dict(zip(step.state, arrived, strict=True)))
        got = step.derivation.backward.run({**sources, "kept": kept, "gradient": d})
        inferred = step.derivation.infer.run(sources)
    for part, value in zip(step.state, shaped, strict=True):
        assert torch.allclose(torch.as_tensor(new[part], dtype=torch.float64), value, rtol=1e-13, atol=1e-13)
        assert torch.equal(torch.as_tensor(inferred[part]), torch.as_tensor(new[part]))
    places = [("dx", "input"), ("du", "recurrent"), ("ds", "state"), ("dp", "parameter")]
    named = [(f"{short}.{name}", leaves[kind][name]) for short, kind in places for name in leaves[kind]]
    assert list(got) == [name for name, _ in named]
    for (name, leaf), grad in zip(named, grads, strict=True):
        value = torch.broadcast_to(torch.as_tensor(got[name], dtype=torch.float64), (ROWS, HIDDEN))
        if name.startswith("dp."):
            value = value.sum(0)
        expected = torch.zeros_like(leaf) if grad is None else grad
        assert torch.allclose(value, expected, rtol=1e-10, atol=1e-10), name


@pytest.mark.parametrize("grid", [False, True], ids=["anywhere", "ties"])
@pytest.mark.parametrize("member", LOWERED, ids=name_of)
def test_the_derived_gradients_are_those_of_autograd(member: Cell, grid: bool) -> None:
    step = lowered(member)
    assert_gradients(step, member, leaves_of(step, grid=grid))


@settings(max_examples=200)
@given(st.data())
def test_gradients_of_any_combination_of_operations_are_those_of_autograd(data: st.DataObject) -> None:
    drawn = Blueprint.from_data(random_step(lambda options: data.draw(st.sampled_from(options))))
    step = Lowered.of(drawn)
    leaves = leaves_of(step, seed=data.draw(st.integers(0, 9)), grid=data.draw(st.booleans()))
    assert_gradients(step, drawn.cell("drawn"), leaves)


@cell(state="h m", gates="a b")
def every_elementwise(x: Gates, u: Gates, s: State) -> State:
    """The comparisons and corners, each met by a tie on the grid."""
    a, b = x.a + u.a, x.b - u.b
    top, low = maximum(a, s.h), minimum(b, s.m)
    return State(h=select(less(top, low), top * low, absolute(a)), m=relu(b) - top + minimum(0.5, b))


@pytest.mark.parametrize("seed", range(5))
def test_ties_are_shared_as_torch_shares_them(seed: int) -> None:
    step = lowered(every_elementwise)
    assert_gradients(step, every_elementwise, leaves_of(step, seed=seed, grid=True))


@pytest.mark.parametrize(
    ("name", "keep", "same"), [("elman", 1, True), ("elman_relu", 1, True), ("lstm", 5, True), ("gru", 5, False)]
)
def test_the_classics_keep_little(name: str, keep: int, same: bool) -> None:
    step = lowered(BUILT_IN[name])
    assert (step.keep, step.same) == (keep, same)


def test_the_lstm_computes_one_tanh_again_and_nothing_else_that_is_dear() -> None:
    operations = lowered(BUILT_IN["lstm"]).derivation.backward.operations()
    assert set(operations) <= {"add", "subtract", "multiply", "tanh"}
    assert operations.count("tanh") == 1


def test_inference_computes_nothing_that_is_only_kept() -> None:
    derived = lowered(elman_relu).derivation
    assert list(derived.infer.outputs) == ["h"]
    assert list(derived.forward.outputs) == ["h", "keep.0"]


def test_the_slope_of_softplus_keeps_its_digits_far_below_zero() -> None:
    smooth = cell(state="h", gates="a", recurrent="none")(lambda x, s: State(h=softplus(x.a)))
    step = lowered(smooth)
    x = torch.tensor([-700.0, -60.0, -1.0, 0.0, 1.0, 800.0], dtype=torch.float64)
    kept = step.derivation.forward.run({"input": Gates(a=x)})["keep.0"]
    got = step.derivation.backward.run({"kept": Gates(**{"0": kept}), "gradient": Gates(h=torch.ones_like(x))})["dx.a"]
    assert torch.allclose(got, torch.sigmoid(x), rtol=1e-14, atol=0)


def test_a_sum_of_shared_values_adds_up_their_gradients() -> None:
    shared = cell(state="h c", gates="a", recurrent="none")(lambda x, s: State(h=x.a * x.a, c=x.a * x.a))
    step = lowered(shared)
    assert_gradients(step, shared, leaves_of(step))
