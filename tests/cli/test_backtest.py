from __future__ import annotations

import csv
import json

import pytest

from tests.cli.terminal import refused, run
from tests.tasks.series import waves

QUICK = ("--horizon", "3", "--context", "8", "--hidden", "6", "--epochs", "2", "--lags", "none", "--device", "cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    for name, rows in (("train", 60), ("whole", 66)):
        write(folder / f"{name}.csv", waves(rows))
    history = waves(63)
    history["y"] = [y if t < 60 else "" for y, t in zip(history["y"], history["ds"], strict=True)]
    write(folder / "history.csv", history)
    return folder


def write(path, table):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))


@pytest.fixture(scope="module")
def model(folder):
    words = ("train", "forecaster", folder / "train.csv", "--known", "heat", *QUICK, "-o", folder / "m.safetensors")
    result = run(*words, "--plot", folder / "held.svg")
    assert result.exit_code == 0, result.output
    assert "2 examples of 120 rows in" in result.stderr
    assert f"try    ostinato backtest {folder}" in result.stderr
    assert (folder / "held.svg").stat().st_size > 1000
    return folder / "m.safetensors"


def test_a_backtest_prints_scores_and_writes_all_forecasts(folder, model, tmp_path):
    result = run(
        *("backtest", model, folder / "whole.csv", "--steps", "6", "--levels", "0.1,0.5,0.9"),
        *("--json", tmp_path / "r.json", "-o", tmp_path / "all.csv", "--plot", tmp_path / "b.svg"),
    )
    assert result.exit_code == 0, result.output
    assert "4 forecasts of 3 steps, 2 series" in result.stdout
    assert "MASE" in result.stdout
    assert json.loads((tmp_path / "r.json").read_text())["forecasts"] == 4
    rows = list(csv.DictReader((tmp_path / "all.csv").read_text().splitlines()))
    assert len(rows) == 12
    assert list(rows[0]) == ["id", "origin", "time", "truth", "mean", "q0.1", "q0.5", "q0.9"]
    assert (tmp_path / "b.svg").exists()


def test_the_report_may_be_the_standard_output(folder, model):
    result = run("backtest", model, folder / "whole.csv", "--steps", "3", "--json", "-")
    assert set(json.loads(result.stdout)) >= {"mase", "crps", "series", "calibration"}


def test_a_forecast_is_a_table(folder, model, tmp_path):
    result = run("predict", model, folder / "history.csv", "--levels", "0.1,0.9", "--plot", tmp_path / "f.svg")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "id,time,mean,q0.1,q0.9"
    assert len(lines) == 7
    assert lines[1].startswith("a,60,")
    assert (tmp_path / "f.svg").exists()


def test_a_forecast_is_also_lines_of_json(folder, model):
    result = run("predict", model, "--input", folder / "history.csv", "--horizon", "1", "--json")
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["id"], second["id"]) == ("a", "b")
    assert first["q0.1"] <= first["q0.9"]


def test_what_is_known_ahead_must_be_given(folder, model):
    assert "series 'a'" in refused("predict", model, folder / "train.csv")


def test_info_tells_what_is_forecast(model):
    told = run("info", model).stdout
    assert "forecaster" in told
    assert "3 steps" in told
    assert "known ahead" in told


def test_verbs_for_labels_refuse_a_forecaster(folder, model):
    assert "ostinato backtest" in refused("evaluate", model, folder / "whole.csv")
    assert "with which nobody chats" in refused("chat", model)


def test_files_of_a_backtest_are_kept_apart(folder, model):
    data = folder / "whole.csv"
    assert "would overwrite DATA" in refused("backtest", model, data, "-o", data)
    assert "name a .csv file" in refused("backtest", model, data, "-o", "all.txt")


def test_a_toml_file_says_the_same_as_flags(folder, model, tmp_path):
    printed = run("train", "forecaster", "--known", "heat", *QUICK, "--print-config").stdout
    config = tmp_path / "c.toml"
    config.write_text(printed)
    output = tmp_path / "m.safetensors"
    result = run("train", "forecaster", folder / "train.csv", "--config", config, "-o", output)
    assert result.exit_code == 0, result.output
    data = folder / "whole.csv"
    assert run("backtest", output, data, "--json", "-").stdout == run("backtest", model, data, "--json", "-").stdout
