from __future__ import annotations

import re

import pytest

from ostinato.cli import screen
from ostinato.cli.screen import bar, console, show_confusions, show_evaluation, show_headline
from ostinato.tasks.evaluation import compare

REPORT = compare(
    ["yes", "yes", "no", "z[/]"], ["yes", "no", "no", "no"], labels=["no", "yes"], loss=0.5, source="[x].csv"
)


def test_in_a_pipe_a_report_is_plain_text(capsys):
    show_evaluation(REPORT)
    assert capsys.readouterr().out == REPORT.table() + "\n"


def test_in_a_terminal_a_report_is_a_table_that_no_label_can_break(capsys, monkeypatch):
    monkeypatch.setattr(screen.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    show_evaluation(REPORT)
    told = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert "[x].csv  4 examples" in told
    assert "z[/]" in told
    assert "labels unseen in training count as wrong" in told
    assert "worst confusions" in told
    assert "3 classes" in told


def test_a_perfect_report_has_no_confusions(capsys):
    show_confusions(console(), compare(["a", "b"], ["a", "b"]))
    assert capsys.readouterr().out == ""


def test_the_headline_has_every_number(capsys):
    show_headline(console(), REPORT)
    assert capsys.readouterr().out.splitlines()[0] == "accuracy 50.0 %  macro-F1 38.9 %  loss 0.500"


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999, 1.0])
def test_a_bar_is_as_wide_as_it_was_asked_to_be(share):
    assert len(bar(share, width=7)) == 7
    assert (bar(share, width=7).strip() == "") == (share == 0)
