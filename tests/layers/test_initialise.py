"""Weights begin as the cell declares."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from ostinato.cells import (
    BUILT_IN,
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
    lru,
)
from ostinato.errors import OptionError
from ostinato.layers import Direction, fill, initialise


def test_each_gate_s_recurrent_matrix_is_orthogonal() -> None:
    layer = Direction("lstm", 3, 8)
    for gate in layer.R.detach().chunk(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(8), rtol=0, atol=1e-5)


def test_the_forget_gate_starts_open_and_other_biases_at_zero() -> None:
    bias = Direction("lstm", 3, 4).b.detach()
    assert bias.tolist() == [0.0] * 4 + [1.0] * 4 + [0.0] * 8


def test_the_input_weights_lie_within_glorot_s_bound() -> None:
    weight = Direction("gru", 10, 20).W.detach()
    bound = math.sqrt(6 / 30)
    assert weight.abs().max() <= bound
    assert weight.abs().max() > 0.8 * bound


def test_a_time_scale_spreads_the_half_lives_up_to_it() -> None:
    torch.manual_seed(0)
    bias = Direction("lstm", 3, 400, timescale=100.0).b.detach()
    keep, let_in = bias[400:800], bias[:400]
    assert torch.equal(keep, -let_in)
    assert keep.exp().min() >= 1.0
    assert keep.exp().max() <= 99.0 + 1e-3
    assert abs(keep.exp().mean() - 50) < 5
    update = Direction("gru", 3, 400, timescale=100.0).b.detach()[400:800]
    assert update.min() >= 0
    assert update.max() > 4


@pytest.mark.parametrize("name", [name for name, cell in BUILT_IN.items() if cell.chrono])
def test_a_time_scale_of_two_leaves_every_gate_that_keeps_or_lets_in_half_open(name: str) -> None:
    cell, layer = BUILT_IN[name], Direction(name, 3, 8, timescale=2.0)
    for gate in cell.chrono:
        start = cell.gates.index(gate) * 8
        assert not layer.b[start : start + 8].any()


def test_a_time_scale_without_a_keeping_gate_is_refused() -> None:
    with pytest.raises(OptionError, match="timescale does not apply to elman"):
        Direction("elman", 3, 5, timescale=100.0)
    for timescale, told in ((1.5, "1.5"), (math.inf, "inf"), (math.nan, "nan")):
        with pytest.raises(OptionError, match=f"at least 2 steps, got {told}"):
            Direction("lstm", 3, 5, timescale=timescale)


def test_a_rule_that_does_not_fit_is_refused() -> None:
    with pytest.raises(OptionError, match="Orthogonal fills matrices"):
        fill(torch.empty(3), Orthogonal())
    with pytest.raises(OptionError, match="no way is known"):
        fill(torch.empty(3, 3), Initial())
    weight = torch.empty(2, 3)
    fill(weight, Identity(2.0))
    assert weight.tolist() == [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]


@pytest.mark.parametrize(("radius", "density"), [(0.9, 1.0), (1.25, 0.2), (0.0, 1.0)])
def test_a_spectral_matrix_has_the_radius_and_the_density_asked_for(radius: float, density: float) -> None:
    weight = torch.empty(60, 60, dtype=torch.float64)
    fill(weight, Spectral(radius, density))
    assert torch.linalg.eigvals(weight).abs().max().item() == pytest.approx(radius, abs=1e-10)
    if radius:
        assert (weight != 0).double().mean().item() == pytest.approx(density, abs=0.05)


@pytest.mark.parametrize(
    ("shape", "rule", "words"),
    [
        ((3, 4), Spectral(), r"Spectral fills square matrices, got a weight of \[3, 4\]"),
        ((3,), Spectral(), "Spectral fills matrices"),
        ((3, 3), Spectral(-1.0), "a radius of at least 0"),
        ((3, 3), Spectral(math.nan), "a radius of at least 0"),
        ((3, 3), Spectral(0.9, 0.0), "a density above 0 and at most 1"),
        ((3, 3), Spectral(0.9, 1.5), "a density above 0 and at most 1"),
        ((2, 2), Spectral(0.9, 1e-9), "has an eigenvalue; raise the density"),
    ],
)
def test_a_spectral_matrix_that_cannot_be_is_refused(shape: tuple[int, ...], rule: Spectral, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        fill(torch.empty(shape), rule)


def test_entries_are_spaced_evenly_over_the_units() -> None:
    weight = torch.empty(4)
    fill(weight, Spaced(3.0, 6.0))
    assert weight.tolist() == [3.0, 4.0, 5.0, 6.0]
    fill(weight[:1], Spaced(3.0, 6.0))
    assert weight[0] == 3.0


def test_the_deviation_of_lecun_s_rule_follows_the_columns() -> None:
    torch.manual_seed(0)
    weight = torch.empty(300, 400)
    fill(weight, Lecun(2.0))
    assert abs(weight.std().item() - 0.1) < 0.002


@pytest.mark.parametrize("rule", [Decay(0.5, 1.0), Decay(0.9, 0.8), Ring(-0.1, 0.5), Ring(0.5, 1.5), Phase(1.0, 1.0)])
def test_a_range_that_cannot_be_is_refused(rule: Initial) -> None:
    with pytest.raises(OptionError, match=f"{type(rule).__name__} wanted 0 <= low < high"):
        fill(torch.empty(3), rule)


def test_a_ring_down_to_nothing_has_finite_logarithms() -> None:
    weight = torch.empty(10_000)
    for rule in (Ring(0.0, 0.9), Phase(0.0, 1.0), Decay(0.0, 0.9)):
        fill(weight, rule)
        assert weight.isfinite().all()


def test_a_gain_without_its_ring_is_refused() -> None:
    with pytest.raises(OptionError, match="RingGain follows the Ring of its cell"):
        fill(torch.empty(3), RingGain())
    lonely = dataclasses.replace(lru, parameters={**lru.parameters, "nu": Phase()})
    with pytest.raises(OptionError, match="follows the one parameter that starts by Ring, got 0"):
        initialise(lonely, {name: torch.empty(shape) for name, shape in lonely.shapes(3, 4).items()}, 4)
