from __future__ import annotations

import json
import math

import numpy as np
import pytest

import ostinato
from ostinato import artifact
from ostinato.cells import cell, tanh
from ostinato.errors import ArtifactError, DataError, NotFittedError, OptionError
from ostinato.state import State
from ostinato.tasks import Forecaster
from tests.tasks.series import SMALL, waves


@cell(state="h", gates="n")
def own(x, u, s):
    """A plain cell that is not built in."""
    return State(h=tanh(x.n + u.n) * 0.5 + s.h * 0.5)


def ahead(rows=60, steps=3, **more):
    """A history whose last steps are of the future: only what is known ahead stands there."""
    table = waves(rows + steps, **more)
    table["y"] = [y if t < rows else None for y, t in zip(table["y"], table["ds"], strict=True)]
    return table


@pytest.fixture(scope="module")
def trained():
    return Forecaster(**SMALL).fit(waves(), known="heat", progress=False)


@pytest.fixture(scope="module")
def careful():
    return Forecaster(**(SMALL | {"conformal": True, "holdout": 15})).fit(waves(), known="heat", progress=False)


def test_it_answers_with_one_row_for_each_series_and_step(trained):
    found = trained.predict(ahead())
    assert list(found) == ["id", "time", "mean", "q0.1", "q0.5", "q0.9"]
    assert found["id"] == ["a"] * 3 + ["b"] * 3
    assert found["time"] == [60, 61, 62] * 2
    assert np.isfinite(found["mean"]).all()
    assert (np.diff([found["q0.1"], found["q0.5"], found["q0.9"]], axis=0) >= 0).all()


def test_a_shorter_horizon_is_the_beginning_of_a_longer_one(trained):
    whole, near = trained.predict(ahead()), trained.predict(ahead(), horizon=2)
    assert near["time"] == [60, 61] * 2
    assert near["mean"] == pytest.approx([whole["mean"][k] for k in (0, 1, 3, 4)], rel=1e-5)


def test_a_horizon_beyond_training_is_refused(trained):
    with pytest.raises(OptionError, match="horizon=4 is further than the 3 steps that this model was trained for"):
        trained.predict(ahead(steps=4), horizon=4)
    with pytest.raises(OptionError, match="horizon wanted a whole number from 1 on"):
        trained.predict(ahead(), horizon=0)


def test_the_levels_may_be_others(trained):
    found = trained.predict(ahead(), levels=[0.05, 0.3])
    assert list(found)[3:] == ["q0.05", "q0.3"]


def test_a_series_never_seen_is_scaled_by_its_own_history(trained):
    new = waves(63, names=("new",))
    new["y"] = [1e4 + y if t < 60 else None for y, t in zip(new["y"], new["ds"], strict=True)]
    assert all(1e4 < mean < 1.1e4 for mean in trained.predict(new)["mean"])


def test_the_numbers_of_arrays_are_no_names_of_series():
    model = Forecaster(**SMALL).fit([np.arange(40.0) % 5, np.arange(40.0) % 5 + 100], progress=False)
    high = model.predict([np.arange(40.0) % 5 + 1000])["mean"]
    assert all(990 < value < 1010 for value in high)


def test_the_other_series_never_matter(trained):
    alone = trained.predict(ahead(names=("a",)))
    both = trained.predict(ahead())
    assert alone["mean"] == pytest.approx(both["mean"][:3], rel=1e-5)


def test_what_is_known_ahead_must_be_there(trained):
    with pytest.raises(DataError, match=r"series 'a'.*'heat'|series 'a'"):
        trained.predict(waves())
    gap = ahead()
    gap["heat"][61] = None
    with pytest.raises(DataError, match=r"series 'a', row 62 .*'heat' is missing"):
        trained.predict(gap)


def test_known_covariates_act(trained):
    hot = ahead()
    hot["heat"] = [h + (5.0 if t >= 60 else 0.0) for h, t in zip(hot["heat"], hot["ds"], strict=True)]
    assert trained.predict(hot)["mean"] != trained.predict(ahead())["mean"]


def test_a_backtest_knows_nothing_of_what_follows_an_origin(trained):
    data = waves()
    report = trained.backtest(data, steps=12, stride=3)
    assert len(report.foretold) == 8
    changed = waves()
    changed["y"] = [y if t < 54 else y + 100 for y, t in zip(changed["y"], changed["ds"], strict=True)]
    other = trained.backtest(changed, steps=12, stride=3)
    early = report.foretold.origin <= 54
    assert np.array_equal(report.foretold.mean[early], other.foretold.mean[early])
    assert not np.array_equal(report.foretold.mean[~early], other.foretold.mean[~early])
    assert set(report.scores()) >= {"mae", "mase", "pinball", "coverage of 80 %"}


def test_a_backtest_and_a_prediction_from_one_origin_agree(trained):
    report = trained.backtest(waves(63), steps=3)
    assert report.foretold.mean[:, :, 0].ravel().tolist() == pytest.approx(trained.predict(ahead())["mean"], rel=1e-5)


def test_refitting_trains_on_all_before_each_origin(trained):
    seen = []
    report = trained.backtest(waves(), steps=6, refit=True, progress=seen.append)
    assert len(report.foretold) == 4
    assert sum(type(told).__name__ == "Finished" for told in seen) == 2
    changed = waves()
    changed["y"] = [y if t < 57 else y + 100 for y, t in zip(changed["y"], changed["ds"], strict=True)]
    again = trained.backtest(changed, steps=6, refit=True)
    early = report.foretold.origin == 54
    assert np.array_equal(report.foretold.mean[early], again.foretold.mean[early])


def test_validation_is_a_report_on_the_steps_held_out(trained):
    assert len(trained.validation_.foretold) == 4
    assert trained.validation_.foretold.origin.min() == 54


def test_conformal_intervals_move_what_the_network_says(careful):
    plain = Forecaster(**(SMALL | {"holdout": 15})).fit(waves(), known="heat", progress=False)
    assert careful.predict(ahead())["mean"] == plain.predict(ahead())["mean"]
    assert careful.predict(ahead())["q0.9"] != plain.predict(ahead())["q0.9"]
    few = careful.predict(ahead(), levels=[0.9])
    assert few["q0.9"] == careful.predict(ahead())["q0.9"]
    with pytest.raises(OptionError, match="conformal intervals were learnt for the levels"):
        careful.predict(ahead(), levels=[0.25])


def test_a_point_gets_its_intervals_from_what_it_missed():
    model = Forecaster(**(SMALL | {"head": "point", "conformal": True, "holdout": 15}))
    found = model.fit(waves(), known="heat", progress=False).predict(ahead())
    assert (np.array(found["q0.9"]) > np.array(found["q0.1"])).all()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"conformal": True, "holdout": 15},
        {"decoding": "autoregressive", "head": "student"},
        {"cell": own},
        {"members": 2},
    ],
    ids=["direct", "conformal", "autoregressive", "own cell", "members"],
)
def test_a_saved_model_answers_the_same(tmp_path, options):
    model = Forecaster(**(SMALL | options)).fit(waves(), known="heat", progress=False)
    model.save(tmp_path / "m.safetensors")
    again = ostinato.load(tmp_path / "m.safetensors")
    assert isinstance(again, Forecaster)
    found, wanted = again.predict(ahead()), model.predict(ahead())
    assert list(found) == list(wanted)
    # A cell of one's own is compiled here, and run by the plain loop from a file.
    assert found["q0.9"] == pytest.approx(wanted["q0.9"], rel=1e-6 if "cell" in options else 0, abs=0)
    assert again.history_ == model.history_
    again.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "m.safetensors").read_bytes()


def test_columns_of_other_names_are_remembered(tmp_path):
    names = {"unique_id": "shop", "ds": "day", "y": "sold"}
    table = {names.get(name, name): values for name, values in waves().items()}
    model = Forecaster(**SMALL).fit(table, id="shop", time="day", target="sold", known="heat", progress=False)
    model.save(tmp_path / "m.safetensors")
    later = {names.get(name, name): values for name, values in ahead().items()}
    assert ostinato.load(tmp_path / "m.safetensors").predict(later) == model.predict(later)


def damaged(change):
    def write(model, path):
        manifest, tensors = model.description()
        manifest = json.loads(json.dumps(manifest))
        change(manifest)
        artifact.write(path, tensors, manifest)

    return write


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda m: m.pop("columns"), "has other fields"),
        (lambda m: m["options"].update(cell="nonsense"), "cell wanted one of"),
        (lambda m: m["features"].pop("lags"), "features wanted the fields"),
        (lambda m: m["architecture"]["embed"].update(ahead=7), "the network reads 7 ahead columns"),
        (lambda m: m["architecture"]["head"].update(outputs=2), "answers 2 targets"),
        (lambda m: m["architecture"]["head"].update(kind="oracle"), "oracle"),
        (lambda m: m.update(conformal=[{}]), "no state of conformal forecasts"),
        (lambda m: m["architecture"]["body"].update(layers=10**6), "cannot come from"),
    ],
)
def test_a_file_whose_parts_do_not_fit_is_refused(trained, tmp_path, change, told):
    damaged(change)(trained, tmp_path / "m.safetensors")
    with pytest.raises(ArtifactError, match=told):
        ostinato.load(tmp_path / "m.safetensors")


def test_a_model_of_another_task_is_no_forecaster(tmp_path, trained):
    damaged(lambda m: m.update(task="oracle"))(trained, tmp_path / "m.safetensors")
    with pytest.raises(ArtifactError, match="wanted a forecaster"):
        Forecaster.load(tmp_path / "m.safetensors")


def test_training_is_repeatable_and_a_resumed_run_ends_in_the_same_bits(tmp_path, trained):
    again = Forecaster(**SMALL)

    class Enough(Exception):
        pass

    def stop(report):
        if type(report).__name__ == "EpochEnded":
            raise Enough

    path = tmp_path / "c.safetensors"
    eager = Forecaster(**(SMALL | {"checkpoint_every": 0.0}))
    with pytest.raises(Enough):
        eager.fit(waves(), known="heat", checkpoint=path, progress=stop)
    again.fit(waves(), known="heat", checkpoint=path, resume=True, progress=False)
    for name, weight in trained.model_.state_dict().items():
        assert (weight == again.model_.state_dict()[name]).all()


def test_a_constant_series_is_used():
    flat = {"time": list(range(40)), "y": [7.0] * 40}
    found = Forecaster(**SMALL).fit(flat, progress=False).predict(flat)
    assert np.isfinite(found["mean"]).all()


def test_missing_values_are_masked_and_never_filled():
    holes = waves()
    holes["y"] = [None if t % 7 == 3 else y for y, t in zip(holes["y"], holes["ds"], strict=True)]
    model = Forecaster(**SMALL).fit(holes, known="heat", progress=False)
    assert np.isfinite(model.predict(ahead())["mean"]).all()
    assert math.isfinite(model.validation_.scores()["mae"])


def test_a_short_series_is_used_left_out_or_refused():
    short = waves()
    for name, values in (("unique_id", ["c"] * 6), ("ds", range(6)), ("y", [1.0] * 6), ("heat", [0.0] * 6)):
        short[name] = [*short[name], *values]
    told = Forecaster(**SMALL).fit(short, known="heat", progress=False).training_["data"]
    assert told.endswith("; 1 series shorter than a window read with what they have, 'c' first")
    told = Forecaster(**(SMALL | {"short": "skip"})).fit(short, known="heat", progress=False).training_["data"]
    assert told.endswith("; 1 series shorter than a window left out, 'c' first")
    with pytest.raises(DataError, match="series 'c' has 6 rows"):
        Forecaster(**(SMALL | {"short": "refuse"})).fit(short, known="heat", progress=False)


def test_a_horizon_longer_than_the_series_is_refused():
    with pytest.raises(DataError, match=r"series '\w+' has \d+ rows"):
        Forecaster(**(SMALL | {"horizon": 50, "holdout": 0})).fit(
            {"time": list(range(40)), "y": [float(t) for t in range(40)]}, progress=False
        )


def test_a_word_that_training_never_saw_is_an_unknown_one(tmp_path):
    table = waves(shop="north")
    model = Forecaster(**SMALL).fit(table, known="heat", categories="shop", progress=False)
    other = ahead(shop="south")
    assert np.isfinite(model.predict(other)["mean"]).all()
    with pytest.raises(DataError, match="south"):
        model.predict(other, unknown="refuse")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t["ds"].__setitem__(5, 4), r"series 'a'"),
        (lambda t: t["y"].__setitem__(5, math.inf), "row 6"),
    ],
    ids=["duplicate", "infinite"],
)
def test_bad_input_is_told_by_its_row(change, told):
    table = waves()
    change(table)
    with pytest.raises(DataError, match=told):
        Forecaster(**SMALL).fit(table, known="heat", progress=False)


def test_series_for_validation_may_be_others():
    model = Forecaster(**(SMALL | {"holdout": None}))
    model.fit(waves(), known="heat", valid=waves(30, names=("z",)), progress=False)
    assert model.validation_.foretold.ids == ("z",)
    with pytest.raises(OptionError, match="holdout does not apply where series for validation are given"):
        Forecaster(**(SMALL | {"holdout": 9})).fit(waves(), known="heat", valid=waves(30), progress=False)


def test_without_steps_held_out_there_is_no_validation():
    model = Forecaster(**(SMALL | {"holdout": 0})).fit(waves(), known="heat", progress=False)
    assert model.validation_ is None


def test_many_targets_are_forecast_together():
    table = waves()
    table["z"] = [2 * y for y in table["y"]]
    model = Forecaster(**SMALL).fit(table, target=["y", "z"], known="heat", progress=False)
    later = ahead()
    later["z"] = [None if y is None else 2 * y for y in later["y"]]
    found = model.predict(later)
    assert found["target"][:2] == ["y", "z"]
    assert len(found["mean"]) == 12


def test_before_fit_nothing_is_answered():
    with pytest.raises(NotFittedError, match="not trained yet"):
        Forecaster().predict(waves())


def test_options_are_checked_by_fit():
    with pytest.raises(OptionError, match="unknown option 'nown'; did you mean 'known'"):
        Forecaster(**SMALL).fit(waves(), nown="heat")
    with pytest.raises(OptionError, match="horizon wanted a whole number at least 1"):
        Forecaster(horizon=0).fit(waves())


def test_parameters_follow_the_conventions():
    model = Forecaster(hidden=9)
    assert model.get_params()["hidden"] == 9
    assert repr(model.set_params(horizon=5)) == "Forecaster(horizon=5, hidden=9)"


def test_a_picture_is_written(tmp_path, trained):
    trained.plot(ahead(), tmp_path / "fan.png", truth=waves(63))
    assert (tmp_path / "fan.png").read_bytes().startswith(b"\x89PNG")
