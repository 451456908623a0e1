"""What every forecast head refuses, and how it counts."""

from __future__ import annotations

import pytest
import torch

from ostinato.errors import DataError, OptionError, ShapeError
from ostinato.heads.forecast import make_forecast

HEAD = make_forecast("gaussian", 4, 2)
RAW = torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(0))
TARGET = torch.randn(3, 2, generator=torch.Generator().manual_seed(1))


def test_a_row_of_weight_two_counts_like_two_rows() -> None:
    twice = [0, 0, 2]
    wanted = HEAD.loss(RAW[twice], TARGET[twice])
    torch.testing.assert_close(HEAD.loss(RAW, TARGET, weight=torch.tensor([2.0, 0.0, 1.0])), wanted)
    assert HEAD.loss(RAW, TARGET, weight=torch.zeros(3)).item() == 0


def test_steps_of_a_sequence_are_answered_like_rows() -> None:
    x = torch.randn(2, 5, 4)
    whole, flat = HEAD.decode(x, [0.5]), HEAD.decode(x.reshape(10, 4), [0.5])
    torch.testing.assert_close(whole.mean.reshape(10, 2), flat.mean)
    torch.testing.assert_close(whole.quantiles.reshape(10, 2, 1), flat.quantiles)


def test_the_measure_is_the_absolute_error_in_units_of_the_data() -> None:
    holed = TARGET.clone()
    holed[1, 1] = torch.nan
    found = HEAD.measure(RAW, holed, scale=10.0, shift=5.0)["absolute error"]
    gap = (5 + 10 * RAW[..., 0] - holed).abs()
    torch.testing.assert_close(found, gap.nansum() / 5 * 6)


def test_an_untrained_head_starts_as_a_standard_distribution() -> None:
    for kind in ("gaussian", "quantiles", "mixture"):
        made = make_forecast(kind, 4, 2)
        mean, quantiles = made.decode(torch.zeros(1, 4), [0.1, 0.5, 0.9])
        assert mean[0, 0].item() == pytest.approx(0, abs=1e-3)
        assert quantiles[0, 0].tolist() == pytest.approx([-1.28, 0, 1.28], abs=0.25)


def test_half_precision_loses_in_single() -> None:
    loss = HEAD.loss(RAW.bfloat16(), TARGET)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, HEAD.loss(RAW.bfloat16().float(), TARGET))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"wanted features \[..., 4\], got \[3, 5\]"):
        HEAD(torch.zeros(3, 5))
    with pytest.raises(ShapeError, match=r"wanted parameters \[3, 3, 2\]"):
        HEAD.loss(RAW, torch.zeros(3, 3))
    with pytest.raises(ShapeError, match="mask wanted booleans"):
        HEAD.loss(RAW, TARGET, torch.ones(3, 2))
    with pytest.raises(ShapeError, match=r"scale wanted \[3, 2\] or less"):
        HEAD.loss(RAW, TARGET, scale=torch.ones(4))
    with pytest.raises(ShapeError, match=r"weight wanted \[3\]"):
        HEAD.loss(RAW, TARGET, weight=torch.ones(2))


def test_sizes_that_are_none_are_refused() -> None:
    for sizes in ((0, 1), (4, 0), (4, True)):
        with pytest.raises(OptionError, match="wanted a whole number of at least 1"):
            make_forecast("gaussian", *sizes)
    with pytest.raises(OptionError, match="n wanted a whole number of draws"):
        HEAD.sample(torch.zeros(1, 4), 0)


def test_scales_and_targets_that_are_none_are_refused() -> None:
    with pytest.raises(DataError, match="a constant series has none"):
        HEAD.loss(RAW, TARGET, scale=torch.tensor([[1.0], [0.0], [2.0]]))
    with pytest.raises(DataError, match="infinite"):
        HEAD.loss(RAW, TARGET / 0)


@pytest.mark.parametrize(
    ("kind", "wrong", "words"),
    [
        ("log_normal", 0.0, "above 0, got 0"),
        ("negative_binomial", -1.0, "whole numbers of at least 0, got -1"),
        ("negative_binomial", 0.5, "whole numbers of at least 0, got 0.5"),
    ],
)
def test_targets_that_a_kind_cannot_have_are_refused(kind: str, wrong: float, words: str) -> None:
    made = make_forecast(kind, 4, 1)
    truth = torch.tensor([[1.0], [wrong]])
    with pytest.raises(DataError, match=words):
        made.loss(made(torch.zeros(2, 4)), truth)
    # Where it is masked it is nobody's concern.
    assert torch.isfinite(made.loss(made(torch.zeros(2, 4)), truth, torch.tensor([[True], [False]])))
    with pytest.raises(OptionError, match="cannot be shifted"):
        made.loss(made(torch.zeros(2, 4)), truth, shift=1.0)
