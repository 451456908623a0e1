"""``ostinato train`` for tasks on whole series, and the verbs that use what it makes."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import ostinato
from ostinato.cli.train_series import frequency_of
from tests.cli.terminal import refused, run
from tests.tasks.series_sets import long_table, ts_file, units, waves

SERIES, LABELS = waves(24)
QUICK = ("--hidden", "4", "--convolution", "4", "--epochs", "2", "--batch", "8", "--device", "cpu")
NAMES = ("--id", "name", "--time", "step", "--channels", "a, b")


def csv(path, table):
    rows = zip(*table.values(), strict=True)
    path.write_text("\n".join([",".join(table), *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.fixture
def waves_file(tmp_path):
    return ts_file(tmp_path / "waves.ts", SERIES, LABELS, ("down", "up"))


def test_a_classifier_is_trained_from_a_ts_file(tmp_path, waves_file):
    model = tmp_path / "m.safetensors"
    result = run("train", "series-classifier", waves_file, *QUICK, "-o", model, "--plot", tmp_path / "p.png")
    assert result.exit_code == 0, result.stderr
    assert f"24 examples of 2 labels in {waves_file}" in result.stderr
    assert re.search(r"^epoch 2/2 .*accuracy", result.stderr, re.MULTILINE)
    assert f"try    ostinato evaluate {model} DATA" in result.stderr
    assert (tmp_path / "p.png").is_file()
    assert ostinato.load(model).classes_.tolist() == ["down", "up"]


def test_a_classifier_is_trained_from_a_table_with_validation(tmp_path):
    data = csv(tmp_path / "w.csv", long_table(SERIES, kind=LABELS))
    model = tmp_path / "m.safetensors"
    words = ("train", "series-classifier", data, *QUICK, *NAMES, "--label", "kind", "--valid", data, "-o", model)
    result = run(*words)
    assert result.exit_code == 0, result.stderr
    assert re.search(r"^validation  accuracy .*macro-F1", result.stderr, re.MULTILINE)
    result = run("evaluate", model, data)
    assert "24 examples, 2 classes" in result.stdout


def test_a_regressor_is_trained_from_a_table(tmp_path):
    sizes = [float(len(x)) for x in SERIES]
    data = csv(tmp_path / "w.csv", long_table(SERIES, size=sizes))
    model = tmp_path / "m.safetensors"
    words = ("train", "series-regressor", data, *QUICK, *NAMES, "--target", "size", "--holdout", "0.25", "-o", model)
    result = run(*words, "--plot", tmp_path / "p.png")
    assert result.exit_code == 0, result.stderr
    assert re.search(r"^validation  RMSE .*mean miss", result.stderr, re.MULTILINE)
    told = json.loads(run("evaluate", model, data, "--json", "-").stdout)
    assert told["truth"] == sizes


def test_a_predictor_of_life_is_trained_from_units_that_failed(tmp_path):
    data = csv(tmp_path / "units.csv", long_table(units(12)))
    cut = csv(tmp_path / "cut.csv", long_table([x[:-4] for x in units(5, 3)], left=[4] * 5))
    model = tmp_path / "m.safetensors"
    words = ("--hidden", "4", "--epochs", "2", "--window", "8", "--cap", "12", "--device", "cpu", "-o", model)
    result = run("train", "remaining-life", data, *NAMES, *words)
    assert result.exit_code == 0, result.stderr
    assert re.search(r"12 examples of \d+ steps in", result.stderr)
    result = run("evaluate", model, cut, "--label", "left", "--plot", tmp_path / "life.png")
    assert "NASA score" in result.stdout
    assert "RMSE, truth not capped" in result.stdout
    assert (tmp_path / "life.png").is_file()
    assert len(run("predict", model, cut).stdout.splitlines()) == 5


def test_the_options_are_printed_and_read_as_toml(tmp_path, waves_file):
    config = tmp_path / "c.toml"
    config.write_text(run("train", "series-classifier", "--hidden", "7", "--print-config").stdout)
    model = tmp_path / "m.safetensors"
    words = ("--config", config, "--epochs", "1", "--device", "cpu", "-o", model)
    assert run("train", "series-classifier", waves_file, *words).exit_code == 0
    assert ostinato.load(model).hidden == 7


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--label", "kind"), "answer names a column of a table, and a .ts file has none"),
        (("--every", "2", "--convolution", "0"), "every slows a recurrence"),
        (("--pooling", "sum"), "--pooling wanted one of"),
        (("--cell", "lstmm"), "--cell wanted one of"),
        (("--valid", "no.ts"), "no.ts"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(tmp_path, waves_file, words, told):
    error = refused("train", "series-classifier", waves_file, "-o", tmp_path / "m.safetensors", *words)
    assert told in error
    assert not (tmp_path / "m.safetensors").exists()


def test_a_step_of_rows_may_be_a_word_a_number_or_none():
    assert [frequency_of(word) for word in ("infer", "none", "3")] == ["infer", None, 3]


def test_irregular_rows_are_read_with_the_time_between_them(tmp_path):
    table = long_table(SERIES, kind=LABELS)
    table["step"] = np.cumsum(np.arange(len(table["step"])) % 3 + 1).tolist()
    data = csv(tmp_path / "w.csv", table)
    model = tmp_path / "m.safetensors"
    words = ("train", "series-classifier", data, *QUICK, *NAMES, "--label", "kind", "--frequency", "none")
    result = run(*words, "-o", model)
    assert result.exit_code == 0, result.stderr
    assert ostinato.load(model).features_.columns == ("a", "b", "gap")
    assert run("evaluate", model, data).exit_code == 0
