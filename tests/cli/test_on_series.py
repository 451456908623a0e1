from __future__ import annotations

import json

import pytest

from ostinato.tasks import SeriesClassifier
from tests.cli.terminal import refused, run
from tests.tasks.series_sets import QUICK, ts_file, waves

SERIES, LABELS = waves(24)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "m.safetensors"
    SeriesClassifier(**QUICK).fit(SERIES, LABELS, progress=False).save(path)
    return path


@pytest.fixture
def data(tmp_path):
    return ts_file(tmp_path / "w.ts", SERIES[:6], LABELS[:6], ("down", "up"))


def test_a_report_is_shown_written_and_drawn(model, data, tmp_path):
    result = run("evaluate", model, data, "--json", tmp_path / "r.json", "--plot", tmp_path / "p.svg")
    assert "6 examples, 2 classes" in result.stdout
    assert json.loads((tmp_path / "r.json").read_text())["count"] == 6
    assert (tmp_path / "p.svg").is_file()


def test_answers_are_a_line_a_series(model, data):
    for words in (("predict", model, data), ("predict", model, "--input", data)):
        lines = run(*words).stdout.splitlines()
        assert [line.split("\t")[0] for line in lines] == [str(k) for k in range(1, 7)]
        assert {line.split("\t")[1] for line in lines} <= {"up", "down"}
    told = [json.loads(line) for line in run("predict", model, data, "--json").stdout.splitlines()]
    assert set(told[0]) == {"id", "label", "confidence"}


def test_what_is_for_texts_is_refused(model, data):
    assert "--text is for texts and trees" in refused("evaluate", model, data, "--text", "x")
    assert "--nodes is for texts and trees" in refused("evaluate", model, data, "--nodes")
    assert "reads series from a file" in refused("predict", model, data, data)
    assert "reads series from a file" in refused("predict", model, "--input", "-", typed="x")
    assert "there is no file" in refused("predict", model, "no.ts")


def test_info_tells_the_channels(model):
    told = run("info", model).stdout
    assert "series-classifier" in told
    assert "channels" in told
    assert "2: y1, y2" in told
