"""Beginnings are data: equal rules are equal."""

from __future__ import annotations

import dataclasses

import pytest

from ostinato.cells import (
    Constant,
    Decay,
    Identity,
    Initial,
    Lecun,
    Orthogonal,
    Phase,
    Ring,
    RingGain,
    Spaced,
    Spectral,
    Uniform,
    Xavier,
)

RULES = [Constant(1.0), Uniform(), Spaced(), Xavier(), Lecun(), Orthogonal(2.0), Identity(), Spectral()]
RULES += [Decay(), Ring(), Phase(), RingGain()]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_a_value_that_cannot_change(rule: Initial) -> None:
    assert rule == dataclasses.replace(rule)
    assert hash(rule) == hash(dataclasses.replace(rule))
    for field in dataclasses.fields(rule):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(rule, field.name, 3.0)
