from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from ostinato.train import progress as bars
from ostinato.train.progress import Progress
from ostinato.train.reports import EpochEnded, Finished, Saved, SaveFailed, Started, Stepped, Stopped

START = Started(epochs=10, batches=2, parameters=4, options={}, device="cpu", threads=1)


def epoch(number, better=True):
    train, valid = {"loss": 0.5, "accuracy": 0.75}, {"loss": 0.6, "accuracy": 0.7}
    return EpochEnded(number, train, valid, 0.7, better, 0.1)


RUN = [
    START,
    Stepped(0, 0, 64, 0.7),
    Saved(Path("c"), 0, 1),
    Stepped(0, 1, 64, 0.6),
    SaveFailed(Path("c"), "the disk is full [really]"),
    epoch(0),
    Stepped(1, 0, 64, 0.4),
    epoch(1, better=False),
    Stopped(1, 1),
    Finished(2, 0, "accuracy", 0.7),
]


def shown(reports, **console):
    text = io.StringIO()
    with Progress(Console(file=text, width=140, **console)) as progress:
        for report in reports:
            progress(report)
    return text.getvalue()


def test_a_pipe_gets_a_line_an_epoch():
    lines = shown(RUN, force_terminal=False).splitlines()
    assert lines[0] == "no checkpoint was written: the disk is full [really]"
    assert lines[1].startswith(
        "epoch  1/10  loss 0.5000  accuracy 75.00 %  valid loss 0.6000  valid accuracy 70.00 %  "
    )
    assert " seq/s" in lines[1]
    assert lines[3:] == ["stopped early: 1 epochs without a better result", "best: epoch 1 with accuracy 70.00 %"]


def test_a_terminal_gets_a_bar_with_loss_accuracy_speed_and_time_left(monkeypatch):
    monkeypatch.setattr(bars, "_REDRAW", 0.0)
    text = shown(RUN, force_terminal=True, color_system=None)
    for words in (
        "epoch  1/10",
        "loss 0.6000",
        "valid accuracy 70.00 %",
        " seq/s",
        " s",
        "\N{BOX DRAWINGS HEAVY HORIZONTAL}",
    ):
        assert words in text


def test_a_resumed_run_says_where_and_what_to_know():
    started = Started(**{**START.__dict__, "resumed": True, "epoch": 3, "batch": 1, "notes": ("other bits",)})
    assert shown([started]).splitlines() == ["other bits", "resumed in epoch 4 of 10, batch 2"]


def test_the_bar_goes_away_after_an_error():
    text = io.StringIO()
    progress = Progress(Console(file=text, force_terminal=True))

    def fail():
        with progress:
            progress(START)
            assert progress._bar is not None
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert progress._bar is None


def test_rich_is_loaded_only_where_a_bar_is_shown():
    code = "import sys, ostinato.train.progress; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
