from __future__ import annotations

import csv

import numpy as np

from tests.cli.terminal import refused, run

QUICK = ("--horizon", "3", "--context", "8", "--hidden", "6", "--epochs", "1", "--lags", "none", "--device", "cpu")


def write(path, **columns):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def test_a_wide_table_of_times_is_learnt_from(tmp_path):
    days = np.datetime_as_string(np.datetime64("2024-01-01") + np.arange(40))
    write(tmp_path / "wide.csv", day=days, north=range(40), south=range(40, 80))
    words = ("train", "forecaster", tmp_path / "wide.csv", "--wide", "--time", "day", "--frequency", "D", *QUICK)
    result = run(*words, "-o", tmp_path / "m.safetensors")
    assert result.exit_code == 0, result.output
    assert "2 examples of 80 rows in" in result.stderr


def test_a_missing_column_is_told(tmp_path):
    write(tmp_path / "long.csv", time=range(9), y=range(9))
    assert "heat" in refused("train", "forecaster", tmp_path / "long.csv", "--known", "heat", *QUICK)


def test_a_picture_wants_steps_held_out(tmp_path):
    write(tmp_path / "long.csv", time=range(30), y=range(30))
    words = ("train", "forecaster", tmp_path / "long.csv", *QUICK, "--holdout", "0", "-o", tmp_path / "m.safetensors")
    assert "none were" in refused(*words, "--plot", tmp_path / "p.svg")


def test_options_that_cannot_act_are_refused_before_anything_is_read(tmp_path):
    told = refused("train", "forecaster", "missing.csv", "--head", "point", "-o", tmp_path / "m.safetensors")
    assert "a point has no quantiles of its own" in told
