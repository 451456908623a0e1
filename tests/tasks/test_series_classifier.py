from __future__ import annotations

import numpy as np
import pytest
import torch

import ostinato as ost
from ostinato import artifact
from ostinato.data.series import read_series
from ostinato.errors import ArtifactError, DataError, Interrupted, NotFittedError, OptionError, OstinatoError
from ostinato.tasks import SeriesClassifier
from tests.tasks.series_sets import QUICK, long_table, ts_file, waves

SERIES, LABELS = waves(24)
TEST, TRUE = waves(30, seed=5)


@pytest.fixture(scope="module")
def trained():
    return SeriesClassifier(**{**QUICK, "epochs": 30, "lr": 0.01}).fit(SERIES, LABELS, progress=False)


def test_it_learns_which_series_rise(trained):
    assert trained.evaluate(TEST, TRUE).accuracy >= 0.9
    assert trained.score(TEST, TRUE) == trained.evaluate(TEST, TRUE).accuracy
    assert trained.classes_.tolist() == ["down", "up"]
    shares = trained.predict_proba(TEST)
    np.testing.assert_allclose(shares.sum(1), 1.0)
    assert (trained.classes_[shares.argmax(1)] == trained.predict(TEST)).all()


def test_all_forms_of_series_get_the_same_answers(trained, tmp_path):
    wanted = trained.predict(TEST).tolist()
    path = ts_file(tmp_path / "t.ts", TEST, TRUE, ("down", "up"))
    for form in (read_series(TEST), [torch.from_numpy(x) for x in TEST], path, str(path)):
        assert trained.predict(form).tolist() == wanted
    assert [answer["label"] for answer in trained.answers(path)] == wanted
    assert trained.evaluate(path).accuracy == trained.evaluate(TEST, TRUE).accuracy


def test_a_model_of_a_table_reads_tables(tmp_path):
    model = SeriesClassifier(**QUICK)
    model.fit(
        long_table(SERIES, kind=LABELS), label="kind", id="name", time="step", channels=["a", "b"], progress=False
    )
    model.save(tmp_path / "m.safetensors")
    again = ost.load(tmp_path / "m.safetensors")
    table = long_table(TEST, kind=TRUE)
    assert again.predict(table).tolist() == model.predict(table).tolist()
    assert again.evaluate(table).accuracy == model.evaluate(table, label="kind").accuracy
    without = {name: column for name, column in table.items() if name != "kind"}
    assert again.predict(without).tolist() == model.predict(table).tolist()


@pytest.mark.parametrize(("kind", "values"), [(int, (3, 12)), (bool, (False, True)), (str, ("no", "yes"))])
def test_labels_come_back_in_their_type(kind, values, tmp_path):
    labels = [values[word == "up"] for word in LABELS]
    model = SeriesClassifier(**QUICK).fit(SERIES, labels, progress=False)
    model.save(tmp_path / "m.safetensors")
    for one in (model, ost.load(tmp_path / "m.safetensors")):
        assert one.classes_.tolist() == sorted(values)
        assert isinstance(one.predict(TEST).tolist()[0], kind)


@pytest.mark.parametrize("scope", ["panel", "series"])
def test_saving_and_loading_is_identity(tmp_path, scope):
    options = {**QUICK, "scope": scope, "layers": 2, "class_weight": "balanced"}
    model = SeriesClassifier(**options).fit(SERIES, LABELS, progress=False)
    model.save(tmp_path / "m.safetensors")
    again = SeriesClassifier.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict_proba(TEST), model.predict_proba(TEST))
    assert again.get_params() == model.get_params()
    assert again.history_ == model.history_
    assert again.description()[0] == model.description()[0]


def test_a_file_of_another_task_or_with_other_fields_is_refused(trained, tmp_path):
    manifest, tensors = trained.description()
    for change, words in (
        ({"task": "text-classifier"}, "has other fields|cannot be used|wanted a series-classifier"),
        ({"more": 1}, "the manifest of a series-classifier has other fields"),
        ({"features": {**manifest["features"], "scales": []}}, "cannot be used as a series-classifier"),
        ({"labels": {**manifest["labels"], "names": ["a"], "counts": [1]}}, "other classes than the 1 labels"),
        ({"columns": [None]}, "cannot be used"),
        ({"options": {**manifest["options"], "hiden": 1}}, "unknown option 'hiden'"),
    ):
        path = tmp_path / "wrong.safetensors"
        artifact.write(path, tensors, {**manifest, **change})
        with pytest.raises(ArtifactError, match=words):
            SeriesClassifier.load(path)


def test_missing_values_are_seen_and_not_filled_in():
    holes = [x.copy() for x in SERIES]
    holes[0][1, 0] = np.nan
    model = SeriesClassifier(**QUICK).fit(holes, LABELS, progress=False)
    assert model.features_.columns == ("y1", "y2", "missing y1")
    other = [x.copy() for x in TEST]
    other[4][0, 0] = np.nan
    assert np.isfinite(model.predict_proba(other)).all()
    other[4][0, 1] = np.nan
    with pytest.raises(DataError, match=r"series '5'.*'y2' is missing"):
        model.predict(other)
    with pytest.raises(DataError, match="'y1' is missing"):
        SeriesClassifier(**QUICK, missing="never").fit(holes, LABELS, progress=False)


def test_what_nothing_can_be_learned_from_is_refused():
    model = SeriesClassifier(**QUICK)
    with pytest.raises(DataError, match="all 24 series have the label 'up'; a classifier needs at least two"):
        model.fit(SERIES, ["up"] * 24, progress=False)
    with pytest.raises(DataError, match="there is one series to learn from"):
        model.fit(SERIES[:1], ["up"], progress=False)
    with pytest.raises(DataError, match="series '2'"):
        model.fit([SERIES[0], SERIES[1][:0]], ["up", "down"], progress=False)
    with pytest.raises(NotFittedError, match="this SeriesClassifier is not trained yet"):
        model.predict(TEST)
    with pytest.raises(OptionError, match="hidden wanted a whole number at least 1"):
        SeriesClassifier(hidden=0).fit(SERIES, LABELS)


def test_series_of_one_step_and_constant_channels_train_and_are_answered():
    short = [np.array([[1.0, 5.0]]), np.array([[2.0, 5.0]])] * 4
    model = SeriesClassifier(**QUICK).fit(short, ["a", "b"] * 4, progress=False)
    assert np.isfinite(model.predict_proba([np.array([[1.5, 5.0]])])).all()


def test_other_channels_at_prediction_are_refused(trained):
    with pytest.raises(OstinatoError, match=r"2 \(y1, y2\)|columns"):
        trained.predict([x[:, :1] for x in TEST])
    with pytest.raises(DataError, match="these series have 1 channels"):
        trained.predict(read_series([x[:, 0] for x in TEST]))


def test_unseen_labels_count_as_wrong_and_are_told(trained):
    report = trained.evaluate(TEST, [*TRUE[:-2], "flat", "flat"])
    assert report.unseen == {"flat": 2}
    with pytest.raises(DataError, match="the label 'flat' was not seen in training"):
        trained.evaluate(TEST, ["flat"] * 30)


def test_a_share_of_every_label_is_held_out_where_asked_for():
    model = SeriesClassifier(**QUICK, holdout=0.25, monitor="accuracy").fit(SERIES, LABELS, progress=False)
    assert model.validation_.count == 6
    given = SeriesClassifier(**QUICK).fit(SERIES, LABELS, valid=(TEST, TRUE), progress=False)
    assert given.validation_.count == 30


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(tmp_path):
    options = {**QUICK, "jitter": 0.1, "warp": 0.1, "checkpoint_every": 0.0}
    whole = SeriesClassifier(**options).fit(SERIES, LABELS, progress=False)

    def interrupt(report):
        if getattr(report, "event", "") == "epoch" and report.epoch == 1:
            raise Interrupted("enough")

    path = tmp_path / "run.checkpoint"
    with pytest.raises(Interrupted):
        SeriesClassifier(**options).fit(SERIES, LABELS, checkpoint=path, progress=interrupt)
    resumed = SeriesClassifier(**options).fit(SERIES, LABELS, checkpoint=path, resume=True, progress=False)
    np.testing.assert_array_equal(resumed.predict_proba(TEST), whole.predict_proba(TEST))


@pytest.mark.parametrize(
    "option",
    [
        {"cell": "lstm"},
        {"hidden": 5},
        {"layers": 2},
        {"bidirectional": False},
        {"pooling": "attention"},
        {"convolution": 0},
        {"every": 2},
        {"members": 2},
        {"scaling": "robust"},
        {"scope": "series"},
        {"missing": "always"},
        {"dropout": 0.1},
        {"weight_drop": 0.2},
        {"zoneout": 0.2},
        {"layer_norm": "gates"},
        {"jitter": 0.1},
        {"stretch": 0.1},
        {"warp": 0.1},
        {"label_smoothing": 0.0},
        {"class_weight": "balanced"},
        {"holdout": 0.2},
        {"seed": 2},
    ],
    ids=lambda option: next(iter(option)),
)
def test_every_option_changes_what_is_learned(option, plain):
    labels = ["up" if k % 3 else "down" for k in range(24)]
    other = SeriesClassifier(**{**QUICK, "epochs": 1, **option}).fit(SERIES, labels, progress=False)
    assert not np.array_equal(other.predict_proba(TEST), plain)


@pytest.fixture(scope="module")
def plain():
    labels = ["up" if k % 3 else "down" for k in range(24)]
    return SeriesClassifier(**{**QUICK, "epochs": 1}).fit(SERIES, labels, progress=False).predict_proba(TEST)


def test_it_keeps_to_the_conventions_of_scikit_learn(trained):
    from sklearn.base import clone, is_classifier
    from sklearn.model_selection import cross_val_score

    model = SeriesClassifier(**QUICK)
    assert is_classifier(model)
    assert clone(model).get_params() == model.get_params()
    same = np.stack([np.resize(x, (8, 2)) for x in SERIES])
    assert len(cross_val_score(model, same, LABELS, cv=2)) == 2
    assert repr(SeriesClassifier(hidden=5)) == "SeriesClassifier(hidden=5)"


def test_it_draws_what_it_takes_for_what(trained, tmp_path):
    trained.plot(tmp_path / "p.png", TEST, TRUE)
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
