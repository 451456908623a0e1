from __future__ import annotations

import numpy as np
import pytest

import ostinato as ost
from ostinato.errors import DataError, OptionError
from ostinato.tasks import RemainingLife
from tests.tasks.series_sets import LIFE, long_table, units

UNITS = units(16)
CUT = [x[:-k] for k, x in enumerate(units(6, seed=9), 2)]
LEFT = np.arange(2, 8)


@pytest.fixture(scope="module")
def trained():
    return RemainingLife(**{**LIFE, "epochs": 30, "lr": 0.01}).fit(UNITS, progress=False)


def test_it_learns_how_long_units_last(trained):
    report = trained.evaluate(CUT, LEFT)
    assert report.rmse < 3.0
    assert (report.life, report.cap) == (True, 12)
    assert trained.score(CUT, LEFT) == -report.rmse
    assert trained.validation_.rmse < 3.0
    assert all(0 <= left <= 12 for left in trained.predict(CUT))


def test_a_curve_ends_with_the_prediction(trained):
    curves = trained.curves(CUT)
    assert [len(curve) for curve in curves] == [len(x) for x in CUT]
    np.testing.assert_allclose([curve[-1] for curve in curves], trained.predict(CUT), atol=1e-5)


def test_a_curve_knows_nothing_of_what_comes(trained):
    [whole], [cut] = trained.curves([UNITS[0]]), trained.curves([UNITS[0][:10]])
    np.testing.assert_allclose(whole[:10], cut, atol=1e-5)


def test_without_a_truth_units_ran_to_failure(trained):
    report = trained.evaluate(UNITS[:2])
    assert report.count == sum(len(x) - trained.first + 1 for x in UNITS[:2])
    assert report.ids[0] == "1 at 3"
    assert report.truth.max() == 12


def test_saving_and_loading_is_identity(trained, tmp_path):
    trained.save(tmp_path / "m.safetensors")
    again = ost.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(CUT), trained.predict(CUT))
    assert again.description()[0] == trained.description()[0]
    assert again.answers(CUT)[1]["id"] == "2"


def test_tables_with_a_column_of_what_is_left_are_evaluated():
    model = RemainingLife(**LIFE)
    names = {"id": "name", "time": "step", "channels": ["a", "b"]}
    model.fit(long_table(UNITS), **names, progress=False)
    report = model.evaluate(long_table(CUT, left=LEFT.tolist()), target="left")
    assert report.truth.tolist() == LEFT.tolist()
    assert model.predict(long_table(CUT)).tolist() == report.predicted.tolist()


def test_a_unit_shorter_than_the_window_and_of_one_step_is_answered(trained):
    assert np.isfinite(trained.predict([UNITS[0][:1], UNITS[1][:3]])).all()


def test_what_cannot_be_is_refused(trained):
    with pytest.raises(OptionError, match="units that ran to failure say themselves what was left"):
        RemainingLife(**LIFE).fit(UNITS, [1] * 16, progress=False)
    with pytest.raises(DataError, match="series '2' has less than nothing left"):
        trained.evaluate(CUT, [1, -1, 1, 1, 1, 1])
    with pytest.raises(DataError, match=r"3 columns|trained on y1, y2"):
        trained.predict([np.zeros((5, 3))])


@pytest.mark.parametrize(
    "option",
    [
        {"cap": None},
        {"cap": 5},
        {"window": 4},
        {"first": 9},
        {"convolution": 3},
        {"average": 0.9},
        {"stride": 2},
        {"age": False},
        {"baseline": 0},
        {"baseline": 2},
    ],
)
def test_every_option_of_its_own_changes_what_is_learned(option):
    plain, other = (
        RemainingLife(**{**LIFE, "epochs": 1, **more}).fit(UNITS, progress=False).predict(CUT) for more in ({}, option)
    )
    assert not np.array_equal(plain, other)


def test_a_sensor_that_is_set_differently_in_each_unit_tells_as_much():
    rng = np.random.default_rng(5)
    apart = [x + rng.normal(0, 30, (1, 2)).astype(np.float32) for x in UNITS]
    errors = [
        RemainingLife(**{**LIFE, "epochs": 10, "lr": 0.01, "age": False, "baseline": baseline})
        .fit(apart[:12], valid=apart[12:], progress=False)
        .validation_.rmse
        for baseline in (3, 0)
    ]
    assert errors[0] < 0.8 * errors[1], errors


def test_few_units_are_all_learned_from():
    assert RemainingLife(**LIFE).fit(UNITS[:4], progress=False).validation_ is None
    given = RemainingLife(**LIFE).fit(UNITS[:4], valid=UNITS[4:7], progress=False)
    assert given.validation_.count > 30


def test_lives_are_drawn(trained, tmp_path):
    trained.plot(tmp_path / "cut.png", CUT, LEFT, units=["2", 3])
    trained.plot(tmp_path / "whole.svg", UNITS)
    assert (tmp_path / "cut.png").stat().st_size > 10_000
    with pytest.raises(OptionError, match="there is no unit '77'"):
        trained.plot(tmp_path / "no.png", UNITS, units=["77"])
