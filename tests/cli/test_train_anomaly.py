from __future__ import annotations

import numpy as np
import pytest

import ostinato as ost
from tests.cli.terminal import refused, run
from tests.streaming.watched import table

QUICK = ("--hidden", "3", "--epochs", "1", "--context", "8", "--batch", "8", "--device", "cpu", "--unscored", "40")


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "machine.csv"
    columns = table(120)
    rows = zip(columns["time"].astype("datetime64[m]"), columns["c0"].astype(np.float32), strict=True)
    path.write_text("time,y\n" + "".join(f"{time},{value}\n" for time, value in rows))
    return path


def test_a_detector_is_trained_from_a_file(data, tmp_path):
    out, plot = tmp_path / "d.safetensors", tmp_path / "d.png"
    result = run("train", "anomaly-detector", data, "-o", out, "--plot", plot, "--budget", "0.5", *QUICK)
    assert result.exit_code == 0, result.output
    assert "ostinato detect" in result.stderr
    assert ost.load(out).budget == 0.5
    assert plot.exists()


def test_a_file_of_options_says_the_same(data, tmp_path):
    out = tmp_path / "d.safetensors"
    words = ("train", "anomaly-detector", data, "-o", out, "--target", "y", "--frequency", "none", *QUICK)
    config = tmp_path / "run.toml"
    config.write_text(run(*words, "--print-config").stdout)
    assert run("train", "anomaly-detector", "--config", config).exit_code == 0
    model = ost.load(out)
    assert model.features_.layout.frequency is None
    assert model.hidden == 3


def test_the_model_is_told_by_info(data, tmp_path):
    out = tmp_path / "d.safetensors"
    assert run("train", "anomaly-detector", data, "-o", out, *QUICK).exit_code == 0
    told = run("info", out)
    assert told.exit_code == 0
    assert "anomaly-detector" in told.stdout


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--budget", "0"], "--budget wanted"),
        (["--cell", "gr"], "--cell wanted"),
        (["--spans", "x"], "spans wanted"),
        (["--target", "load"], "load"),
        (["--zone", "Europe/Rom"], "Europe/Rome"),
    ],
)
def test_mistakes_are_told(data, tmp_path, flags, said):
    assert said in refused("train", "anomaly-detector", data, "-o", tmp_path / "d.safetensors", *QUICK, *flags)
