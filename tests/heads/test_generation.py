from __future__ import annotations

import copy

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.errors import DataError, OptionError
from ostinato.heads.generation import Sampler, Stops

SCORES = numpy.log([0.4, 0.3, 0.2, 0.1])


def drawn(scores=SCORES, n=4000, **options):
    """How often each token is drawn."""
    sampler = Sampler(**options)
    sampler.begin()
    found = numpy.array([sampler.draw(scores) for _ in range(n)])
    return numpy.bincount(found, minlength=len(scores)) / n


def shares(scores=SCORES, **options):
    sampler = Sampler(**options)
    sampler.begin()
    return sampler.shares(scores).round(6).tolist()


def test_tokens_are_drawn_as_often_as_they_are_likely():
    numpy.testing.assert_allclose(drawn(), [0.4, 0.3, 0.2, 0.1], atol=0.03)
    numpy.testing.assert_allclose(drawn(SCORES + 100), drawn(), atol=1e-12)


def test_each_option_changes_the_shares():
    assert shares() == [0.4, 0.3, 0.2, 0.1]
    assert shares(temperature=0.5) == [0.533333, 0.3, 0.133333, 0.033333]
    assert shares(top_k=2) == [0.571429, 0.428571, 0, 0]
    assert shares(top_k=9) == shares(top_p=1.0) == shares()
    assert shares(top_p=0.6) == [0.571429, 0.428571, 0, 0]
    assert shares(top_p=0.75) == [0.444444, 0.333333, 0.222222, 0]
    assert shares(top_p=1e-9) == [1, 0, 0, 0]
    assert shares(top_k=3, top_p=0.5) == [0.571429, 0.428571, 0, 0]
    assert shares(banned=[0, 3]) == [0, 0.6, 0.4, 0]
    assert shares(temperature=0) == [1, 0, 0, 0]


def test_what_came_lately_becomes_less_likely():
    sampler = Sampler(repetition_penalty=2.0, window=2)
    sampler.begin("ab", [0, 1])
    weakened = numpy.array([0.4**2, 0.3**2, 0.2, 0.1])
    numpy.testing.assert_allclose(sampler.shares(SCORES + 5), weakened / weakened.sum())
    numpy.testing.assert_allclose(sampler.shares(SCORES), sampler.shares(SCORES - 9))
    sampler.begin("abcd", [0, 1, 2, 3])
    weakened = numpy.array([0.4, 0.3, 0.2**2, 0.1**2])
    numpy.testing.assert_allclose(sampler.shares(SCORES), weakened / weakened.sum())
    sampler = Sampler(repetition_penalty=9.0, temperature=0, window=3)
    sampler.begin()
    assert [sampler.draw(SCORES) for _ in range(5)] == [0, 1, 2, 3, 0]


def test_the_same_seed_makes_the_same_choices():
    one, two, other = (Sampler(seed=seed) for seed in (3, 3, 4))
    for sampler in (one, two, other):
        sampler.begin()
    first = [one.draw(SCORES) for _ in range(50)]
    assert first == [two.draw(SCORES) for _ in range(50)]
    assert first != [other.draw(SCORES) for _ in range(50)]
    one.begin()
    assert first == [one.draw(SCORES) for _ in range(50)]


def test_nothing_is_drawn_that_cannot_be():
    impossible = numpy.array([-numpy.inf, 0.0, -numpy.inf])
    assert set(numpy.flatnonzero(drawn(impossible, 200))) == {1}
    assert set(numpy.flatnonzero(drawn(numpy.array([0.0, -1e4, 0.0]), 200))) == {0, 2}


def test_scores_that_are_no_numbers_and_bans_of_all_are_refused():
    sampler = Sampler()
    sampler.begin()
    with pytest.raises(DataError, match="no numbers"):
        sampler.draw([numpy.nan, 1.0])
    sampler = Sampler(banned=[0, 1])
    with pytest.raises(DataError, match="all that the model may write are banned"):
        sampler.draw([0.0, 1.0])


class Alternating:
    """Allows a after b and b after a; a text may end after b."""

    def begin(self, prompt):
        self.last = prompt[-1:]

    def allowed(self, strings):
        return numpy.array([self.last == "b" if s is None else s != self.last for s in strings])

    def push(self, string):
        self.last = string

    def fork(self):
        return copy.copy(self)


def test_a_constraint_is_asked_before_and_told_after_each_choice():
    sampler = Sampler(constraint=Alternating(), strings=(None, "a", "b"), end=0, seed=1)
    sampler.begin("a")
    found = [sampler.draw([-3.0, 0.0, 0.0]) for _ in range(30)]
    until = found[: found.index(0)] if 0 in found else found
    assert until == [2, 1] * (len(until) // 2) + [2] * (len(until) % 2)
    if 0 in found:
        assert until[-1] == 2


def test_a_constraint_that_allows_nothing_is_told():
    class Nothing(Alternating):
        def allowed(self, strings):
            return numpy.zeros(len(strings), bool)

    sampler = Sampler(constraint=Nothing(), strings=("a",))
    sampler.begin()
    with pytest.raises(DataError, match="the constraint allows no continuation"):
        sampler.draw([0.0])
    with pytest.raises(OptionError, match="wanted the strings"):
        Sampler(constraint=Nothing())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"temperature": -1}, "temperature wanted a number from 0 on, got -1"),
        ({"temperature": float("nan")}, "temperature wanted"),
        ({"temperature": True}, "temperature wanted"),
        ({"top_k": 0}, "top_k wanted a whole number from 1 on, got 0"),
        ({"top_k": 1.5}, "top_k wanted"),
        ({"top_p": 0}, "top_p wanted a number above 0 and at most 1, got 0"),
        ({"top_p": 1.5}, "top_p wanted"),
        ({"temperature": 0, "top_k": 3}, "temperature 0 always takes the likeliest"),
        ({"temperature": 0, "top_p": 0.5}, "temperature 0 always takes the likeliest"),
        ({"repetition_penalty": 0.5}, "repetition_penalty wanted a number from 1 on"),
        ({"window": 0}, "window wanted"),
        ({"seed": -1}, "seed wanted a whole number from 0 on, got -1"),
    ],
)
def test_options_out_of_range_are_refused(wrong, message):
    with pytest.raises(OptionError, match=message):
        Sampler(**wrong)


@given(st.text("abc", max_size=20), st.lists(st.text("abc", min_size=1, max_size=3), max_size=3))
def test_a_text_ends_before_the_first_stop_string(text, strings):
    places = [text.find(string) for string in strings if string in text]
    # Strings are found as they come, so that of two that overlap the one that ends first counts.
    ends = min((text.find(s) + len(s) for s in strings if s in text), default=None)
    stops, shown = Stops(strings), []
    for letter in text:
        shown.append(stops.push(letter))
    shown.append(stops.end())
    if ends is None:
        assert "".join(shown) == text
        assert not stops.stopped
    else:
        wanted = min(text[:ends].find(s) for s in strings if s in text[:ends])
        assert "".join(shown) == text[:wanted]
        assert stops.stopped
        assert places


def test_a_stop_string_has_a_character():
    with pytest.raises(OptionError, match="a stop string wanted at least one character"):
        Stops(["a", ""])
    assert Stops("ab").push("xaby") == "x"
