from __future__ import annotations

import json

import numpy as np
import pytest

import ostinato as ost
from ostinato import artifact
from ostinato.cells import cell
from ostinato.cells.operations import tanh
from ostinato.data.series import read_series
from ostinato.errors import ArtifactError, DataError, NotFittedError, OptionError
from ostinato.state import State
from ostinato.tasks import AnomalyDetector
from tests.streaming.watched import START, TINY, detector, table

QUICK = {**TINY, "epochs": 1, "unscored": 40, "hidden": 3, "context": 8}


def fit(data, **options):
    words = {name: options.pop(name) for name in ("id", "time", "target", "frequency", "valid") if name in options}
    return AnomalyDetector(**{**QUICK, **options}).fit(data, progress=False, **words)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("detector") / "detector.safetensors"
    detector(3).save(path)
    return path


def test_a_bump_is_found_where_it_is():
    found = detector().detect(table())
    assert found.ranges()["id"] == ["c0"]
    assert abs(found.ranges()["start"][0] - (START + np.timedelta64(400, "h"))) <= np.timedelta64(1, "h")
    assert found.ranges()["channel"] == ["c0"]


def test_every_step_is_told():
    steps = detector().detect(table()).steps()
    assert {len(column) for column in steps.values()} == {500}
    assert steps["alarm"].index(True) in (400, 401)
    assert sum(steps["inside"]) >= sum(steps["alarm"]) == 1
    assert steps["channel"][0] is None
    assert np.isnan(steps["score"][0])


def test_a_prediction_is_a_frame_of_the_kind_that_came():
    pandas = pytest.importorskip("pandas")
    frame = detector().predict(pandas.DataFrame(table()))
    assert isinstance(frame, pandas.DataFrame)
    assert frame.columns.tolist() == ["id", "time", "score", "threshold", "alarm", "inside", "channel"]
    assert isinstance(detector().predict(table()), dict)


def test_an_evaluation_counts_windows_and_delays():
    window = (START + np.timedelta64(398, "h"), START + np.timedelta64(410, "h"))
    report = detector().evaluate(table(), [window])
    assert report.pooled.counts == (1, 0, 0)
    assert 1 <= report.pooled.delay <= 4
    assert report.overlap[0].recall > 0
    assert "1 alarm in 400 steps" in report.table()
    assert json.loads(json.dumps(report.to_dict()))["f1"] == 1.0


@pytest.mark.parametrize(
    ("windows", "wanted"),
    [
        ([], "at least one labelled window"),
        ([("2030-01-01", "2030-01-02")], "no step lies in the window"),
        ([("2024-01-01", "2024-01-02")], "lies in what was not scored"),
        ([1, 2], "wanted a first and a last time"),
        ({"c9": []}, "series 'c9', which is not there"),
    ],
)
def test_windows_that_are_none_are_refused(windows, wanted):
    with pytest.raises((DataError, OptionError), match=wanted):
        detector().evaluate(table(), windows)


def test_save_then_load_is_identity(saved):
    model = ost.load(saved)
    data = table(channels=3)
    assert model.get_params() == detector(3).get_params()
    one, other = (made.detect(data).steps() for made in (model, detector(3)))
    for name, column in one.items():
        np.testing.assert_array_equal(np.array(column, object)[1:], np.array(other[name], object)[1:])
    assert model.training_ == detector(3).training_


@pytest.mark.parametrize("part", ["features", "alarm", "columns", "options", "architecture", "history", "task"])
def test_a_damaged_part_of_a_file_is_refused(saved, tmp_path, part):
    stored = artifact.read(saved)
    for damage in ({}, [], None, "x", {"a": 1}):
        manifest = {**stored.manifest, part: damage}
        if (part, damage) in (("columns", {}), ("columns", []), ("columns", {"a": 1}), ("history", [])):
            continue
        path = tmp_path / "damaged.safetensors"
        artifact.write(path, dict(stored.tensors), manifest)
        with pytest.raises(ArtifactError):
            ost.load(path)


def test_features_of_another_width_are_refused(saved, tmp_path):
    stored = artifact.read(saved)
    path = tmp_path / "damaged.safetensors"
    artifact.write(path, dict(stored.tensors), {**stored.manifest, "features": detector().features_.to_dict()})
    with pytest.raises(ArtifactError, match="cannot be used as a detector"):
        ost.load(path)


def test_two_fits_with_one_seed_are_the_same():
    data = table(120)
    one, other = (fit(data, time="time", target="c0").description()[1] for _ in range(2))
    for name, weights in one.items():
        np.testing.assert_array_equal(weights, other[name])


def test_only_the_share_that_is_to_be_learned_decides():
    data, other = table(200), table(200)
    other["c0"][100:] += 50
    one, two = (fit(part, time="time", target="c0", learn=0.5).description()[1] for part in (data, other))
    for name, weights in one.items():
        np.testing.assert_array_equal(weights, two[name])


def test_the_last_steps_or_other_series_decide_when_to_stop():
    data = {name: column[:120] for name, column in table().items()}
    usual = fit(data, time="time", target="c0")
    given = fit(data, time="time", target="c0", valid={n: column[120:240] for n, column in table().items()})
    none = fit(data, time="time", target="c0", holdout=0)
    assert usual.training_["valid"] != given.training_["valid"]
    assert none.training_["valid"] == {}


def test_a_cell_of_ones_own_is_trained_saved_and_watched(tmp_path):
    @cell(state="h", gates="n")
    def own(x, u, s):
        """Elman's."""
        return State(h=tanh(x.n + u.n))

    data = table(120)
    model = fit(data, time="time", target="c0", cell=own)
    model.save(tmp_path / "own.safetensors")
    again = ost.load(tmp_path / "own.safetensors")
    assert again.detect(data).alarms[0].scores.tolist()[1:] == model.detect(data).alarms[0].scores.tolist()[1:]


def test_many_series_keep_their_scales_and_others_are_refused():
    rows = np.arange(60)
    long = {
        "id": ["a"] * 60 + ["b"] * 60,
        "time": [*range(60), *range(60)],
        "y": [*np.sin(rows), *(1000 + 10 * np.cos(rows))],
    }
    model = fit(long)
    assert model.detect(long).panel.ids == ("a", "b")
    assert model.stream("b").push(0, 1000.0).score != 0
    with pytest.raises(OptionError, match="trained on 2 series"):
        model.stream()
    with pytest.raises(DataError, match="series 'c' was not there"):
        model.detect({"id": ["c"] * 3, "time": [0, 1, 2], "y": [1.0, 2.0, 3.0]})
    shared = fit(long, scope="panel")
    assert len(shared.detect({"id": ["c"] * 3, "time": [0, 1, 2], "y": [1.0, 2.0, 3.0]}).alarms[0].scores) == 3


def test_arrays_are_taken_too():
    values = np.sin(np.arange(100))
    model = fit([values])
    assert len(model.detect([values[:30]]).alarms[0].scores) == 30


def test_a_constant_channel_is_usual_until_it_changes():
    data = {"time": list(range(200)), "a": np.sin(np.arange(200.0)), "b": np.full(200, 7.0)}
    model = fit({name: column[:100] for name, column in data.items()}, target=["a", "b"], epochs=3)
    data["b"][150] = 9.0
    assert "b" in model.detect(data).ranges()["channel"]


BAD = {
    "no rows": ({"time": [], "y": []}, "row"),
    "one row": ({"time": [0], "y": [1.0]}, "has 1 row to learn from, and at least 16"),
    "no value": ({"time": list(range(40)), "y": [1.0] * 39 + [float("inf")]}, "inf"),
    "only missing": ({"time": list(range(40)), "a": [1.0] * 40, "b": [float("nan")] * 40}, "channel 'b' has no value"),
}


@pytest.mark.parametrize("case", BAD)
def test_data_that_say_nothing_are_refused(case):
    data, wanted = BAD[case]
    with pytest.raises(DataError, match=wanted):
        fit(data, **({"target": ["a", "b"]} if "a" in data else {}))


def test_unsorted_times_are_sorted_and_double_ones_refused():
    data = table(100)
    order = np.random.default_rng(3).permutation(100)
    one = fit(data, time="time", target="c0").description()[1]
    other = fit({name: column[order] for name, column in data.items()}, time="time", target="c0").description()[1]
    for name, weights in one.items():
        np.testing.assert_array_equal(weights, other[name])
    data["time"] = data["time"].copy()
    data["time"][50] = data["time"][49]
    with pytest.raises(DataError, match="two rows at one time"):
        detector().detect(data)


def test_another_number_of_channels_is_refused():
    with pytest.raises((DataError, OptionError), match="c1"):
        detector(3).detect(table())
    with pytest.raises((DataError, OptionError)):
        detector(3).detect([np.zeros((30, 2))])


def test_what_is_no_channel_is_refused():
    with pytest.raises(OptionError, match="past= does not apply"):
        AnomalyDetector().fit(table(), past="c0")
    with pytest.raises(OptionError, match="did you mean 'target'"):
        AnomalyDetector().fit(table(), tarjet="c0")
    panel = read_series({"time": [0, 1], "y": [1.0, 2.0], "p": [1.0, 2.0]}, target="y", past="p")
    with pytest.raises(DataError, match="watches every column"):
        AnomalyDetector().fit(panel)


@pytest.mark.parametrize("unscored", [1.0, -1, True, "a", float("nan")])
def test_a_share_that_is_none_is_refused(unscored):
    with pytest.raises(OptionError, match="a share below 1"):
        detector().detect(table(), unscored=unscored)


def test_an_untrained_detector_says_so():
    with pytest.raises(NotFittedError, match="not trained yet"):
        AnomalyDetector().detect(table())


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path):
    data = table(120)
    whole = fit(data, time="time", target="c0", epochs=3)
    place = tmp_path / "checkpoint"

    def stop(report):
        if getattr(report, "epoch", None) == 1:
            raise KeyboardInterrupt

    model = AnomalyDetector(**{**QUICK, "epochs": 3, "checkpoint_every": 0.0})
    with pytest.raises((ost.errors.Interrupted, KeyboardInterrupt)):
        model.fit(data, time="time", target="c0", checkpoint=place, progress=stop)
    model.fit(data, time="time", target="c0", checkpoint=place, resume=place.exists(), progress=False)
    for name, weights in whole.description()[1].items():
        np.testing.assert_array_equal(weights, model.description()[1][name])


def test_a_picture_is_drawn(tmp_path):
    detector().plot(table(), tmp_path / "a.png", windows=[("2024-01-17", "2024-01-18")])
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
