"""Laws of the recurrent primitive, true of every cell and every engine."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from ostinato import ops
from ostinato.errors import EngineError
from ostinato.sequence import Sequences
from ostinato.state import State
from tests.laws.zoo import (
    ALL_CELLS,
    HIDDEN,
    INPUTS,
    SERVED,
    Served,
    given_of,
    name_of,
    noise_of,
    random_input,
    random_state,
    serves,
    weights_of,
)

each = pytest.mark.parametrize("served", SERVED, ids=name_of)
both_ways = pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "backwards"])
RESET = torch.zeros(2, 3, dtype=torch.bool)
resettable = [s for s in SERVED if serves(s, reset=RESET)]
each_resettable = pytest.mark.parametrize("served", resettable, ids=name_of)


def unroll(served: Served, x: Tensor, state: State | None = None, **call: Any) -> tuple[Tensor, State]:
    weights = call.pop("weights", None) or weights_of(served.cell)
    inputs = call.pop("inputs", None) or given_of(served.cell, x)
    noise = noise_of(served.cell, x, weights["b"].numel() // len(served.cell.gates))
    return ops.recur(served.cell, x, weights, state, engine=served.engine, inputs=inputs, noise=noise, **call)


def assert_same(got: Tensor | State, wanted: Tensor | State, tolerance: float = 1e-12) -> None:
    if isinstance(got, State):
        assert isinstance(wanted, State)
        assert got.keys() == wanted.keys()
        for part in got:
            assert_same(got[part], wanted[part], tolerance)
        return
    torch.testing.assert_close(got, wanted, rtol=tolerance, atol=tolerance)


def given_leaves(served: Served, x: Tensor) -> dict[str, Tensor]:
    """What comes in besides x; only the loop has gradients for it, kernels ask for none."""
    return {n: value.requires_grad_(served.engine == "reference") for n, value in given_of(served.cell, x).items()}


def gradients(served: Served, x: Tensor, **call: Any) -> dict[str, Tensor]:
    """The gradients of a fixed weighing of all outputs and the last state, for everything that goes in."""
    x = x.clone().requires_grad_()
    weights, state = weights_of(served.cell), call.pop("state", None) or random_state(served.cell, len(x))
    inputs = given_leaves(served, x)
    y, last = unroll(served, x, state, weights=weights, inputs=inputs, **call)
    weigh = torch.arange(1.0, y.numel() + 1, dtype=y.dtype).reshape(y.shape).cos()
    total = (y * weigh).sum() + sum((part * (index + 0.5)).sum() for index, (_, part) in enumerate(last.items()))
    wanting = {name: value for name, value in inputs.items() if value.requires_grad}
    leaves = {"x": x, **wanting, **weights, **{f"state {part}": value for part, value in state.items()}}
    found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    return {n: torch.zeros_like(leaves[n]) if g is None else g for n, g in zip(leaves, found, strict=True)}


@each
@pytest.mark.parametrize("cut", [1, 8, 16])
def test_a_sequence_may_be_cut_anywhere(served: Served, cut: int) -> None:
    x, start = random_input(3, 17), random_state(served.cell, 3)
    whole, end = unroll(served, x, start)
    left, middle = unroll(served, x[:, :cut], start)
    right, last = unroll(served, x[:, cut:], middle)
    assert_same(torch.cat([left, right], dim=1), whole)
    assert_same(last, end)


@each
def test_steps_one_by_one_are_the_sequence(served: Served) -> None:
    x, state = random_input(2, 9), random_state(served.cell, 2)
    whole, end = unroll(served, x, state)
    for t in range(9):
        y, state = unroll(served, x[:, t : t + 1], state)
        assert_same(y[:, 0], whole[:, t])
    assert_same(state, end)


@each
@both_ways
@pytest.mark.parametrize("junk", [float("nan"), float("inf"), 1e30])
def test_padding_never_matters_whatever_it_holds(served: Served, reverse: bool, junk: float) -> None:
    lengths = torch.tensor([4, 0, 7, 1])
    clean = random_input(4, 7)
    dirty = torch.where(torch.arange(7)[None, :, None] < lengths[:, None, None], clean, junk)
    call = {"lengths": lengths, "reverse": reverse}
    assert_same(unroll(served, dirty, **call)[0], unroll(served, clean, **call)[0])
    assert_same(unroll(served, dirty, **call)[1], unroll(served, clean, **call)[1])
    kept, soiled = gradients(served, clean, **call), gradients(served, dirty, **call)
    for name in kept:
        assert_same(soiled[name], kept[name])


@each
@both_ways
def test_a_length_equals_the_sequence_cut_there(served: Served, reverse: bool) -> None:
    lengths = torch.tensor([5, 2, 7, 0])
    x, start = random_input(4, 7), random_state(served.cell, 4)
    y, end = unroll(served, x, start, lengths=lengths, reverse=reverse)
    for row, length in enumerate(lengths.tolist()):
        first = State(**{part: value[row : row + 1] for part, value in start.items()})
        alone, last = unroll(served, x[row : row + 1, :length], first, reverse=reverse) if length else (None, first)
        if alone is not None:
            assert_same(y[row, :length], alone[0])
        assert torch.equal(y[row, length:], torch.zeros(7 - length, y.shape[-1], dtype=y.dtype))
        assert_same(State(**{part: value[row : row + 1] for part, value in end.items()}), last)


@each
def test_length_zero_returns_the_initial_state_to_the_last_bit(served: Served) -> None:
    start = random_state(served.cell, 2)
    _, end = unroll(served, random_input(2, 3), start, lengths=torch.tensor([0, 3]))
    for part in start:
        assert torch.equal(end[part][0], start[part][0])


@each
@pytest.mark.parametrize("kind", [torch.int32, "strided"], ids=str)
def test_lengths_of_any_whole_type_and_any_layout_mean_the_same(served: Served, kind: Any) -> None:
    x, lengths = random_input(3, 6), torch.tensor([6, 2, 4])
    strided = torch.stack([lengths, torch.full((3,), 1 << 40)], dim=1)[:, 0]
    other = strided if kind == "strided" else lengths.to(kind)
    start = random_state(served.cell, 3)
    assert_same(unroll(served, x, start, lengths=other)[0], unroll(served, x, start, lengths=lengths)[0])
    found = gradients(served, x, lengths=other)
    for name, gradient in gradients(served, x, lengths=lengths).items():
        assert_same(found[name], gradient)


@each
@both_ways
def test_a_batch_mate_never_matters_not_even_one_of_nan(served: Served, reverse: bool) -> None:
    x, start = random_input(3, 6), random_state(served.cell, 3)
    soiled = x.clone()
    soiled[1] = float("nan")
    lengths = torch.tensor([6, 6, 4])
    y, end = unroll(served, x, start, lengths=lengths, reverse=reverse)
    other, other_end = unroll(served, soiled, start, lengths=lengths, reverse=reverse)
    for row in (0, 2):
        assert_same(other[row], y[row])
        for part in end:
            assert_same(other_end[part][row], end[part][row])
    kept = gradients(served, x, lengths=lengths, reverse=reverse)
    found = gradients(served, soiled, lengths=lengths, reverse=reverse)
    for name in ("x", *(f"state {part}" for part in start)):
        for row in (0, 2):
            assert_same(found[name][row], kept[name][row])


@each_resettable
@both_ways
def test_a_reset_equals_two_sequences(served: Served, reverse: bool) -> None:
    x, start = random_input(2, 9), random_state(served.cell, 2)
    reset = torch.zeros(2, 9, dtype=torch.bool)
    reset[:, 4] = True
    y, end = unroll(served, x, start, reset=reset, reverse=reverse)
    firsts = (None, start) if reverse else (start, None)
    left, left_end = unroll(served, x[:, :4], firsts[0], reverse=reverse)
    right, right_end = unroll(served, x[:, 4:], firsts[1], reverse=reverse)
    assert_same(y, torch.cat([left, right], dim=1))
    assert_same(end, left_end if reverse else right_end)


@each_resettable
def test_a_reset_at_the_first_step_forgets_the_given_state(served: Served) -> None:
    x, start = random_input(2, 4), random_state(served.cell, 2)
    reset = torch.zeros(2, 4, dtype=torch.bool)
    reset[0, 0] = True
    y, _ = unroll(served, x, start, reset=reset)
    assert_same(y[0], unroll(served, x)[0][0])
    assert_same(y[1], unroll(served, x, start)[0][1])


@each_resettable
@both_ways
def test_no_gradient_and_no_nan_crosses_a_reset(served: Served, reverse: bool) -> None:
    x = random_input(1, 6)
    reset = torch.zeros(1, 6, dtype=torch.bool)
    reset[:, 3] = True
    before, after = (slice(3, 6), slice(0, 3)) if reverse else (slice(0, 3), slice(3, 6))
    soiled = x.clone()
    soiled[:, before] = float("nan")
    soiled.requires_grad_()
    y, last = unroll(served, soiled, reset=reset, reverse=reverse)
    clean, clean_last = unroll(served, x, reset=reset, reverse=reverse)
    assert_same(y[:, after], clean[:, after])
    assert_same(last, clean_last)
    x.requires_grad_()
    y, _ = unroll(served, x, reset=reset, reverse=reverse)
    (found,) = torch.autograd.grad(y[:, after].sum(), x)
    assert torch.equal(found[:, before], torch.zeros_like(found[:, before]))


@each_resettable
@both_ways
def test_a_reset_in_the_padding_never_matters(served: Served, reverse: bool) -> None:
    x, start, lengths = random_input(2, 6), random_state(served.cell, 2), torch.tensor([3, 0])
    reset = torch.arange(6)[None] >= lengths[:, None]
    with_it = unroll(served, x, start, lengths=lengths, reset=reset, reverse=reverse)
    without = unroll(served, x, start, lengths=lengths, reverse=reverse)
    assert_same(with_it[0], without[0])
    assert_same(with_it[1], without[1])


@each
def test_running_backwards_is_running_over_the_turned_sequence(served: Served) -> None:
    lengths, start = torch.tensor([5, 3, 0]), random_state(served.cell, 3)
    sequences = Sequences(random_input(3, 5), lengths)
    y, end = unroll(served, sequences.data, start, lengths=lengths, reverse=True)
    turned, turned_end = unroll(served, sequences.reversed().data, start, lengths=lengths)
    assert_same(y, Sequences(turned, lengths).reversed().data)
    assert_same(end, turned_end)


others = [s for s in SERVED if s.engine != "reference"]


@pytest.mark.parametrize("served", others, ids=name_of)
@both_ways
@pytest.mark.parametrize("steps", [1, 2, 63, 100])
@pytest.mark.parametrize("ragged", [False, True], ids=["dense", "ragged"])
def test_every_engine_agrees_with_the_loop(served: Served, reverse: bool, steps: int, ragged: bool) -> None:
    x, start = random_input(5, steps), random_state(served.cell, 5)
    lengths = torch.tensor([steps, 0, steps // 2, 1, steps]) if ragged else None
    loop = Served(served.cell, "reference")
    call = {"lengths": lengths, "reverse": reverse}
    got, wanted = unroll(served, x, start, **call), unroll(loop, x, start, **call)
    assert_same(got[0], wanted[0], 1e-10)
    assert_same(got[1], wanted[1], 1e-10)
    found, truth = gradients(served, x, **call), gradients(loop, x, **call)
    for name in found:
        assert_same(found[name], truth[name], 1e-9)
    assert set(truth) - set(found) == set(served.cell.inputs)


@each
@both_ways
def test_gradients_through_time_are_right(served: Served, reverse: bool) -> None:
    weights, start = weights_of(served.cell, hidden=3), random_state(served.cell, 2, hidden=3)
    lengths, x = torch.tensor([4, 2]), random_input(2, 4)
    inputs = given_leaves(served, x)

    def outputs(x: Tensor, *leaves: Tensor) -> tuple[Tensor, ...]:
        rest = iter(leaves)
        weighing, given = ({name: next(rest) for name in names} for names in (weights, inputs))
        state = State(**{part: next(rest) for part in start})
        call: dict[str, Any] = {"weights": weighing, "inputs": given, "lengths": lengths, "reverse": reverse}
        y, last = unroll(served, x, state, **call)
        return (y, *(last[part] for part in last))

    leaves = (x.requires_grad_(), *weights.values(), *inputs.values(), *(start[part] for part in start))
    assert torch.autograd.gradcheck(outputs, leaves)


smooth = [c for c in ALL_CELLS if c.name != "elman_relu"]


@pytest.mark.parametrize("cell", smooth, ids=name_of)
def test_the_reference_is_differentiable_twice(cell: Any) -> None:
    weights = weights_of(cell, inputs=2, hidden=2)

    def outputs(x: Tensor, *leaves: Tensor) -> Tensor:
        call: dict[str, Any] = {"weights": dict(zip(weights, leaves, strict=True)), "inputs": given}
        return unroll(Served(cell, "reference"), x, **call)[0]

    leaves = (random_input(1, 3, inputs=2).requires_grad_(), *weights.values())
    given = given_of(cell, leaves[0])
    assert torch.autograd.gradgradcheck(outputs, leaves)


@each
def test_backward_twice_with_the_graph_kept_gives_the_same_gradients(served: Served) -> None:
    x = random_input(2, 5).requires_grad_()
    y, _ = unroll(served, x)
    (first,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
    (second,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(first, second)


@each
def test_two_live_graphs_of_one_layer_do_not_disturb_each_other(served: Served) -> None:
    weights = weights_of(served.cell)
    alone = []
    for seed in (3, 4):
        x = random_input(2, 5, seed=seed).requires_grad_()
        alone += torch.autograd.grad(unroll(served, x, weights=weights)[0].sum(), x)
    xs = [random_input(2, 5, seed=seed).requires_grad_() for seed in (3, 4)]
    ys = [unroll(served, x, weights=weights)[0] for x in xs]
    for x, y, wanted in zip(xs, ys, alone, strict=True):
        assert torch.equal(torch.autograd.grad(y.sum(), x)[0], wanted)


@each
def test_a_weight_changed_in_place_before_backward_raises_or_was_copied(served: Served) -> None:
    name = "R" if served.cell.recurrent != "none" else "W"
    weights = {n: w.detach().clone().requires_grad_() for n, w in weights_of(served.cell).items()}
    # A leaf that wants gradients cannot be changed in place; a product of it can.
    weights[name] = weights[name] * 1.0
    x = random_input(2, 5).requires_grad_()
    y, _ = unroll(served, x, weights=weights)
    (wanted,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
    with torch.no_grad():
        weights[name].mul_(2.0)
    if served.cell.heads > 1:
        # Its blocks are laid out anew for the product, which then knows nothing of the change.
        assert torch.equal(torch.autograd.grad(y.sum(), x)[0], wanted)
        return
    with pytest.raises(RuntimeError, match=r"modified (by an )?inplace"):
        y.sum().backward()


@each
@both_ways
@pytest.mark.parametrize(("rows", "steps"), [(0, 3), (2, 0), (0, 0), (1, 1)])
def test_empty_batches_and_sequences_are_answered(served: Served, reverse: bool, rows: int, steps: int) -> None:
    if (rows == 0 or steps == 0) and served.engine == "torch":
        with pytest.raises(EngineError, match="at least one row, one step"):
            unroll(served, random_input(rows, steps), reverse=reverse)
        return
    start = random_state(served.cell, rows)
    y, end = unroll(served, random_input(rows, steps), start, reverse=reverse)
    assert y.shape == (rows, steps, start[served.cell.output].shape[-1])
    if steps == 0:
        assert_same(end, start)


@each
def test_the_same_call_gives_the_same_bits(served: Served) -> None:
    x, lengths = random_input(4, 12).float(), torch.tensor([12, 3, 7, 1])
    weights = {name: weight.float() for name, weight in weights_of(served.cell).items()}
    runs = [unroll(served, x, weights=weights, lengths=lengths) for _ in range(2)]
    assert torch.equal(runs[0][0], runs[1][0])


@each
@pytest.mark.parametrize("argument", ["state", "lengths", "reset", "reverse", "weights"])
def test_every_argument_matters(served: Served, argument: str) -> None:
    x = random_input(2, 5)
    reset = torch.zeros(2, 5, dtype=torch.bool)
    reset[:, 2] = True
    other: dict[str, Any] = {
        "state": random_state(served.cell, 2),
        "lengths": torch.tensor([5, 3]),
        "reset": reset,
        "reverse": True,
        "weights": weights_of(served.cell, seed=9),
    }
    if argument == "reset" and served not in resettable:
        with pytest.raises(EngineError, match="resets"):
            unroll(served, x, reset=reset)
        return
    y, _ = unroll(served, x)
    changed, _ = unroll(served, x, **{argument: other[argument]})
    assert not torch.allclose(y, changed)


def test_each_cell_has_an_engine_and_each_engine_a_cell() -> None:
    assert {s.cell.name for s in SERVED} == {c.name for c in ALL_CELLS}
    assert {s.engine for s in SERVED} == {e.name for e in ops.ENGINES}
    assert len(set(itertools.chain(c.name for c in ALL_CELLS))) == len(ALL_CELLS)
    assert INPUTS != HIDDEN
