from __future__ import annotations

import pytest

from ostinato.cells import BUILT_IN
from ostinato.errors import OptionError
from ostinato.model import build
from ostinato.options import describe, validate
from ostinato.tasks.series_options import (
    GROUPS,
    RemainingLifeOptions,
    SeriesClassifierOptions,
    SeriesOptions,
    SeriesRegressorOptions,
    check_options,
    network,
)

ALL = (SeriesClassifierOptions, SeriesRegressorOptions, RemainingLifeOptions)


@pytest.mark.parametrize("options", ALL)
def test_every_option_has_a_group_that_is_told(options):
    assert {field.option.group for field in describe(options)} == {*GROUPS}


@pytest.mark.parametrize("options", ALL)
@pytest.mark.parametrize("cell", ["lstm", "gru", *list(BUILT_IN)[:1]])
def test_the_defaults_can_act(options, cell):
    check_options(options(cell=cell), valid=False)


@pytest.mark.parametrize(
    ("options", "valid", "words"),
    [
        (SeriesOptions(truncate=5), False, "a series has one answer; truncate does not apply"),
        (SeriesOptions(convolution=0, every=2), False, "every slows a recurrence that has convolutions beside it"),
        (SeriesOptions(scaling="none", scope="series"), False, "scaling='none' scales nothing"),
        (SeriesOptions(holdout=0.2), True, "holdout does not apply where data for validation are given"),
        (SeriesOptions(momentum=0.5), False, "momentum does not apply to the optimizer 'adamw'"),
        (RemainingLifeOptions(warp=0.1), False, "warp bends time, which remaining life counts"),
        (RemainingLifeOptions(scope="series"), False, "scales a unit by its whole life"),
    ],
)
def test_options_that_cannot_act_are_refused(options, valid, words):
    with pytest.raises(OptionError, match=words):
        check_options(options, valid=valid)


@pytest.mark.parametrize(
    ("kind", "wrong", "words"),
    [
        (SeriesClassifierOptions, {"pooling": "sum"}, "pooling wanted one of 'last'"),
        (SeriesClassifierOptions, {"convolution": -1}, "convolution wanted a whole number at least 0"),
        (SeriesClassifierOptions, {"class_weight": "balance"}, "class_weight wanted one of 'none', 'balanced'"),
        (SeriesRegressorOptions, {"loss": "cubed"}, "loss wanted one of 'squared', 'absolute', 'huber'"),
        (SeriesRegressorOptions, {"monitor": "accuracy"}, "monitor wanted one of 'loss'"),
        (RemainingLifeOptions, {"cap": 0}, "cap wanted a whole number at least 1"),
        (RemainingLifeOptions, {"windw": 3}, "unknown option 'windw'; did you mean 'window'"),
    ],
)
def test_values_out_of_range_are_refused(kind, wrong, words):
    with pytest.raises(OptionError, match=words):
        validate(kind, wrong)


def test_options_reach_the_network():
    options = SeriesOptions(
        cell="lstm",
        hidden=6,
        layers=2,
        bidirectional=False,
        pooling="last+mean+max",
        convolution=5,
        every=3,
        dropout=0.4,
        weight_drop=0.1,
        zoneout=0.2,
        layer_norm="gates",
    )
    model = build(network(options, {"kind": "classify", "classes": 3}, columns=4, longest=10))
    body = model.body
    assert (body.every, body.filters.channels, body.recurrence.width, body.width) == (3, 5, 6, 11)
    assert model.pool.kinds == ("last", "mean", "max")
    assert model.head.dropout.share == 0.4
    plain = SeriesOptions(convolution=0, bidirectional=False, hidden=6)
    assert build(network(plain, {"kind": "regress"}, columns=4, longest=10)).body.width == 6
