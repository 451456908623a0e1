from __future__ import annotations

import json
import signal

import pytest

from ostinato.certificates.learning import _Run
from ostinato.certificates.tasks import TASKS
from tests.cli.terminal import refused, run

TINY = ("--tasks", "parity,s3", "--seeds", "1", "--seconds", "0.000001", "--hidden", "4")


def test_a_cell_is_certified_kept_and_shown(tmp_path):
    result = run("certify", "gru", *TINY, "-o", tmp_path)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("| cell | parity | s3 |\n|---|---|---|\n| gru | ")
    assert "gru-parity-1" in result.stderr
    assert f"kept in {tmp_path}" in result.stderr
    kept = json.loads((tmp_path / "gru-s3-1.json").read_text())
    assert kept["settings"]["hidden"] == 4
    again = run("certify", "gru", *TINY, "-o", tmp_path)
    assert again.stdout == result.stdout


def test_the_help_names_every_task():
    shown = run("certify", "--help").stdout
    assert all(name in shown for name in TASKS)


def test_ctrl_c_keeps_what_is_finished(tmp_path, monkeypatch):
    step = _Run._step

    def stop(self):
        if self.task.name == "s3":
            signal.raise_signal(signal.SIGINT)
        step(self)

    monkeypatch.setattr(_Run, "_step", stop)
    stopped = run("certify", "gru", *TINY, "-o", tmp_path)
    assert stopped.exit_code == 130
    assert f"1 of 2 runs of gru were finished: they are kept in {tmp_path}" in stopped.stderr


def test_begun_anew_when_asked(tmp_path):
    run("certify", "gru", *TINY, "-o", tmp_path)
    words = ("certify", "gru", *TINY[:-1], "5", "-o", tmp_path)
    assert "holds a run with hidden 4, and 5 is asked for" in refused(*words)
    assert run(*words, "--restart").exit_code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("lsmt",), "unknown cell 'lsmt'; did you mean 'lstm'"),
        (("nowhere.at_all:mine",), "nowhere.at_all:mine: importing nowhere.at_all failed"),
        (("gru", "--tasks", "pariti"), "unknown task 'pariti'; did you mean 'parity'"),
        (("gru", "--tasks", "parity", "--long"), "long adds tasks"),
        (("gru", "--quick", "--seeds", "3"), "--quick sets the seeds and the seconds; leave out --seeds"),
        (("gru", "--quick", "--seconds", "3"), "--quick sets the seeds and the seconds; leave out --seconds"),
        (("gru", "--seeds", "two"), "--seeds wanted a whole number at least 1, got 'two'"),
        (("gru", "--seconds", "nan"), "--seconds wanted a number above 0, got 'nan'"),
        (("gru", "--hidden", "0"), "--hidden wanted a whole number at least 1, got '0'"),
    ],
)
def test_what_cannot_be_done_is_told(words, told, tmp_path):
    assert refused("certify", *words, "-o", tmp_path).startswith(told)
