from __future__ import annotations

import numpy
import pytest

from ostinato.data.series import read_series
from ostinato.data.series.fitting import masked_columns, median_step, pooled_pairs, static_pairs
from ostinato.errors import DataError
from tests.data.series.zoo import rich


def test_static_numbers_are_scaled_over_series():
    values = numpy.array([[1.0, 5.0], [3.0, 5.0]], numpy.float32)
    assert static_pairs(values, "standard") == ((2.0, 1.0), (5.0, 1.0))
    assert static_pairs(values, "none") == ((0.0, 1.0), (0.0, 1.0))


def test_covariates_are_scaled_over_the_panel():
    panel = rich()
    [(offset, scale)] = pooled_pairs(panel, panel.known, ("k",), "standard", panel.starts[1:])
    assert offset == pytest.approx(panel.known.mean(), rel=1e-5)
    assert scale == pytest.approx(panel.known.std(), rel=1e-5)
    with pytest.raises(DataError, match="the covariate 'k' has no value at all"):
        pooled_pairs(panel, panel.known, ("k",), "standard", panel.starts[:-1])


def test_only_observed_rows_tell_what_is_missing():
    # The targets of the future are not missing.
    assert masked_columns(rich(), (), "auto", True) == ()
    assert masked_columns(rich(holes=True), (2,), "auto", True) == ("y", "p", "k", "y[-2]")
    assert masked_columns(rich(holes=True), (), "auto", False) == ("p", "k")
    assert masked_columns(rich(), (), "always", True) == ("y", "p", "k")
    assert masked_columns(rich(holes=True), (), "never", True) == ()


def test_the_usual_step_is_the_median_one():
    panel = read_series({"id": ["a"] * 3 + ["b"] * 2, "time": [0, 2, 7, 0, 3], "y": [1.0] * 5}, gaps="keep")
    assert median_step(panel, panel.ends) == 3
    assert median_step(panel, panel.starts[:-1]) == 1
