from __future__ import annotations

import numpy as np
import pytest

from ostinato.cells import cell, sigmoid, tanh
from ostinato.errors import ArtifactError, DataError
from ostinato.state import State
from ostinato.tasks import RemainingLife, SeriesClassifier, SeriesRegressor, load
from ostinato.tasks.series_estimator import fingerprint, parted, read_both
from ostinato.tasks.series_examples import Columns, read_series_examples
from tests.tasks.series_sets import LIFE, QUICK, long_table, units, waves

SERIES, LABELS = waves(24)
FITTED = {
    "series-classifier": lambda **more: SeriesClassifier(**QUICK, **more).fit(SERIES, LABELS, progress=False),
    "series-regressor": lambda **more: SeriesRegressor(**QUICK, **more).fit(SERIES, np.arange(24), progress=False),
    "remaining-life": lambda **more: RemainingLife(**LIFE, **more).fit(units(), progress=False),
}


@cell(state="h", gates="z n")
def lazy(x, u, s):
    """Goes a share of the way to what it sees."""
    z = sigmoid(x.z + u.z)
    return State(h=s.h + z * (tanh(x.n + u.n) - s.h))


@pytest.mark.parametrize("task", FITTED)
def test_a_cell_of_ones_own_survives_the_file(task, tmp_path):
    model = FITTED[task](cell=lazy)
    model.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    asked = units()[:3] if task == "remaining-life" else SERIES
    for one, other in zip(again.answers(asked), model.answers(asked), strict=True):
        assert one["id"] == other["id"]
        assert list(one.values())[-1] == pytest.approx(list(other.values())[-1], abs=1e-4)
    assert again.cell.name == "lazy"


@pytest.mark.parametrize("task", FITTED)
def test_a_file_of_another_task_is_refused(task, tmp_path):
    model = FITTED[task]()
    model.save(tmp_path / "m.safetensors")
    assert type(load(tmp_path / "m.safetensors")) is type(model)
    for kind in (SeriesClassifier, SeriesRegressor, RemainingLife):
        if kind is not type(model):
            with pytest.raises(ArtifactError, match=f"is a model of the task '{task}', wanted a {kind.task}"):
                kind.load(tmp_path / "m.safetensors")


def test_a_truncated_file_is_refused(tmp_path):
    model = FITTED["series-regressor"]()
    path = tmp_path / "m.safetensors"
    model.save(path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ArtifactError):
        load(path)


def test_validation_may_come_as_a_file_a_table_or_a_pair():
    table = long_table(SERIES, kind=LABELS)
    columns = Columns("name", "step", ("a", "b"), "kind")
    examples, held = read_both(table, None, table, wanted="label", columns=columns)
    assert held.labels == examples.labels == LABELS
    _, none = read_both(SERIES, LABELS, None, wanted="label", columns=Columns())
    assert none is None
    _, pair = read_both(SERIES, LABELS, (SERIES[:4], LABELS[:4]), wanted="label", columns=Columns())
    assert len(pair) == 4


def test_a_share_is_kept_where_there_are_many_or_where_asked_for():
    few = read_series_examples(SERIES, LABELS, wanted="label")
    many = read_series_examples(np.zeros((1000, 1)), ["a", "b"] * 500, wanted="label")
    assert parted(few, None, 1)[1] is None
    assert len(parted(many, None, 1)[1]) == 100
    assert parted(many, 0.0, 1)[1] is None
    kept, held = parted(few, 0.25, 1)
    assert (len(kept), len(held)) == (18, 6)
    with pytest.raises(DataError, match="is none; raise it, or set it to 0"):
        parted(few.pick(np.array([0, 1])), 0.001, 1)


def test_a_fingerprint_tells_data_apart():
    examples = read_series_examples(SERIES, LABELS, wanted="label")
    other = read_series_examples(SERIES, [*LABELS[:-1], "down"], wanted="label")
    prints = {fingerprint(examples, None), fingerprint(other, None), fingerprint(examples, other)}
    assert len(prints) == 3
