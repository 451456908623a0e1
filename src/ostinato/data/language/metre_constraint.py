"""A constraint that keeps the metre: what a sampler may write next in a tune, so that its bars become full.

>>> metre = MetreConstraint()
>>> metre.begin("X:1\\nM:3/4\\nL:1/4\\nK:G\\nB3|G2")
>>> strings = ["|", "A", "A2", "A|", "G>G", None]
>>> dict(zip(strings, metre.allowed(strings).tolist()))
{'|': False, 'A': True, 'A2': False, 'A|': True, 'G>G': False, None: False}
>>> metre.push("A")
>>> dict(zip(strings, metre.allowed(strings).tolist()))
{'|': True, 'A': False, 'A2': False, 'A|': False, 'G>G': False, None: True}
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.data.language.bars import DIGITS, NOTES, BarReader
from ostinato.data.language.lengths import ONE, TUPLETS, note_length

# What may be written behind a note, and the signs between bars, whole and begun.
_LENGTHS = tuple(
    f"{digits or ''}{slashes}"
    for digits in (0, *range(2, 17))
    for slashes in ("", "/", "//", "/2", "/4")
    if not slashes or digits % 2 or not digits
)
_SIGNS = ("|", "||", "|:", "|]", ":|", "::", ":|:", ":||", ":||:", "||:", ":|]")
_BEGUN = frozenset(sign[:count] for sign in _SIGNS for count in range(1, len(sign) + 1))
_PITCHES = frozenset("ABCDEFGabcdefg")
_ACCIDENTALS = frozenset("^_=")
_ADORNMENTS = frozenset(".~HLMOPSTuv")
# Fields that may stand between lines of notes: a letter of a note or an adornment that is followed by a colon is none.
_FIELDS = frozenset("KLMPQTw")
_FREE = frozenset(("header", "field", "comment"))
# Inside these anything may stand that ends on the same line.
_CLOSED = {"quote": "\n|", "grace": "\n|", "mark": "\n|", "inline": "\n"}
_KEPT = 20_000


class MetreConstraint:
    """Allows tunes in ABC notation whose full bars are as long as their meter says.

    While a bar is not full no bar line may come, and no note that is longer than what is left; when it is full, a bar
    line must. The first bar of a section may be shorter (a pickup), and the last one by as much. A tune may end where a
    bar is full. Headers, and tunes whose meter is free, may be anything. Broken rhythm and tuplets stay inside a bar,
    the notes of a tuplet are equally long.

    The same for characters and for pieces of several: a piece is allowed if its characters are, one after another.
    Where a prompt has left no way to go on (an open chord in a bar that is too long), anything may come.
    """

    def __init__(self) -> None:
        self._reader, self._before = BarReader(), "\n"
        self._tables: list[_Table] = []

    def begin(self, prompt: str) -> None:
        """A new text begins; the bars of the prompt may be wrong, those after it will be right."""
        self._reader, self._before = BarReader(), "\n"
        self.push(prompt)

    def push(self, string: str) -> None:
        """This string came next."""
        self._reader.read(string)
        self._reader.closed.clear()
        self._before = string[-1:] or self._before

    def fork(self) -> MetreConstraint:
        """Another one in the same place."""
        twin = MetreConstraint()
        twin._reader, twin._before, twin._tables = self._reader.copy(), self._before, self._tables
        return twin

    def allowed(self, strings: Sequence[str | None]) -> NDArray[numpy.bool_]:
        """Which strings may come next: bool [V]; for None, whether the tune may end here."""
        if not self._tables or self._tables[0].strings is not strings:
            self._tables = [_Table(strings)]
        return self._tables[0].allowed(self._reader, self._before)


class _Table:
    """The strings of a vocabulary as a tree of characters, and the answers for places that were met before."""

    def __init__(self, strings: Sequence[str | None]) -> None:
        self.strings = strings
        self.root: dict[str, Any] = {}
        self.ends: list[int] = []
        self.answers: dict[Hashable, NDArray[numpy.bool_]] = {}
        for token, string in enumerate(strings):
            if string is None:
                self.ends.append(token)
                continue
            node = self.root
            for character in string:
                node = node.setdefault(character, {})
            # No character is an empty string.
            node.setdefault("", []).append(token)

    def allowed(self, reader: BarReader, before: str) -> NDArray[numpy.bool_]:
        free = reader.mode in _FREE or reader.meter is None
        place = "free" if free else _place(reader, before)
        answer = self.answers.get(place)
        # A piece may lead from where all is free to where it is not.
        if answer is None or (free and len(self.root) != len(self.strings) - len(self.ends)):
            answer = numpy.zeros(len(self.strings), numpy.bool_)
            self._walk(self.root, reader, before, answer)
            if not answer.any():
                answer[:] = True
            if len(self.answers) >= _KEPT:
                self.answers.clear()
            self.answers[place] = answer
        whole: NDArray[numpy.bool_] = answer.copy()
        whole[self.ends] = may_end(reader)
        return whole

    def _walk(self, node: dict[str, Any], reader: BarReader, before: str, answer: NDArray[numpy.bool_]) -> None:
        for character, below in node.items():
            if character == "":
                answer[below] = True
                continue
            after = follow(reader, before, character)
            if after is not None:
                self._walk(below, after, character, answer)


def _place(reader: BarReader, before: str) -> Hashable:
    """All that decides what may come next."""
    bar = reader.bar
    kind = before if before in "^_=><( \t\n\\" else ""
    return (
        (reader.mode, reader.held, reader.sign, kind, reader.meter, reader.compound, reader.first, reader.pickup),
        (reader.after_sign, reader.blank, reader.fresh, bar.unit, bar.settled, bar.notes > 0, bar.written, bar.base),
        (bar.factor, bar.tuplet, bar.run, bar.last if bar.tuplet or bar.written is None else None),
    )


def may_end(reader: BarReader) -> bool:
    """Whether a tune may end here: behind a bar line, or where a bar is full or completes a pickup."""
    meter = reader.meter
    if reader.mode == "header":
        return meter is None and not reader.held
    if meter is None:
        return True
    if reader.mode in ("sign", "letter", "colon"):
        reader = reader.copy()
        reader.read("\n")
        reader.closed.clear()
    if reader.mode not in ("music", "number") or reader.bar.tuplet or reader.bar.factor is not ONE:
        return False
    return not reader.bar.notes or reader.bar.spent in (meter, meter - reader.pickup)


def follow(reader: BarReader, before: str, character: str) -> BarReader | None:
    """The reader one character further, or None if the metre forbids it; ``before`` is the character before it."""
    if reader.mode not in _FREE and reader.meter is not None and not _fits_in(reader, before, character):
        return None
    after = reader.copy()
    after.read(character)
    if reader.mode in _FREE or reader.meter is None or after.mode in _FREE:
        return after
    closed = reader.mode == "sign" and after.mode != "sign"
    if closed and not _may_close(reader, boundary=len(reader.sign) > 1 or character == "]", begun=False):
        return None
    return after if _can_go_on(after) else None


def _fits_in(reader: BarReader, before: str, character: str) -> bool:
    """Whether a character is music that may stand here, whatever the length of the bar."""
    mode = reader.mode
    if mode in _CLOSED:
        return character not in _CLOSED[mode]
    if mode == "sign":
        return _in_sign(reader, character)
    if mode == "chord" or mode == "bracket":
        return _in_chord(reader, mode, before, character)
    if mode == "colon":
        return character in "|:"
    if mode == "letter" and character == ":":
        field = reader.held not in _PITCHES
        return not reader.bar.notes and reader.held in _FIELDS if field else True
    if mode == "letter" and reader.held not in NOTES and reader.held not in _ADORNMENTS:
        return False
    if not _may_be_settled(reader.as_music(), character):
        return False
    if mode == "paren" and character in DIGITS:
        return int(character) in TUPLETS and reader.bar.tuplet is None and reader.bar.factor is ONE
    if mode == "number" and character in ",-.":
        return False
    return _in_music(reader.as_music(), before, character)


def _in_sign(reader: BarReader, character: str) -> bool:
    if reader.sign + character in _BEGUN:
        return True
    if character in "|:]" or reader.sign == ":":
        return False
    if character in DIGITS:
        return character in "12" and reader.sign in ("|", ":|")
    behind = reader.copy()
    behind.read(" ")
    return _in_music(behind, "|", character)


def _in_chord(reader: BarReader, mode: str, before: str, character: str) -> bool:
    if mode == "bracket" and character in "12":
        return reader.after_sign
    if before in _ACCIDENTALS:
        return character in _PITCHES
    if character == "]":
        return mode == "chord" and before != "["
    return character in _PITCHES or character in _ACCIDENTALS or (character in ",'" and before in _PITCHES)


def _in_music(reader: BarReader, before: str, character: str) -> bool:
    bar = reader.bar
    if before == "\\":
        return character == "\n"
    if before in _ACCIDENTALS and _room(reader):
        return character in _PITCHES
    if character in NOTES:
        return True
    if character in DIGITS or character == "/":
        return bar.written is not None
    if character in "><":
        run = before == character and abs(bar.run) < 2
        return run or (bar.written is not None and bar.factor is ONE and (bar.tuplet is None or bar.tuplet[0] > 1))
    if character in ",'":
        return bar.written == ""
    if character in " \t":
        return before not in " \t\n"
    if character == "\n":
        return _may_break(reader)
    if reader.fresh and character in _FIELDS and not bar.notes:
        return True
    if character in _ACCIDENTALS or character in _ADORNMENTS or character in "([{":
        return _room(reader)
    return character in '|:)-"\\'


def _may_break(reader: BarReader) -> bool:
    """Whether a line may end here; a line without notes ends the tune."""
    if reader.blank:
        return may_end(reader)
    return reader.bar.tuplet is None and reader.bar.factor is ONE


def _may_close(reader: BarReader, *, boundary: bool, begun: bool) -> bool:
    """Whether a bar line may come; ``begun``: its sign may still become that of a boundary."""
    bar, meter = reader.bar, reader.meter
    assert meter is not None
    spent, whole = bar.spent, bar.tuplet is None and bar.factor is ONE
    if whole:
        if not bar.notes:
            return boundary or begun
        if spent >= meter or reader.first or ((boundary or begun) and spent + reader.pickup == meter):
            return True
    # A prompt may have left less than any note takes.
    return bar.written is None and not _room(reader)


def _can_go_on(reader: BarReader) -> bool:
    """Whether the open bar can still become full."""
    reader = reader.as_music()
    bar = reader.bar
    if reader.mode == "sign":
        return _may_close(reader, boundary=False, begun=True)
    if bar.written is not None:
        return _fits(reader, bar.written)
    if bar.tuplet or bar.factor is not ONE or reader.mode in ("bracket", "paren"):
        return _room(reader)
    return True


def _room(reader: BarReader) -> bool:
    """Whether any note fits into the open bar."""
    bar = reader.bar
    if bar.written is None:
        return _fits(reader, "")
    settled = bar.copy()
    settled.settle()
    reader = reader.copy()
    reader.bar = settled
    return _fits(reader, "")


def _may_be_settled(reader: BarReader, character: str) -> bool:
    """Whether the note that is being read may have its length, if this character ends it."""
    written = reader.bar.written
    if written is None or character in "0123456789/,'" or (character in "><" and reader.bar.tuplet is None):
        return True
    # What a prompt has made too long may end anywhere.
    return _fits(reader, written, whole=True) or not _fits(reader, written)


def _fits(reader: BarReader, begun: str, *, whole: bool = False) -> bool:
    """Whether the next note, of whose length this much (``whole``: all) is written, can be made to fit into the bar."""
    bar, meter = reader.bar, reader.meter
    assert meter is not None
    scale = bar.unit * bar.factor * bar.ratio * (bar.base if bar.written is not None else ONE)
    count, among, equal = 0, bar.unit * bar.ratio, None
    if bar.tuplet:
        count = bar.tuplet[0] - 1
        if bar.tuplet[0] < bar.tuplet[2] and bar.last is not None:
            equal = bar.last / among
    grid = _grid(bar.unit / 4, meter)
    return _some_length_fits(begun, whole, meter - bar.settled, scale, count, among, equal, grid)


@lru_cache(maxsize=65_536)
def _some_length_fits(
    begun: str,
    whole: bool,
    left: Fraction,
    scale: Fraction,
    count: int,
    among: Fraction,
    equal: Fraction | None,
    grid: Fraction,
) -> bool:
    """Whether a length that starts so, with ``count`` equal notes behind it, leaves a multiple of the grid.

    Where no length at all does, one that is not longer than what is left will do.
    """
    if left <= 0:
        return False

    def leaves(written: str, exact: bool) -> bool:
        length = note_length(written)
        rest = left - length * scale - length * count * among
        return equal in (None, length) and rest >= 0 and not (exact and rest % grid)

    exact = any(leaves(written, exact=True) for written in _LENGTHS)
    if whole:
        return leaves(begun, exact)
    return any(written.startswith(begun) and leaves(written, exact) for written in _LENGTHS)


@lru_cache(maxsize=1024)
def _grid(unit: Fraction, meter: Fraction) -> Fraction:
    """The largest length of which both are multiples."""
    below = unit.denominator * meter.denominator
    return Fraction(gcd(unit.numerator * meter.denominator, meter.numerator * unit.denominator), below)
