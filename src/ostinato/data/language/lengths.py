"""How long notes are in ABC notation, and what an open bar has of them.

Lengths are shares of a whole note. Source: Walshaw et al., the ABC music standard 2.1 (2011).
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

_ZERO, ONE = Fraction(0), Fraction(1)
# Longer runs of digits and slashes than these, and finer shares of a whole note, come from no score.
_DIGITS_KEPT, _SLASHES_KEPT, _FINEST = 3, 8, 10**9
# How many notes of a tuplet (p take the time of how many; 0 stands for 3 in compound meters and 2 in others.
TUPLETS = {2: 3, 3: 2, 4: 3, 5: 0, 6: 2, 7: 0, 8: 3, 9: 0}
_QUOTIENT = re.compile(r"^\s*\(?\s*([0-9]{1,3}(?:\s*\+\s*[0-9]{1,3}){0,8})\s*\)?\s*/\s*([0-9]{1,3})\s*$")


@lru_cache(maxsize=4096)
def note_length(written: str) -> Fraction:
    """How many units the digits and slashes behind a note make of it.

    >>> [str(note_length(text)) for text in ("", "3", "/", "//", "3/2", "/4")]
    ['1', '3', '1/2', '1/4', '3/2', '1/4']
    """
    digits, slash, rest = written.partition("/")
    above = int(digits or "1")
    if not slash:
        return Fraction(above)
    below = rest.replace("/", "")
    # A length over nothing is a slip of the pen.
    return Fraction(above, int(below) or 1) if below else Fraction(above, 2 ** (1 + rest.count("/")))


def longer(written: str, symbol: str) -> str:
    """The digits and slashes of a note with one more; those that no note has are dropped."""
    _, slash, rest = written.partition("/")
    if symbol == "/":
        return written + symbol if rest.count("/") < _SLASHES_KEPT else written
    return written + symbol if len(rest if slash else written) < _DIGITS_KEPT + rest.count("/") else written


def read_meter(text: str) -> tuple[Fraction | None, bool]:
    """The length of a bar that the value of a field M: asks for (None: free), and whether the meter is compound.

    >>> read_meter("6/8"), read_meter("C|"), read_meter("none")
    ((Fraction(3, 4), True), (Fraction(1, 1), False), (None, False))
    """
    if text.strip() in ("C", "C|"):
        return ONE, False
    found = _QUOTIENT.match(text)
    if found is None:
        return None, False
    above, below = sum(int(part) for part in found[1].split("+")), int(found[2])
    if above == 0 or below == 0:
        return None, False
    return Fraction(above, below), above % 3 == 0 and above > 3 and below >= 8


class OpenBar:
    """The notes since the last bar line.

    >>> bar = OpenBar(Fraction(1, 8))
    >>> bar.start_note(); bar.break_rhythm(">"); bar.start_note(); bar.spent
    Fraction(1, 4)

    ``settled``: how long those together are whose length is known; ``written``: the digits and slashes so far of the
    note that is being read (None: there is none); ``factor``: what broken rhythm makes of the next note; ``tuplet``:
    how many notes of a tuplet are still to come, what it makes of each, and how many it has; ``last``: the note
    before, by itself.
    """

    __slots__ = ("base", "factor", "last", "notes", "run", "settled", "tuplet", "unit", "written")

    def __init__(self, unit: Fraction) -> None:
        self.unit = unit
        self.settled, self.notes = _ZERO, 0
        self.written: str | None = None
        self.base = ONE
        self.last: Fraction | None = None
        self.run = 0
        self.factor = ONE
        self.tuplet: tuple[int, Fraction, int] | None = None

    def copy(self) -> OpenBar:
        """An equal bar that can go on in another way."""
        twin = OpenBar.__new__(OpenBar)
        twin.unit, twin.settled, twin.notes, twin.written = self.unit, self.settled, self.notes, self.written
        twin.base, twin.last, twin.run = self.base, self.last, self.run
        twin.factor, twin.tuplet = self.factor, self.tuplet
        return twin

    @property
    def spent(self) -> Fraction:
        """How long all notes are together, the one that is being read as far as it is written."""
        return self.settled + (_ZERO if self.written is None else self._length(self.written))

    @property
    def ratio(self) -> Fraction:
        """What a tuplet makes of the next note."""
        return self.tuplet[1] if self.tuplet else ONE

    def _length(self, written: str) -> Fraction:
        length = note_length(written) * self.unit
        for part in (self.base, self.factor, self.ratio):
            if part is not ONE:
                length *= part
        return length

    def start_note(self, base: Fraction = ONE) -> None:
        """A note (or rest, or chord) begins; ``base`` is how many units it takes if nothing is written behind it."""
        self.settle()
        self.written, self.base = "", base
        self.notes += 1

    def settle(self) -> None:
        """Nothing more is written behind the note that was being read."""
        if self.written is None:
            return
        length = self._length(self.written)
        self.settled += length
        if self.settled.denominator > _FINEST:
            self.settled = self.settled.limit_denominator(_FINEST)
        # Broken rhythm divides what the two notes have together.
        self.last = length if self.factor is ONE else length / self.factor
        self.written, self.factor, self.run = None, ONE, 0
        if self.tuplet:
            count, ratio, members = self.tuplet
            self.tuplet = (count - 1, ratio, members) if count > 1 else None

    def break_rhythm(self, sign: str) -> None:
        """One more sign of broken rhythm after a note: A>B, A>>B, A<B."""
        self.settle()
        toward = 1 if sign == ">" else -1
        if self.last is None or self.run * toward < 0 or abs(self.run) >= 3:
            return
        self.run += toward
        share = Fraction(1, 2 ** abs(self.run))
        self.settled += toward * self.last * share
        self.factor = share if toward > 0 else 2 - share

    def start_tuplet(self, spec: str, compound: bool) -> None:
        """A tuplet (p, (p:q or (p:q:r, without its parenthesis: p notes in the time of q, for the next r notes."""
        count, time, members = ([int(part) if part else 0 for part in spec.split(":")] + [0, 0])[:3]
        if count in TUPLETS:
            time = time or TUPLETS[count] or (3 if compound else 2)
            self.tuplet = (members or count, Fraction(time, count), members or count)
