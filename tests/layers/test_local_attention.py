"""What local attention computes and refuses. Its laws are in tests/laws."""

from __future__ import annotations

import inspect
import math
from typing import Any

import pytest
import torch

from ostinato.errors import OptionError, ShapeError
from ostinato.layers import LocalAttention
from ostinato.state import State
from tests.laws.zoo import random_input

CHANGES = {"inputs": 8, "heads": 1, "window": 3, "rotary": False}


def made(**changed: Any) -> LocalAttention:
    torch.manual_seed(0)
    return LocalAttention(**{"inputs": 4, "heads": 2, "window": 4} | changed).double()


def test_every_constructor_argument_changes_something() -> None:
    assert set(CHANGES) == set(inspect.signature(LocalAttention).parameters)

    def outcome(**changed: Any) -> float:
        return made(**changed)(random_input(2, 9, inputs=changed.get("inputs", 4)))[0].sum().item()

    assert len({outcome(), *(outcome(**{name: value}) for name, value in CHANGES.items())}) == 5


@pytest.mark.parametrize("rotary", [False, True])
def test_each_head_is_a_softmax_over_the_last_steps_turned_by_their_distance(rotary: bool) -> None:
    layer, x = made(rotary=rotary), random_input(1, 9, inputs=4)
    y, _ = layer(x)
    queries, keys, values = layer.query(x)[0], layer.key(x)[0], layer.value(x)[0]
    for t in range(9):
        seen, heads = range(max(0, t - 3), t + 1), []
        for head in range(2):
            query = queries[t, 2 * head : 2 * head + 2]
            scores = []
            for s in seen:
                angle = float(t - s) if rotary else 0.0
                turn = [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
                scores.append(query @ torch.tensor(turn, dtype=torch.float64) @ keys[s] / math.sqrt(2))
            heads.append(torch.stack(scores).softmax(0) @ values[list(seen)])
        torch.testing.assert_close(y[0, t], layer.out(torch.cat(heads)), rtol=1e-12, atol=1e-12)


def test_long_sequences_go_in_stretches_and_give_what_cuts_give() -> None:
    layer, x = made(window=5), random_input(2, 200, inputs=4)
    whole, end = layer(x)
    state, parts = None, []
    for part in x.split([1, 63, 64, 70, 2], dim=1):
        y, state = layer(part, state)
        parts.append(y)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(state.key, end.key, rtol=1e-12, atol=1e-12)


def test_a_nan_is_gone_when_the_window_has_passed_it() -> None:
    layer, x = made(window=3), random_input(1, 9, inputs=4)
    soiled = x.clone()
    soiled[0, 2] = float("nan")
    y, other = layer(x)[0], layer(soiled)[0]
    assert torch.isnan(other[0]).any(-1).tolist() == [False, False, True, True, True] + [False] * 4
    torch.testing.assert_close(other[0, 5:], y[0, 5:], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"inputs": 0}, "inputs wanted a whole number"),
        ({"heads": 0}, "heads wanted a whole number"),
        ({"heads": 3}, "heads wanted a divisor of the width 4, got 3"),
        ({"heads": 4}, "rotary turns pairs and wanted an even width / heads, got 1"),
        ({"window": 0}, "window wanted a whole number"),
        ({"rotary": 1}, "rotary wanted True or False, got 1"),
    ],
)
def test_a_wrong_option_is_named(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        made(**changed)


def test_a_state_of_another_window_is_refused() -> None:
    _, state = made(window=3)(random_input(1, 2, inputs=4))
    with pytest.raises(ShapeError, match=r"state.key wanted \[1, 3, 2\], got \[1, 2, 2\]"):
        made()(random_input(1, 2, inputs=4), state)
    numbers = State(key=state.key, value=state.value, seen=state.seen.double())
    with pytest.raises(ShapeError, match=r"state.seen wanted torch.bool on cpu, got torch.float64"):
        made(window=3)(random_input(1, 2, inputs=4), numbers)
    with pytest.raises(ShapeError, match=r"wanted State\(key, value, seen\), got State\(h\)"):
        made()(random_input(1, 2, inputs=4), State(h=torch.zeros(1, 4)))
