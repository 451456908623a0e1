"""From parameters to answers, without torch; the laws over all kinds are in test_forecast.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ostinato.errors import DataError, OptionError, ShapeError
from ostinato.heads.forecast_numbers import KINDS, decode, knots, middle_of, parameters_of, softplus

MORE: dict[str, dict[str, Any]] = {"quantiles": {"levels": [0.1, 0.5, 0.9]}, "mixture": {"components": 2}}


def described(kind: str, outputs: int = 1) -> dict[str, Any]:
    return {"kind": kind, "outputs": outputs, **MORE.get(kind, {})}


def test_softplus_neither_overflows_nor_vanishes_too_soon() -> None:
    assert softplus(np.array([-1e4, -30.0, 0.0, 1e4])).tolist() == [0.0, np.log1p(np.exp(-30.0)), np.log(2.0), 1e4]


def test_the_middle_level_comes_first_and_the_others_grow_from_it() -> None:
    assert [middle_of(levels) for levels in ([0.5], [0.4, 0.6], [0.1, 0.2, 0.45], [0.9, 0.95])] == [0, 0, 2, 0]
    raw = np.array([5.0, 0.0, 1.0, 2.0])
    up, down, further = np.log(2), np.log1p(np.exp(1.0)), np.log1p(np.exp(2.0))
    wanted = [5 - down - further, 5 - down, 5.0, 5 + up]
    assert knots(raw, [0.1, 0.2, 0.5, 0.9]).tolist() == pytest.approx(wanted)


def test_the_mean_of_quantiles_is_the_mean_of_their_lines() -> None:
    head = {"kind": "quantiles", "outputs": 1, "levels": [0.1, 0.4, 0.5, 0.8]}
    raw = np.random.default_rng(0).normal(size=(5, 1, 4))
    fine = (np.arange(20_000) + 0.5) / 20_000
    found = decode(head, raw, fine.tolist())
    np.testing.assert_allclose(found.mean, found.quantiles.mean(-1), atol=2e-4)


def test_quantiles_of_a_gaussian_make_a_gaussian() -> None:
    # A standard Gaussian's own quantiles lie on one line, so every other level is answered exactly.
    gap = np.log(np.expm1(1.2815515655446004))
    head = {"kind": "quantiles", "outputs": 1, "levels": [0.1, 0.5, 0.9]}
    mean, quantiles = decode(head, [[0.0, gap, gap]], [0.025, 0.3, 0.975])
    assert quantiles[0].tolist() == pytest.approx([-1.959964, -0.524401, 1.959964], abs=1e-6)
    assert mean[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_no_levels_are_no_quantiles(kind: str) -> None:
    answer = decode(described(kind, 2), np.zeros((3, 2, parameters_of(described(kind)))))
    assert answer.mean.shape == (3, 2)
    assert answer.quantiles.shape == (3, 2, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_bad_input_is_refused(kind: str) -> None:
    head = described(kind)
    raw = np.zeros((2, 1, parameters_of(head)))
    with pytest.raises(ShapeError, match=r"wanted parameters \[..., 1, "):
        decode(head, raw[..., :0])
    with pytest.raises(DataError, match="NaN"):
        decode(head, raw * np.nan)
    with pytest.raises(DataError, match="scale wanted finite numbers above 0"):
        decode(head, raw, scale=0.0)
    with pytest.raises(ShapeError, match="scale wanted"):
        decode(head, raw, scale=[1.0, 2.0, 3.0])
    with pytest.raises(OptionError, match=r"levels wanted|no quantiles"):
        decode(head, raw, [0.9, 0.1])


def test_descriptions_that_are_none_are_refused() -> None:
    with pytest.raises(OptionError, match="did you mean 'gaussian'"):
        parameters_of({"kind": "gausian"})
    with pytest.raises(OptionError, match="unknown forecast 'None'"):
        decode({}, [[0.0]])
    with pytest.raises(OptionError, match="wanted 'components'"):
        parameters_of({"kind": "mixture", "outputs": 1})
    with pytest.raises(OptionError, match="cannot be shifted"):
        decode(described("log_normal"), [[0.0, 0.0]], shift=1.0)
