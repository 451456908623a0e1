"""Tunes in ABC notation: read from collections, brought into one form, split so that no tune is in two parts.

>>> book = "X:1\\nT:Air\\nM:3/4\\nK:G\\nG2 | B4 d2 | G4 ||\\n\\nX:2\\nT:Reel\\nM:C|\\nK:D\\nd2fd a2fd | d8 |]\\n"
>>> [(tune.title, tune.field("M")) for tune in parse_tunes(book)]
[('Air', '3/4'), ('Reel', 'C|')]
>>> print(parse_tunes(book)[0].normal())
X:1
M:3/4
L:1/8
K:G
G2|B4 d2|G4||
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ostinato.data.files import read_text
from ostinato.data.language.lengths import read_meter
from ostinato.errors import DataError, OptionError

ENDINGS = (".abc", ".txt")
# Fields inside a tune that change how its notes are read; others are words about it.
_MUSICAL = "MLK"
_FIELD = re.compile(r"^([A-Za-z]):(?![|:])(.*)$")
_COMMENT = re.compile(r"(?<!\\)%.*$")
_INLINE = re.compile(r"\[([A-Za-z]):[^\]\n]*\]")
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")
# Two signs with a space between them close two bars; a space beside one of them means nothing.
_BEFORE = re.compile(r"(?<![|:\]]) (\[\||:*\|[|:]*\]?|::)")
_BEHIND = re.compile(r"(\[\||:*\|[|:]*\]?|::) (?![|:]|\[\|)")
_HIDDEN = re.compile(r"\[[A-Za-z]:[^\]\n]*\]|\{[^}\n]*\}|\"[^\"\n]*\"|![^!|\n]*!")
_SKELETON = re.compile(r"[A-Ga-g]")


@dataclass(frozen=True)
class Tune:
    """One tune: the fields of its header in their order, each a letter and a value, and the lines of its notes."""

    fields: tuple[tuple[str, str], ...]
    body: str

    def field(self, letter: str) -> str:
        """The first value of a field that is not empty, or nothing.

        >>> Tune((("T", ""), ("T", "Air")), "G4").field("T")
        'Air'
        """
        return next((value for name, value in self.fields if name == letter and value), "")

    @property
    def title(self) -> str:
        """Its first title."""
        return self.field("T")

    @property
    def unit(self) -> str:
        """The length of a note without a number: the field L:, or what the meter makes of its absence."""
        if self.field("L"):
            return self.field("L")
        meter, _ = read_meter(self.field("M"))
        return "1/16" if meter is not None and meter < Fraction(3, 4) else "1/8"

    def normal(self, *, title: bool = False, number: int = 1) -> str:
        """The tune in one form: number, title (if asked for), meter, unit and key, then its notes.

        Comments, lyrics and words about the tune are left out, spaces are single and none stands beside a bar line.
        """
        lines = [f"X:{number}", f"T:{self.title}"] if title else [f"X:{number}"]
        if self.field("M"):
            lines.append(f"M:{self.field('M')}")
        lines += [f"L:{self.unit}", f"K:{self.field('K') or 'C'}", *_tidy(self.body)]
        return "\n".join(lines)


@dataclass(frozen=True)
class TuneSplit:
    """Tunes to train with, to choose by, and to test with."""

    train: list[Tune]
    valid: list[Tune]
    test: list[Tune]


def parse_tunes(text: str) -> list[Tune]:
    """The tunes of a collection, in order; those without a key or without notes are left out.

    A tune starts with the field X: and ends with a blank line after its notes, or where the next one starts. Any text
    can be parsed; one without tunes gives an empty list.
    """
    tunes: list[Tune] = []
    fields: list[tuple[str, str]] = []
    body: list[str] = []
    where = "between"
    for raw in [*text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), "X:"]:
        line = _COMMENT.sub("", raw).rstrip()
        found = _FIELD.match(line)
        if found and found[1] == "X":
            tunes += _made(fields, body)
            fields, body, where = [], [], "header"
        elif where == "body" and not raw.strip():
            where = "between"
        elif where == "body" and line:
            body.append(line)
        if where == "header" and found:
            fields.append((found[1], found[2].strip()))
            if found[1] == "K":
                where = "body"
    return tunes


def read_tunes(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Tune]:
    """The tunes of a file, of several, or of all files .abc in a folder (in the order of their names)."""
    listed = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    tunes = []
    for path in listed:
        folder = Path(os.fsdecode(path)).expanduser()
        files = sorted(folder.glob("*.abc")) if folder.is_dir() else [Path(os.fsdecode(path))]
        if not files:
            raise DataError(f"{folder} holds no files that end in .abc")
        for file in files:
            found = parse_tunes(read_text(file, ENDINGS))
            if not found:
                raise DataError(f"{file} holds no tune; wanted ABC notation: a line X:1, fields, K:G, then notes")
            tunes += found
    if not tunes:
        raise DataError("wanted a file of tunes in ABC notation, got none")
    return tunes


def split_tunes(tunes: Sequence[Tune], *, test: float = 0.1, valid: float = 0.05, seed: int = 0) -> TuneSplit:
    """Split tunes at random, so that equal titles, and equal notes, are in one part.

    Collections hold a tune in several settings. Duplicates, to the note, stay as they are.
    """
    if not (0 <= test < 1 and 0 <= valid < 1 and test + valid < 1):
        raise OptionError(f"shares of test and valid wanted 0 to 1, and less than 1 together, got {test} and {valid}")
    groups = _settings(tunes)
    order = sorted(set(groups))
    random.Random(seed).shuffle(order)
    sizes = Counter(groups)
    parts: dict[int, str] = {}
    counted = 0
    for group in order:
        share = counted / len(tunes)
        parts[group] = "test" if share < test else "valid" if share < test + valid else "train"
        counted += sizes[group]
    chosen = {
        part: [t for t, g in zip(tunes, groups, strict=True) if parts[g] == part] for part in ("train", "valid", "test")
    }
    return TuneSplit(chosen["train"], chosen["valid"], chosen["test"])


def skeleton(tune: str) -> str:
    """The letters of the notes of a text in ABC, whatever their length, octave and adornment: what makes it that tune.

    >>> skeleton("X:1\\nK:G\\nG2 (Bd) | {a}g4 ||")
    'GBdg'
    """
    found = parse_tunes(tune)
    return "".join(_letters(part.body) for part in found) if found else _letters(tune)


def _letters(body: str) -> str:
    plain = "\n".join(line for line in body.split("\n") if not _FIELD.match(line))
    return "".join(_SKELETON.findall(_HIDDEN.sub("", plain)))


def _made(fields: list[tuple[str, str]], body: list[str]) -> list[Tune]:
    notes = "\n".join(body)
    return [Tune(tuple(fields), notes)] if any(name == "K" for name, _ in fields) and _letters(notes) else []


def _tidy(body: str) -> list[str]:
    joined = re.sub(r"\\[ \t]*\n(?![A-Za-z]:)", " ", body)
    lines = []
    for line in joined.split("\n"):
        found = _FIELD.match(line)
        if found:
            if found[1] in _MUSICAL:
                lines.append(f"{found[1]}:{found[2].strip()}")
            continue
        line = _INLINE.sub(lambda hit: hit[0] if hit[1] in _MUSICAL else "", line)
        line = _SPACES.sub(" ", line.replace("\\", " "))
        line = _BEHIND.sub(r"\1", _BEFORE.sub(r"\1", line)).strip()
        if line:
            lines.append(line)
    return lines


def _settings(tunes: Sequence[Tune]) -> list[int]:
    """For each tune the number of its group: tunes that share a title or their notes, at any remove."""
    parent = list(range(len(tunes)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    seen: dict[str, int] = {}
    for place, tune in enumerate(tunes):
        names = [value.casefold() for letter, value in tune.fields if letter == "T" and value]
        for key in [*(f"T:{name}" for name in names), skeleton(tune.normal())]:
            parent[root(place)] = root(seen.setdefault(key, place))
    return [root(place) for place in range(len(tunes))]
