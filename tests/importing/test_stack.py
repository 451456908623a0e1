from __future__ import annotations

import copy

import pytest
import torch

from ostinato.cells import find
from ostinato.errors import OptionError, ShapeError
from ostinato.importing.stack import Imported, Way, assembled
from ostinato.layers import Recurrent
from ostinato.sequence import Sequences
from ostinato.state import State


def way(cell: str, inputs: int, hidden: int, *, reverse: bool = False, start: State | None = None) -> Way:
    known = find(cell)
    return Way(known, {n: torch.randn(s) * 0.4 for n, s in known.shapes(inputs, hidden).items()}, reverse, start)


def test_a_plain_stack_is_a_recurrent_with_these_weights() -> None:
    layers = [[way("gru", 3, 5), way("gru", 3, 5, reverse=True)], [way("gru", 10, 4), way("gru", 10, 4, reverse=True)]]
    made = assembled(layers, dropout=0.25)
    assert isinstance(made, Recurrent)
    assert made.bidirectional
    assert made.dropout.share == 0.25
    for directions, ways in zip(made.directions(), layers, strict=True):
        for direction, wanted in zip(directions, ways, strict=True):
            assert all(torch.equal(getattr(direction, n), w) for n, w in wanted.weights.items())
            assert not direction.W.is_meta


def test_memory_of_the_weights_that_came_is_not_shared() -> None:
    one = way("elman", 2, 3)
    made = assembled([[one]])
    with torch.no_grad():
        made.directions()[0][0].W.zero_()
    assert one.weights["W"].abs().sum() > 0


@pytest.mark.parametrize(
    "layers",
    [
        [[("gru", True)]],
        [[("gru", False)], [("lstm", False)]],
        [[("gru", True), ("gru", False)]],
        [[("gru", False), ("lstm", True)], [("gru", False)]],
    ],
)
def test_what_is_no_plain_stack_runs_direction_by_direction(layers: list[list[tuple[str, bool]]]) -> None:
    wide, ways = 3, []
    for members in layers:
        ways.append([way(cell, wide, 5, reverse=reverse) for cell, reverse in members])
        wide = 5 * len(members)
    made = assembled(ways)
    assert isinstance(made, Imported)
    x, lengths = torch.randn(3, 6, 3), torch.tensor([6, 1, 4])
    y, state = made(x, lengths=lengths)
    below, ends = x, []
    for members in made.directions():
        done = [direction(below, lengths=lengths) for direction in members]
        below = torch.cat([shown for shown, _ in done], dim=-1)
        ends += [end for _, end in done]
    assert torch.equal(y, below)
    assert [list(s) for s in state] == [list(s) for s in ends]
    again, _ = made(Sequences(x, lengths))
    assert torch.equal(again, y)
    assert made.width == wide


def test_a_sequence_may_be_cut_and_carried_on() -> None:
    made = assembled([[way("gru", 3, 4)], [way("lstm", 4, 4)]])
    x = torch.randn(2, 5, 3)
    whole, end = made(x)
    first, state = made(x[:, :2])
    second, last = made(x[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    torch.testing.assert_close(last[1].c, end[1].c)


def test_a_fixed_start_holds_until_a_state_is_passed() -> None:
    start = State(h=torch.randn(1, 4))
    made = assembled([[way("elman", 3, 4, start=start)]])
    x = torch.randn(2, 1, 3)
    direction = made.directions()[0][0]
    wanted, _ = direction(x, State(h=start.h.expand(2, -1).contiguous()))
    assert torch.equal(made(x)[0], wanted)
    zero = (State(h=torch.zeros(2, 4)),)
    assert torch.equal(made(x, zero)[0], direction(x)[0])
    again = copy.deepcopy(made)
    again.load_state_dict(made.state_dict())
    assert torch.equal(again(x)[0], wanted)


def test_starts_of_single_rows_want_as_many_rows() -> None:
    made = assembled([[way("elman", 3, 4, start=State(h=torch.randn(2, 4)))]])
    made(torch.zeros(2, 1, 3))
    with pytest.raises(ShapeError, match="starts h of 2 rows each in its own way, and x has 3; pass x of 2 rows"):
        made(torch.zeros(3, 1, 3))


def test_fixed_lengths_hold_until_others_are_passed() -> None:
    made = assembled([[way("elman", 3, 4)]], lengths=torch.tensor([2, 5]))
    x = torch.randn(2, 5, 3)
    assert made(x)[0][0, 2:].abs().sum() == 0
    assert made(x, lengths=torch.tensor([5, 5]))[0][0, 2:].abs().sum() > 0


def test_a_state_of_another_count_is_refused() -> None:
    made = assembled([[way("elman", 3, 4, reverse=True)]])
    with pytest.raises(ShapeError, match=r"state wanted a tuple of 1, .* got one State; pass what the layer returned"):
        made(torch.zeros(1, 2, 3), State(h=torch.zeros(1, 4)))
    with pytest.raises(ShapeError, match="got 2"):
        made(torch.zeros(1, 2, 3), (State(h=torch.zeros(1, 4)),) * 2)
    with pytest.raises(OptionError, match="Sequences bring their own lengths"):
        made(Sequences(torch.zeros(1, 2, 3), torch.tensor([2])), lengths=torch.tensor([2]))
