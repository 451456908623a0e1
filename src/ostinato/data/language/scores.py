"""Tunes in ABC notation as scores and MIDI, by music21 (the extra ``music``)."""

from __future__ import annotations

import os
from typing import Any

from ostinato.errors import DataError, needs
from ostinato.output import replace_file


def read_score(tune: str) -> Any:
    """The score that music21 reads out of a tune; one that it cannot read, or without notes, is refused."""
    music21 = needs("music21", "music")
    try:
        score = music21.converter.parseData(tune, format="abc")
        found = len(score.recurse().notes)
    except Exception as error:
        # music21 raises many kinds of errors, some of them plain Python ones.
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise DataError(f"music21 cannot read this tune ({reason:.100}): {tune!r:.60}") from error
    if not found:
        raise DataError(f"a score wanted notes in ABC notation, got {tune!r:.60}")
    return score


def write_midi(tune: str, path: str | os.PathLike[str]) -> None:
    """Write a tune as a MIDI file, whole or not at all; repeats are played."""
    score = read_score(tune)
    music21 = needs("music21", "music")
    try:
        data = music21.midi.translate.music21ObjectToMidiFile(score).writestr()
    except Exception as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise DataError(f"music21 cannot play this tune ({reason:.100}): {tune!r:.60}") from error
    replace_file(path, data)
