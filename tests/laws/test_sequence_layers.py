"""Laws of layers over time, fed by one list: (x, state) to (y, state), lengths, resets, steps."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ostinato.errors import OptionError, ShapeError
from ostinato.layers import (
    AttentiveRecurrent,
    Block,
    Blocks,
    Chain,
    Convolution,
    GatedRecurrence,
    Hybrid,
    LocalAttention,
    Recurrent,
)
from ostinato.sequence import Sequences
from ostinato.state import flatten_state, map_state, unflatten_state
from tests.laws.zoo import input_gated, random_input

INPUTS = 4


@dataclass(frozen=True)
class Member:
    """A layer of INPUTS features, and whether it goes on from a state."""

    name: str
    make: Callable[[], nn.Module]
    causal: bool = True

    def layer(self) -> nn.Module:
        torch.manual_seed(0)
        return self.make().double()


MEMBERS = (
    Member("recurrent", lambda: Recurrent("lstm", INPUTS, 4, layers=2, norm=True, residual=True)),
    Member("recurrent-both-ways", lambda: Recurrent("gru", INPUTS, 3, bidirectional=True), causal=False),
    Member("convolution", lambda: Convolution(INPUTS, 6, 3)),
    Member("convolution-of-one-step", lambda: Convolution(INPUTS, 6, 1)),
    Member("convolution-depthwise-dilated", lambda: Convolution(INPUTS, 2 * INPUTS, 3, groups=INPUTS, dilation=2)),
    Member("convolution-centred", lambda: Convolution(INPUTS, 5, 3, causal=False, dilation=2), causal=False),
    Member("local-attention", lambda: LocalAttention(INPUTS, heads=2, window=3)),
    Member("local-attention-to-itself", lambda: LocalAttention(INPUTS, heads=1, window=1)),
    Member("local-attention-unturned", lambda: LocalAttention(INPUTS, heads=4, window=5, rotary=False)),
    Member("attentive-recurrent", lambda: AttentiveRecurrent("gru", INPUTS, 4, window=3, heads=2)),
    Member("gated-recurrence", lambda: GatedRecurrence(INPUTS, "lstm", 6)),
    Member("block", lambda: Block(LocalAttention(INPUTS, heads=2, window=4), INPUTS)),
    Member("blocks", lambda: Blocks(INPUTS, "rra", hidden=6, window=3, heads=2, convolution=2)),
    Member("blocks-of-an-own-cell", lambda: Blocks(INPUTS, "ar", cell=input_gated, window=4, heads=1)),
    Member("blocks-of-griffin-s-cell", lambda: Blocks(INPUTS, "ra", cell="rglru", window=3, heads=2)),
    Member("gated-projected", lambda: GatedRecurrence(INPUTS, "lstm_projected", 6)),
    Member("attentive-in-heads", lambda: AttentiveRecurrent("slstm", INPUTS, 8, window=2, heads=2)),
    Member("hybrid", lambda: Hybrid("gru", INPUTS, 3, filters=4).eval(), causal=False),
    Member("chain", lambda: Chain(Convolution(INPUTS, 6, 3), nn.GELU(), Recurrent("gru", 6, 3), nn.Linear(3, 2))),
)

each = pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
each_causal = pytest.mark.parametrize("member", [m for m in MEMBERS if m.causal], ids=lambda member: member.name)


def assert_same(got: Any, wanted: Any) -> None:
    map_state(lambda a, b: torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11, equal_nan=True), got, wanted)


def parts_of(state: Any) -> dict[str, Tensor]:
    """The parts of a state that are numbers with gradients."""
    return {name: part for name, part in flatten_state(state).items() if part.is_floating_point()}


def begun(layer: nn.Module, rows: int) -> Any:
    """A state that has seen something, cut off from its past."""
    _, state = layer(random_input(rows, 6, inputs=INPUTS, seed=9))
    return map_state(torch.Tensor.detach, state)


def row_of(state: Any, row: int) -> Any:
    return map_state(lambda part: part[row : row + 1], state)


def gradients(layer: nn.Module, x: Tensor, state: Any = None, **call: Any) -> list[Tensor]:
    x = x.clone().requires_grad_()
    y, last = layer(x, state, **call)
    total = (y * torch.arange(1.0, y.numel() + 1, dtype=y.dtype).reshape(y.shape).cos()).sum()
    total = total + sum(((index + 0.5) * part).sum() for index, part in enumerate(parts_of(last).values()))
    leaves = [x, *layer.parameters()]
    found = torch.autograd.grad(total, leaves, allow_unused=True)
    return [torch.zeros_like(leaf) if g is None else g for leaf, g in zip(leaves, found, strict=True)]


@each_causal
@pytest.mark.parametrize("cut", [0, 1, 8, 16])
def test_a_sequence_may_be_cut_anywhere(member: Member, cut: int) -> None:
    layer, x = member.layer(), random_input(3, 17, inputs=INPUTS)
    reset = torch.zeros(3, 17, dtype=torch.bool)
    reset[0, [3, 8]] = reset[1, 0] = reset[2, 9] = True
    start = begun(layer, 3)
    for resets in (None, reset):
        left, right = ({} if resets is None else {"reset": resets[:, part]} for part in (slice(cut), slice(cut, None)))
        whole, end = layer(x, start, reset=resets)
        first, middle = layer(x[:, :cut], start, **left)
        second, last = layer(x[:, cut:], middle, **right)
        assert_same(torch.cat([first, second], dim=1), whole)
        assert_same(last, end)


@each_causal
def test_steps_one_by_one_are_the_sequence(member: Member) -> None:
    layer, x, state = member.layer(), random_input(2, 9, inputs=INPUTS), None
    whole, end = layer(x)
    for t in range(9):
        y, state = layer(x[:, t : t + 1], state)
        assert_same(y[:, 0], whole[:, t])
    assert_same(state, end)


@each
@pytest.mark.parametrize("junk", [float("nan"), float("inf"), 1e30])
def test_padding_never_matters_whatever_it_holds(member: Member, junk: float) -> None:
    layer, lengths = member.layer(), torch.tensor([4, 0, 7, 1])
    clean = random_input(4, 7, inputs=INPUTS)
    dirty = torch.where(torch.arange(7)[None, :, None] < lengths[:, None, None], clean, junk)
    reset = torch.zeros(4, 7, dtype=torch.bool)
    reset[0, 2] = reset[2, 5] = True
    soiled = reset | (torch.arange(7) >= lengths[:, None])
    for calls in (({}, {}), ({"reset": reset}, {"reset": soiled})):
        kept, other = (layer(x, lengths=lengths, **call) for x, call in zip((clean, dirty), calls, strict=True))
        assert_same(other, kept)
        assert not any(kept[0][row, length:].any() for row, length in enumerate(lengths.tolist()))
        assert_same(
            tuple(gradients(layer, dirty, lengths=lengths, **calls[1])),
            tuple(gradients(layer, clean, lengths=lengths, **calls[0])),
        )


@each
def test_a_length_equals_the_sequence_cut_there(member: Member) -> None:
    layer, lengths = member.layer(), torch.tensor([5, 2, 7, 0])
    x, start = random_input(4, 7, inputs=INPUTS), begun(member.layer(), 4) if member.causal else None
    y, end = layer(x, start, lengths=lengths)
    for row, length in enumerate(lengths.tolist()):
        alone, last = layer(x[row : row + 1, :length], row_of(start, row))
        assert_same(y[row, :length], alone[0])
        assert_same(row_of(end, row), last)


@each_causal
def test_length_zero_returns_the_initial_state_to_the_last_bit(member: Member) -> None:
    layer = member.layer()
    start = begun(layer, 2)
    _, end = layer(random_input(2, 3, inputs=INPUTS), start, lengths=torch.tensor([0, 3]))
    map_state(lambda got, wanted: torch.testing.assert_close(got[0], wanted[0], rtol=0, atol=0), end, start)


@each
def test_a_batch_mate_never_matters_not_even_one_of_nan(member: Member) -> None:
    layer, x = member.layer(), random_input(3, 6, inputs=INPUTS)
    soiled = x.clone()
    soiled[1] = float("nan")
    lengths = torch.tensor([6, 6, 4])
    (y, end), (other, other_end) = (layer(given, lengths=lengths) for given in (x, soiled))
    for row in (0, 2):
        assert_same(other[row], y[row])
        assert_same(row_of(other_end, row), row_of(end, row))


@each
@pytest.mark.parametrize("before", [0.0, float("nan")])
def test_a_reset_equals_two_sequences(member: Member, before: float) -> None:
    layer, x = member.layer(), random_input(2, 9, inputs=INPUTS)
    x[1, :4] += before
    start = begun(layer, 2) if member.causal else None
    reset = torch.zeros(2, 9, dtype=torch.bool)
    reset[:, 4] = True
    y, end = layer(x, start, reset=reset)
    first, _ = layer(x[:, :4], start)
    second, last = layer(x[:, 4:])
    assert_same(y, torch.cat([first, second], dim=1))
    if member.causal:
        assert_same(end, last)


@each_causal
def test_a_reset_at_the_first_step_forgets_the_state_and_no_gradient_crosses(member: Member) -> None:
    layer, x = member.layer(), random_input(2, 5, inputs=INPUTS)
    start = map_state(lambda part: part.clone().requires_grad_(part.is_floating_point()), begun(layer, 2))
    reset = torch.zeros(2, 5, dtype=torch.bool)
    reset[:, 0] = True
    y, end = layer(x, start, reset=reset)
    assert_same((y, end), layer(x))
    total = y.sum() + sum(part.sum() for part in parts_of(end).values())
    found = torch.autograd.grad(total, list(parts_of(start).values()), allow_unused=True)
    assert not any(g is not None and g.any() for g in found)


@each
def test_gradients_are_right_through_time(member: Member) -> None:
    layer, x = member.layer(), random_input(2, 3, inputs=INPUTS).requires_grad_()
    names = [name for name, _ in layer.named_parameters()]
    start = begun(layer, 2) if member.causal else None
    whole = flatten_state(start)
    numbers = parts_of(start)

    def run(x: Tensor, *given: Tensor) -> tuple[Tensor, ...]:
        parts = dict(zip(numbers, given[: len(numbers)], strict=True))
        weights = dict(zip(names, given[len(numbers) :], strict=True))
        call = {"lengths": torch.tensor([3, 2])}
        state = unflatten_state(whole | parts) if whole else None
        y, end = torch.func.functional_call(layer, weights, (x, state), call)
        return (y, *parts_of(end).values())

    leaves = [x, *(part.requires_grad_() for part in numbers.values()), *layer.parameters()]
    assert torch.autograd.gradcheck(run, leaves, fast_mode=True)


@each
def test_two_live_graphs_do_not_disturb_each_other(member: Member) -> None:
    layer = member.layer()
    inputs = [random_input(2, 5, inputs=INPUTS, seed=seed).requires_grad_() for seed in (1, 2)]
    wanted = [torch.autograd.grad(layer(x)[0].square().sum(), x)[0] for x in inputs]
    outputs = [layer(x)[0].square().sum() for x in inputs]
    for x, y, gradient in zip(inputs, outputs, wanted, strict=True):
        for _ in range(2):
            assert torch.equal(torch.autograd.grad(y, x, retain_graph=True)[0], gradient)


@each
def test_no_rows_are_a_batch_too_and_other_rows_than_the_state_s_are_refused(member: Member) -> None:
    layer = member.layer()
    y, end = layer(random_input(0, 3, inputs=INPUTS), lengths=torch.zeros(0, dtype=torch.int64))
    assert y.shape[:2] == (0, 3)
    if member.causal:
        with pytest.raises(ShapeError, match="wanted"):
            layer(random_input(2, 3, inputs=INPUTS), end)


@each
def test_no_step_and_no_valid_step_give_nothing(member: Member) -> None:
    layer = member.layer()
    y, end = layer(random_input(2, 0, inputs=INPUTS))
    assert y.shape[:2] == (2, 0)
    padded, same = layer(torch.full((2, 3, INPUTS), torch.nan).double(), lengths=torch.tensor([0, 0]))
    assert padded.shape == (2, 3, y.shape[-1])
    assert not padded.any()
    assert_same(same, end)


@each
def test_sequences_bring_their_own_lengths_and_resets(member: Member) -> None:
    layer, x = member.layer(), random_input(2, 5, inputs=INPUTS)
    lengths, reset = torch.tensor([5, 3]), torch.tensor([[False, True, False, False, True]] * 2)
    sequences = Sequences(x, lengths, reset)
    assert_same(layer(sequences), layer(x, lengths=lengths, reset=reset))
    with pytest.raises(OptionError, match="Sequences bring their own lengths"):
        layer(sequences, lengths=lengths)


@each
@pytest.mark.parametrize("lengths", [None, torch.tensor([5, 3])])
def test_products_of_half_size_are_close_to_the_whole(member: Member, lengths: torch.Tensor | None) -> None:
    layer, x = member.layer().float(), random_input(2, 5, inputs=INPUTS).float()
    wanted, _ = layer(x, lengths=lengths)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, state = layer(x, lengths=lengths)
        again, _ = layer(x, state)
    torch.testing.assert_close(y.float(), wanted, rtol=0.1, atol=0.1)
    again.float().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in layer.parameters() if p.grad is not None)


@each
def test_shapes_are_known_without_numbers(member: Member) -> None:
    x = torch.zeros(2, 5, INPUTS, dtype=torch.float64)
    y, end = member.layer()(x)
    shape, state = member.layer().to("meta")(x.to("meta"))
    assert shape.shape == y.shape
    assert {n: p.shape for n, p in flatten_state(state).items()} == {n: p.shape for n, p in flatten_state(end).items()}


@each
def test_a_layer_survives_a_copy_and_its_state_a_file(member: Member) -> None:
    layer, x = member.layer(), random_input(2, 5, inputs=INPUTS)
    y, end = layer(x)
    assert torch.equal(copy.deepcopy(layer)(x)[0], y)
    fresh = member.make().double()
    fresh.load_state_dict(layer.state_dict())
    assert torch.equal(fresh(x)[0], y)
    if member.causal:
        again = unflatten_state(flatten_state(end))
        assert torch.equal(layer(x, again)[0], layer(x, end)[0])
