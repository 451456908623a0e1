"""A call of a layer over time is checked in one place."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ostinato.errors import OptionError, ShapeError
from ostinato.layers.steps import Steps, checked_state, positive
from ostinato.state import State


def test_padding_is_zeroed_and_resets_in_it_do_not_count() -> None:
    x, reset = torch.full((2, 3, 1), torch.nan), torch.tensor([[False, True, True], [True, False, True]])
    x[0, :2], x[1, :1] = 1.0, 1.0
    steps = Steps.of("Layer", x, 1, torch.tensor([2, 1]), reset)
    assert steps.reset is not None
    assert not steps.reset[0, 2]
    assert steps.x[..., 0].tolist() == [[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    assert steps.segment is not None
    assert steps.segment.tolist() == [[0, 1, 1], [1, 1, 1]]
    assert steps.valid.tolist() == [[True, True, False], [True, False, False]]
    assert steps.closed(torch.full((2, 3, 1), torch.nan))[0, 2].item() == 0


def test_the_last_steps_end_at_each_length_and_begin_after_the_last_reset() -> None:
    x = torch.arange(1.0, 7.0).reshape(2, 3, 1)
    joined = torch.cat([torch.full((2, 2, 1), 9.0), x], dim=1)
    lengths, reset = torch.tensor([1, 3]), torch.tensor([[False] * 3, [False, False, True]])
    for given, wanted in ((None, [[9, 1], [5, 6]]), (reset, [[9, 1], [0, 6]])):
        last = Steps.of("Layer", x, 1, lengths, given).last(joined, 2)
        assert last[..., 0].tolist() == wanted
    assert Steps.of("Layer", x, 1, None, None).last(joined, 2)[..., 0].tolist() == [[2, 3], [5, 6]]
    assert Steps.of("Layer", x, 1, None, reset).last(joined[:, 2:], 0).shape == (2, 0, 1)


@pytest.mark.parametrize(
    ("x", "call", "words"),
    [
        ([1.0], {}, "Layer wanted x as a tensor"),
        (torch.zeros(2, 3), {}, r"Layer: x wanted \[B, T, 4\], got \[2, 3\]; the layer was built for 4 features"),
        (torch.zeros(2, 3, 5), {}, r"Layer: x wanted \[B, T, 4\], got \[2, 3, 5\]"),
        (torch.zeros(2, 3, 4), {"lengths": torch.tensor([4, 0])}, "lengths wanted numbers from 0 to T = 3"),
        (torch.zeros(2, 3, 4), {"lengths": torch.tensor([1.0, 0.0])}, "lengths wanted a tensor of whole numbers"),
        (torch.zeros(2, 3, 4), {"reset": torch.zeros(2, 3)}, "reset wanted a tensor of bools"),
        (torch.zeros(2, 3, 4), {"reset": torch.zeros(2, 2).bool()}, r"reset wanted \[2, 3\], got \[2, 2\]"),
    ],
)
def test_a_wrong_call_is_named(x: Any, call: dict[str, Any], words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        Steps.of("Layer", x, 4, call.get("lengths"), call.get("reset"))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (torch.zeros(1), r"Layer wanted State\(past\), got Tensor; pass what the layer returned"),
        (State(h=torch.zeros(1)), r"Layer wanted State\(past\), got State\(h\)"),
        (State(past=torch.zeros(2, 2)), r"Layer: state.past wanted \[2, 3\], got \[2, 2\]"),
        (State(past=1.0), r"Layer: state.past wanted \[2, 3\], got float"),
        (State(past=torch.zeros(2, 3).double()), "state.past wanted torch.float32 on cpu, got torch.float64 on cpu"),
        (State(past=torch.zeros(2, 3).bool()), "state.past wanted torch.float32 on cpu, got torch.bool on cpu"),
    ],
)
def test_a_wrong_state_is_named(state: Any, words: str) -> None:
    like, shapes = torch.zeros(1), {"past": (2, 3)}
    assert checked_state("Layer", None, like, shapes) is None
    assert checked_state("Layer", State(past=torch.zeros(2, 3)), like, shapes) is not None
    with pytest.raises(ShapeError, match=words):
        checked_state("Layer", state, like, shapes)


@pytest.mark.parametrize("number", [0, -1, 1.0, True, "2", None])
def test_only_whole_numbers_from_one_on_are_sizes(number: Any) -> None:
    with pytest.raises(OptionError, match="width wanted a whole number of at least 1"):
        positive("width", number)
