from __future__ import annotations

import sys

import pytest

from ostinato.data.language.scores import read_score, write_midi
from ostinato.errors import DataError, MissingExtraError, OutputError

TUNE = "X:1\nM:6/8\nL:1/8\nK:G\nD|G2B d2B|(3ABc d G3|]\n"


def test_a_tune_is_read_with_its_notes():
    pytest.importorskip("music21")
    notes = list(read_score(TUNE).recurse().notes)
    assert [note.nameWithOctave for note in notes[:3]] == ["D4", "G4", "B4"]
    assert len(notes) == 10


def test_a_tune_becomes_a_midi_file(tmp_path):
    pytest.importorskip("music21")
    write_midi(TUNE, tmp_path / "tune.mid")
    data = (tmp_path / "tune.mid").read_bytes()
    assert data[:4] == b"MThd"
    # A note begins, on any channel.
    assert sum(0x90 <= byte <= 0x9F for byte in data) >= 10


@pytest.mark.parametrize("text", ["", "no tune at all", "X:1\nK:G\n", "\0\0", "X:1\nM:6/8\nK:G\n||\n"])
def test_what_is_no_tune_is_refused_and_nothing_is_written(text, tmp_path):
    pytest.importorskip("music21")
    with pytest.raises(DataError, match=r"music21 cannot|wanted notes in ABC"):
        write_midi(text, tmp_path / "tune.mid")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    pytest.importorskip("music21")
    with pytest.raises(OutputError, match="cannot write"):
        write_midi(TUNE, tmp_path / "nowhere" / "tune.mid")


def test_without_music21_the_command_that_installs_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "music21", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ostinato\[music\]'"):
        read_score(TUNE)
