"""States and maps over them."""

from __future__ import annotations

import pickle

import pytest

from ostinato.errors import ShapeError
from ostinato.state import State, flatten_state, map_state, unflatten_state


def test_a_state_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="cannot be changed; make a new one"):
        State(h=1).h = 2
    with pytest.raises(ShapeError, match="at least one named part"):
        State()


def test_a_missing_part_is_named() -> None:
    with pytest.raises(AttributeError, match="has the parts h, c, not 'm'"):
        _ = State(h=1, c=2).m


def test_it_reads_like_a_mapping_in_the_declared_order() -> None:
    state = State(h=1, c=2)
    assert state.keys() == ("h", "c")
    assert state.items() == (("h", 1), ("c", 2))
    assert list(state) == ["h", "c"]
    assert len(state) == 2
    assert state["c"] == 2


def test_it_survives_a_pickle() -> None:
    assert pickle.loads(pickle.dumps(State(h=1, c=2))).items() == (("h", 1), ("c", 2))


def test_maps_reach_into_tuples_and_past_none() -> None:
    nested = (State(h=1), None, (State(h=2, c=3),))
    assert flatten_state(map_state(lambda v: v * 10, nested)) == {"0.h": 10, "2.0.h": 20, "2.0.c": 30}


def test_states_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="same parts"):
        map_state(lambda a, b: a, State(h=1), State(c=1))
    with pytest.raises(ShapeError, match="same length"):
        map_state(lambda a, b: a, (State(h=1),), ())
    with pytest.raises(ShapeError, match="got int"):
        flatten_state(3)


def test_flat_names_and_back_is_the_identity() -> None:
    nested = (State(h=1, c=2), (State(h=3), State(h=4)))
    assert flatten_state(unflatten_state(flatten_state(nested))) == flatten_state(nested)
    assert unflatten_state({}) is None
    assert unflatten_state({"h": 1}).h == 1
