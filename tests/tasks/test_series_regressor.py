from __future__ import annotations

import numpy as np
import pytest

import ostinato as ost
from ostinato.errors import DataError, NotFittedError, OptionError
from ostinato.tasks import SeriesRegressor
from ostinato.tasks.series_options import SeriesRegressorOptions
from ostinato.tasks.series_regressor import head_of
from tests.tasks.series_sets import QUICK, long_table, waves

SERIES, TEST = waves(32)[0], waves(20, seed=5)[0]


def rise(series):
    """How much the first channel rises."""
    return np.array([100 + 10 * float(x[-1, 0] - x[0, 0]) for x in series])


@pytest.fixture(scope="module")
def trained():
    options = {**QUICK, "epochs": 60, "lr": 0.01, "dropout": 0.0}
    return SeriesRegressor(**options).fit(SERIES, rise(SERIES), progress=False)


def test_it_learns_how_much_series_rise(trained):
    report = trained.evaluate(TEST, rise(TEST))
    assert report.r2 > 0.8
    assert trained.score(TEST, rise(TEST)) == report.r2
    assert trained.predict(TEST).shape == (20,)
    assert trained.answers(TEST)[0] == {"id": "1", "number": round(float(trained.predict(TEST)[0]), 6)}


def test_saving_and_loading_is_identity(trained, tmp_path):
    trained.save(tmp_path / "m.safetensors")
    again = ost.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(TEST), trained.predict(TEST))
    assert again.description()[0] == trained.description()[0]


def test_a_column_of_a_table_names_the_numbers():
    model = SeriesRegressor(**QUICK)
    table = long_table(SERIES, size=rise(SERIES).tolist())
    model.fit(table, target="size", id="name", time="step", channels=("a", "b"), progress=False)
    report = model.evaluate(table)
    assert report.ids[:2] == ("n0", "n1")
    np.testing.assert_allclose(report.truth, rise(SERIES), rtol=1e-6)


def test_what_nothing_can_be_learned_from_is_refused():
    model = SeriesRegressor(**QUICK)
    with pytest.raises(DataError, match="series '2' wanted a finite number to be learned, got nan"):
        model.fit(SERIES[:3], [1.0, float("nan"), 2.0], progress=False)
    with pytest.raises(NotFittedError, match="this SeriesRegressor is not trained yet"):
        model.evaluate(TEST, rise(TEST))
    with pytest.raises(OptionError, match="series without a table wanted a number for each as y"):
        model.fit(SERIES, progress=False)


def test_equal_numbers_can_be_learned_but_have_no_score():
    model = SeriesRegressor(**QUICK).fit(SERIES, [7.0] * 32, progress=False)
    assert np.isfinite(model.predict(TEST)).all()
    with pytest.raises(OptionError, match="R2 wanted true numbers that differ"):
        model.score(TEST, [7.0] * 20)


@pytest.mark.parametrize("option", [{"loss": "absolute"}, {"loss": "huber"}, {"target_scaling": "none"}])
def test_every_option_of_its_own_changes_what_is_learned(option):
    plain, other = (
        SeriesRegressor(**{**QUICK, "epochs": 1, **more}).fit(SERIES, rise(SERIES), progress=False).predict(TEST)
        for more in ({}, option)
    )
    assert not np.array_equal(plain, other)


def test_the_head_learns_in_units_of_the_spread():
    head = head_of(SeriesRegressorOptions(), np.array([10.0, 30.0]))
    assert (head["shift"], head["scale"]) == ([20.0], [10.0])
    plain = head_of(SeriesRegressorOptions(target_scaling="none"), np.array([10.0, 30.0]))
    assert (plain["shift"], plain["scale"]) == ([0.0], [1.0])


def test_it_keeps_to_the_conventions_of_scikit_learn():
    from sklearn.base import clone, is_regressor

    assert is_regressor(SeriesRegressor())
    assert clone(SeriesRegressor(hidden=5)).hidden == 5


def test_it_draws_numbers_against_the_truth(trained, tmp_path):
    trained.plot(tmp_path / "p.svg", TEST, rise(TEST))
    assert (tmp_path / "p.svg").read_bytes().startswith(b"<?xml")
