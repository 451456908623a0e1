from __future__ import annotations

import numpy
import pytest

from ostinato.errors import ArtifactError
from ostinato.importing.onnx_step import MOST_MOVED, Budget, Refused, Step, Value
from tests.importing.graphs import lone

PLACES = Value(numpy.arange(3), True)


def test_a_value_knows_whether_its_numbers_are_whole() -> None:
    assert Value.known(numpy.zeros(2, bool)).whole
    assert not Value.known(numpy.zeros(2)).whole
    moved = Value(numpy.arange(3), True, True).like(numpy.arange(2))
    assert (moved.places, moved.whole) == (True, True)


def test_a_budget_is_spent_once() -> None:
    budget = Budget()
    budget.count(MOST_MOVED)
    with pytest.raises(ArtifactError, match="moves more than"):
        budget.count(1)


def test_what_is_missing_comes_in_or_is_negative_is_refused() -> None:
    step = Step(lone("Reshape", 2), [PLACES, None], Budget())
    assert step.value is PLACES
    assert step.integers(1, "shape", [4]) == [4]
    for index in (1, 2):
        with pytest.raises(Refused, match=f"its input {index} is missing"):
            step.wanted(index)
    with pytest.raises(Refused, match="it computes with what comes in"):
        step.numbers(0)
    with pytest.raises(Refused, match="negative size"):
        step.grows([2, -1])


def test_whole_numbers_are_an_input_or_an_attribute() -> None:
    step = Step(lone("Squeeze", 2, axes=[1]), [PLACES, Value.known(numpy.array([0, 2]))], Budget())
    assert step.integers(1, "axes") == [0, 2]
    assert Step(step.node, [PLACES], Budget()).integers(1, "axes") == [1]
    assert Step(lone("Squeeze"), [PLACES], Budget()).integers(1, "axes") is None
