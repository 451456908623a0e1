"""Functions from cell to cell: what they declare, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from ostinato.cells import BUILT_IN, Cell, Constant, Gates, Mask, cell, tanh
from ostinato.errors import OptionError
from ostinato.lowering import Blueprint, trace
from ostinato.lowering.variants import clip, layer_norm, recurrent_dropout, resting, state_dropout, zoneout
from ostinato.state import State


@cell(state="h", gates="a", parameters={"gain_a": Constant(2.0), "drop": Constant(0.0), "seen": Constant(0.0)})
def taken(x: Gates, u: Gates, s: State, p: Gates) -> State:
    """Has names already that others would choose."""
    return State(h=tanh(p.gain_a * x.a + u.a + p.drop * p.seen))


@cell(state="h", gates="a", recurrent="none")
def blind(x: Gates, s: State) -> State:
    """Sees nothing of its state."""
    return State(h=s.h + x.a)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: layer_norm("lstm", gates=False), "wanted gates=True or memory=True, got neither"),
        (lambda: layer_norm("gru", memory=True), "gru has no memory apart from what it shows"),
        (lambda: zoneout("gru", 1.0), "a mask's share wanted a number of at least 0 and below 1, got 1.0"),
        (lambda: zoneout("gru", -0.1), "got -0.1"),
        (lambda: zoneout("gru", {"c": 0.1}), "gru has no part of the state called 'c'"),
        (lambda: zoneout("lstm", {}), "wanted a share for some of h, c, got none"),
        (lambda: clip("gru", 0.0), "clip wanted a bound above 0, got 0.0"),
        (lambda: clip("gru", float("nan")), "got nan"),
        (lambda: clip("gru", True), "got True"),
        (lambda: recurrent_dropout(blind, 0.1), "blind declares none"),
        (lambda: recurrent_dropout("gru", 1.5), "got 1.5"),
        (lambda: recurrent_dropout("gru", 0.5, per="epoch"), "per 'step' or per 'sequence', got 'epoch'"),
        (lambda: state_dropout(blind, 0.1), "blind has no R"),
        (lambda: state_dropout(state_dropout("gru", 0.1), 0.1), "hides units of its state already"),
        (lambda: clip("lstm_projected", 1.0), "clip does not reach 'h' of lstm_projected, which is a projection"),
        (lambda: zoneout("lstm_projected", {"h": 0.1}), "zoneout does not reach 'h' of lstm_projected"),
    ],
)
def test_what_has_no_meaning_is_refused_with_the_reason(made: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        made()


@pytest.mark.parametrize("member", BUILT_IN.values(), ids=lambda c: c.name)
def test_a_cell_without_noise_rests_as_it_is(member: Cell) -> None:
    assert resting(member) is member
    hidden = resting(state_dropout(member, 0.5)) if member.recurrent != "none" else member
    assert hidden.seen_through is None
    assert Blueprint.of(hidden).digest == Blueprint.of(member).digest


def test_names_that_are_taken_get_a_number() -> None:
    assert "gain_a_2" in layer_norm(taken).parameters
    assert state_dropout(taken, 0.5).seen_through == "seen_2"
    assert set(zoneout(zoneout("gru", 0.5), 0.25).noise) == {"zone_h", "zone_h_2"}


def test_functions_may_follow_one_another() -> None:
    made = zoneout(recurrent_dropout(layer_norm("lstm", memory=True), 0.25), {"c": 0.5})
    assert made.noise == {"drop": Mask(0.25), "zone_c": Mask(0.5, scaled=False)}
    assert "row_mean" in trace(made).operations()
    assert (made.state, made.gates) == (BUILT_IN["lstm"].state, BUILT_IN["lstm"].gates)


def test_the_shift_of_a_normed_gate_starts_as_its_bias_did() -> None:
    member = BUILT_IN["lstm"]
    assert layer_norm(member).parameters["shift_f"] == member.initial_of("b.f", 5)
    assert layer_norm(member).parameters["gain_f"] == Constant(1.0)


def test_a_sum_of_both_shares_is_normed_once_and_apart_shares_each() -> None:
    assert [name for name in layer_norm("lstm").parameters if name.startswith("gain_")] == [
        f"gain_{gate}" for gate in BUILT_IN["lstm"].gates
    ]
    assert {"gain_n", "gain_u_n"} <= set(layer_norm("gru").parameters)
