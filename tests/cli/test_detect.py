from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from tests.cli.terminal import refused, run
from tests.streaming.watched import detector, table


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detect")
    detector().save(folder / "detector.safetensors")
    data = table()
    rows = zip(data["time"].astype("datetime64[m]"), data["c0"].astype(np.float32), strict=True)
    (folder / "machine.csv").write_text("time,c0\n" + "".join(f"{time},{value}\n" for time, value in rows))
    windows = {"c0": [["2024-01-17T14:00", "2024-01-18T02:00"]]}
    (folder / "windows.json").write_text(json.dumps(windows))
    return folder


def detect(files, *flags):
    result = run("detect", str(files / "detector.safetensors"), str(files / "machine.csv"), *flags)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_ranges_are_written(files):
    rows = list(csv.DictReader(io.StringIO(detect(files))))
    assert [row["channel"] for row in rows] == ["c0"]
    assert rows[0]["start"].startswith("2024-01-17T1")


def test_every_step_is_written_as_json(files):
    rows = [json.loads(line) for line in detect(files, "--steps", "--json").splitlines()]
    assert len(rows) == 500
    assert rows[0]["score"] is None
    assert sum(row["alarm"] for row in rows) == 1


def test_what_is_not_scored_may_be_said(files):
    assert detect(files, "--unscored", "0.95").splitlines() == ["id,start,end,peak,channel"]


def test_labelled_windows_give_a_report_and_a_picture(files, tmp_path):
    told = detect(files, "--windows", str(files / "windows.json"), "--plot", str(tmp_path / "a.svg"))
    assert "F1 1.000" in told
    assert (tmp_path / "a.svg").exists()


def test_a_stream_says_the_same_as_the_whole(files):
    steps = [json.loads(line) for line in detect(files, "--steps", "--json").splitlines()]
    result = run("stream", str(files / "detector.safetensors"), "--input", str(files / "machine.csv"), "--json")
    assert result.exit_code == 0, result.output
    seen = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["alarm"] for one in seen] == [one["alarm"] for one in steps]
    assert [one["score"] for one in seen] == [
        None if one["score"] is None else pytest.approx(one["score"], abs=1e-4) for one in steps
    ]


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        (["--unscored", "much"], "--unscored wanted"),
        (["--windows", "none.json"], "cannot be read"),
        (["--plot", "a.gif"], "png"),
    ],
)
def test_mistakes_are_told(files, flags, wanted):
    assert wanted in refused("detect", files / "detector.safetensors", files / "machine.csv", *flags)
