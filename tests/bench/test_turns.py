from __future__ import annotations

import pytest

from ostinato.bench.turns import MOST, Pace, in_turns, quantile, rounds_for

NO_REST = Pace(0.0, rest=0.0)


class Clock:
    """A callable that claims these seconds, one after the other, and notes who was called."""

    def __init__(self, name, calls, seconds):
        self.name, self.calls, self.seconds, self.count = name, calls, seconds, 0

    def __call__(self, warm):
        self.calls.append((self.name, warm))
        self.count += 1
        return self.seconds


def test_the_ratio_is_the_peer_s_time_over_ours_and_turns_change_their_order():
    calls = []
    found = in_turns(Clock("ours", calls, 0.01), Clock("peer", calls, 0.03), NO_REST)
    assert found["ratio"] == pytest.approx(3.0)
    assert found["spread"] == pytest.approx([3.0, 3.0])
    assert found["rounds"] == 5
    names = [name for name, _ in calls[4:]]
    assert names == ["ours", "peer", "peer", "ours", "ours", "peer", "peer", "ours", "ours", "peer"]
    assert all(warm for _, warm in calls[2:])


def test_long_calls_are_not_made_twice_in_a_turn():
    calls = []
    found = in_turns(Clock("ours", calls, 1.0), Clock("peer", calls, 1.0), NO_REST, times=5)
    assert found["rounds"] == 15
    assert not any(warm for _, warm in calls)


def test_the_number_of_rounds_is_odd_and_bounded():
    for each in (1e-6, 0.01, 0.3, 5.0):
        count = rounds_for(each, Pace(2.0))
        assert count % 2 == 1
        assert 3 <= count <= MOST


def test_quantiles_lie_between_neighbours():
    assert quantile([1.0], 0.75) == 1.0
    assert quantile([0.0, 10.0], 0.25) == 2.5
