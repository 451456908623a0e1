from __future__ import annotations

import sys

import pytest

from ostinato.compiling.telling import tell_once, told_work


def test_what_was_told_is_not_told_again(capsys, forgetful):
    for _ in range(2):
        tell_once("there is no compiler")
    tell_once("the disk is full")
    assert capsys.readouterr() == ("", "ostinato: there is no compiler\nostinato: the disk is full\n")


def test_work_is_one_line_with_its_time(capsys):
    with told_work("compiling"):
        assert capsys.readouterr().err == "ostinato: compiling ... "
    assert capsys.readouterr().err.endswith(" s\n")


@pytest.mark.parametrize(("error", "word"), [(ValueError, "failed"), (KeyboardInterrupt, "stopped")])
def test_the_line_ends_whatever_happens(capsys, error, word):
    with pytest.raises(error), told_work("compiling"):
        raise error
    assert capsys.readouterr().err == f"ostinato: compiling ... {word}\n"


def test_nobody_needs_to_listen(monkeypatch, forgetful):
    monkeypatch.setattr(sys, "stderr", None)
    tell_once("nobody hears this")
