from __future__ import annotations

import json
from pathlib import Path

import pytest

from ostinato.train.reports import EpochEnded, Finished, Saved, SaveFailed, Started, Stepped, Stopped

EPOCH = {"epoch": 1, "train": {"loss": 0.5}, "valid": {"loss": 0.6}, "monitored": 0.6, "better": True, "rate": 0.1}
REPORTS = [
    Started(epochs=2, batches=3, parameters=4, options={"lr": 0.1}, device="cpu", threads=1),
    Stepped(0, 1, 64, 0.25),
    EpochEnded(**EPOCH),
    Stopped(4, 2),
    Finished(5, 2, "loss", 0.125),
]


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.event)
def test_a_report_is_plain_data_under_its_name(report):
    told = report.to_dict()
    assert told["event"] == report.event
    assert json.loads(json.dumps(told)) == told


def test_the_clock_stays_out():
    assert EpochEnded(**EPOCH, seconds=1.0).to_dict() == EpochEnded(**EPOCH, seconds=2.0).to_dict()
    assert "seconds" not in Saved(Path("c"), 0, 1, seconds=3.0).to_dict()


def test_what_a_resume_changes_stays_out():
    fresh = Started(epochs=2, batches=3, parameters=4, options={}, device="cpu", threads=1)
    resumed = Started(
        epochs=2, batches=3, parameters=4, options={}, device="cpu", threads=2, resumed=True, epoch=1, notes=("other",)
    )
    assert fresh.to_dict() == resumed.to_dict()


def test_a_failed_save_says_why():
    assert SaveFailed(Path("c"), "the disk is full").reason == "the disk is full"


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.event)
def test_a_report_cannot_be_changed(report):
    with pytest.raises(AttributeError):
        report.epoch = 7
