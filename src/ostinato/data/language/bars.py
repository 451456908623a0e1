"""ABC notation read a character at a time: which notes stand in which bar, and how long they are together.

>>> reader = BarReader()
>>> reader.read("X:1\\nM:3/4\\nL:1/8\\nK:G\\nD2 | G2 B>c d2 | e2 d4 | ")
>>> [str(bar.length) for bar in reader.closed]
['1/4', '3/4', '3/4']
>>> reader.read("G2 (3ABc")
>>> str(reader.bar.spent), reader.meter
('1/2', Fraction(3, 4))

Any text can be read; what is no ABC has no length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from ostinato.data.language.lengths import TUPLETS, OpenBar, longer, note_length, read_meter

NOTES = frozenset("ABCDEFGabcdefgzx")
DIGITS = frozenset("0123456789")
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
# Longer ones than these are hostile: signs of a bar line, a tuplet's numbers, a field, a decoration.
_SIGNS_KEPT, _TUPLET_KEPT, _FIELD_KEPT, _MARK_KEPT = 8, 5, 200, 30
_UNIT = Fraction(1, 8)


@dataclass
class Bar:
    """What stood between two bar lines: its length, the meter's (None: free), and its place in its section.

    ``first`` and ``last``: whether a section (the tune, or what double bars and repeats part it into) starts or ends
    with it. Behind the number of an ending no section starts.
    """

    length: Fraction
    meter: Fraction | None
    first: bool
    last: bool


class BarReader:
    """A reader of tunes that can be copied at any character; ``closed`` are the bars since it was made or copied.

    A tune starts after its field K: and ends with a blank line, or where another starts. Grace notes, chord symbols,
    decorations and spacers take no time, a chord that of its first note. A change of meter or unit counts from where it
    stands. ``bar`` is the one that is open, ``pickup`` the length of the short bar that its section started with.
    """

    __slots__ = (
        "_back",
        "_inner",
        "_members",
        "_unit_given",
        "after_sign",
        "bar",
        "blank",
        "closed",
        "compound",
        "first",
        "fresh",
        "held",
        "meter",
        "mode",
        "pickup",
        "sign",
    )

    def __init__(self) -> None:
        self.closed: list[Bar] = []
        self._new_tune()

    def _new_tune(self) -> None:
        self.mode, self._back = "header", "music"
        self.meter: Fraction | None = None
        self._unit_given = self.compound = False
        self.held = self._inner = self.sign = ""
        self._members = 0
        # Nothing stands on this line yet; nothing but spaces.
        self.fresh = self.blank = True
        self.first = self.after_sign = True
        self.pickup = Fraction(0)
        self.bar = OpenBar(_UNIT)

    def copy(self) -> BarReader:
        """A reader in the same place, which has closed no bar yet."""
        twin = BarReader.__new__(BarReader)
        for name in BarReader.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.closed, twin.bar = [], self.bar.copy()
        return twin

    def read(self, text: str) -> None:
        """Read on."""
        for character in text:
            _MODES[self.mode](self, character)

    def finish(self) -> None:
        """Close the bar that is open at the end of a text."""
        if self.mode in ("letter", "colon"):
            self.read(" ")
        if self.mode == "sign":
            self._close(boundary=True)
        self._end_tune()

    def as_music(self) -> BarReader:
        """Itself, or after a letter that starts a line (it may name a field) a copy that takes it for music."""
        if self.mode not in ("letter", "colon"):
            return self
        twin = self.copy()
        twin.mode = "music"
        twin._symbol(self.held)
        if self.mode == "colon":
            twin._symbol(":")
        return twin

    def _close(self, boundary: bool) -> None:
        """A bar line; behind a boundary starts a section."""
        self.bar.settle()
        if self.bar.notes:
            length = self.bar.settled
            if self.first:
                self.pickup = length if self.meter is not None and length < self.meter else Fraction(0)
            self.closed.append(Bar(length, self.meter, self.first, boundary))
            self.first = boundary
        else:
            self.first = self.first or boundary
            if boundary and self.closed:
                self.closed[-1].last = True
        self.after_sign = True
        self.bar = OpenBar(self.bar.unit)

    def _end_tune(self) -> None:
        if self.bar.notes:
            self._close(boundary=True)
        elif self.closed:
            self.closed[-1].last = True
        self._new_tune()

    def _end_line(self) -> None:
        self.mode = "music"
        self.fresh = self.blank = True

    # What a character means, by what stands before it.

    def _header(self, character: str) -> None:
        if character != "\n":
            self._hold(character)
            return
        line, self.held = self.held, ""
        if line[1:2] == ":":
            self._field(line[0], line[2:])
            if line[0] == "K":
                self._end_line()

    def _hold(self, character: str) -> None:
        if len(self.held) < _FIELD_KEPT:
            self.held += character

    def _field(self, letter: str, value: str) -> None:
        value = value.partition("%")[0].strip()
        if letter == "X":
            self._end_tune()
        elif letter == "M":
            self.meter, self.compound = read_meter(value)
            if not self._unit_given:
                short = self.meter is not None and self.meter < Fraction(3, 4)
                self.bar.unit = Fraction(1, 16) if short else _UNIT
        elif letter == "L":
            unit, _ = read_meter(value if "/" in value else f"{value}/1")
            if unit is not None:
                self.bar.unit, self._unit_given = unit, True
        elif letter == "V":
            # Each voice has bars of its own.
            self.bar, self.after_sign = OpenBar(self.bar.unit), True

    def _music(self, character: str) -> None:
        if self.blank:
            if character == "\n":
                self._end_tune()
                return
            fresh, self.fresh = self.fresh, False
            self.blank = character in " \t\r"
            if fresh and character in _LETTERS:
                self.bar.settle()
                self.held, self.mode = character, "letter"
                return
        self._symbol(character)

    def _symbol(self, character: str) -> None:
        """A character of music, wherever on a line it stands."""
        if character in NOTES:
            self.bar.start_note()
            self.after_sign = False
        elif character in DIGITS or character == "/":
            if self.bar.written is not None:
                self.bar.written = longer(self.bar.written, character)
            elif self.after_sign and character != "/":
                self._number()
        elif character in "><":
            self.bar.break_rhythm(character)
        elif character not in ",'":
            self.bar.settle()
            self._rest_of_symbols(character)

    def _rest_of_symbols(self, character: str) -> None:
        if character == "\n":
            self._end_line()
        elif character in _OPENING:
            self.mode, self.sign = _OPENING[character], character
            self.held, self._back = "", "music"
        elif character == "Z" and self.meter:
            # A rest of whole bars, however many.
            self.bar.start_note(self.meter / self.bar.unit)
            self.bar.settle()
        elif character == "&":
            # Another voice for the same bar.
            self.bar = OpenBar(self.bar.unit)

    def _number(self) -> None:
        """The number of an ending: its bar starts no section."""
        self.first, self.mode = False, "number"

    def _letter(self, character: str) -> None:
        """After a letter that starts a line: a field, or music."""
        if character == ":":
            self.mode = "colon"
            return
        self.mode = "music"
        self._symbol(self.held)
        _MODES[self.mode](self, character)

    def _colon(self, character: str) -> None:
        """After a letter and a colon: ``E:|`` is music, ``E: `` is not."""
        if character in "|:":
            self.mode = "music"
            self._symbol(self.held)
            self._symbol(":")
            _MODES[self.mode](self, character)
            return
        self.mode, self.held = "field", f"{self.held}:"
        self._in_field(character)

    def _in_field(self, character: str) -> None:
        if character != "\n":
            self._hold(character)
            return
        self._end_line()
        self._field(self.held[0], self.held[2:])
        self.held = ""

    def _inline(self, character: str) -> None:
        """A field in brackets."""
        if character not in "]\n":
            self._hold(character)
            return
        self.mode = "music"
        if character == "\n":
            self._end_line()
        if self.held[0] != "X":
            self._field(self.held[0], self.held[2:])

    def _comment(self, character: str) -> None:
        if character == "\n":
            self._end_line()

    def _quote(self, character: str) -> None:
        if character == '"':
            self.mode = self._back
        elif character == "\n":
            self._end_line()

    def _grace(self, character: str) -> None:
        if character == "}":
            self.mode = "music"
        elif character == "\n":
            self._end_line()

    def _mark(self, character: str) -> None:
        """Inside ``!trill!``; what is never closed was an old sign for the end of a line, and then music."""
        if character == self.sign:
            self.mode = "music"
        elif character in "|\n" or len(self.held) >= _MARK_KEPT:
            held, self.mode = self.held, "music"
            self.read(held + character)
        else:
            self.held += character

    def _paren(self, character: str) -> None:
        """After an opening parenthesis: a tuplet, or a slur."""
        if character in DIGITS and int(character) in TUPLETS:
            self.mode, self.held = "tuplet", character
            self.bar.start_tuplet(character, self.compound)
            return
        self.mode = "music"
        if character not in DIGITS:
            self._symbol(character)

    def _in_tuplet(self, character: str) -> None:
        """After (p, which may go on as (p:q or (p:q:r."""
        if character == ":" or character in DIGITS:
            if len(self.held) < _TUPLET_KEPT:
                self.held += character
                self.bar.start_tuplet(self.held, self.compound)
            return
        self.mode = "music"
        self._symbol(character)

    def _in_sign(self, character: str) -> None:
        if character in "|:":
            if len(self.sign) < _SIGNS_KEPT:
                self.sign += character
            return
        closes = character == "]" and self.sign[-1] == "|"
        self.mode = "music"
        # A colon alone is no bar line.
        if "|" in self.sign or "::" in self.sign:
            self._close(boundary=closes or len(self.sign) > 1)
        if not closes:
            self._symbol(character)

    def _in_number(self, character: str) -> None:
        if character not in DIGITS and character not in ",-.":
            self.mode = "music"
            self._symbol(character)

    def _bracket(self, character: str) -> None:
        """After an opening bracket: an ending, a thick bar line, a field, or a chord."""
        if character in DIGITS:
            self.mode = "number"
            if self.after_sign:
                self._number()
        elif character == "|":
            self.mode, self.sign = "sign", "[|"
        else:
            self.mode, self.held, self._inner, self._members = "chord", "", "", 0
            self._chord(character)

    def _chord(self, character: str) -> None:
        if character == ":" and len(self.held) == 1 and self.held in _LETTERS:
            self.mode, self.held = "inline", f"{self.held}:"
            return
        if len(self.held) < 2:
            self.held += character
        if character == "]":
            self.mode = "music"
            if self._members:
                self.bar.start_note(note_length(self._inner))
                self.after_sign = False
        elif character in "|\n":
            self.mode = "music"
            self._symbol(character)
        elif character == '"':
            self.mode, self._back = "quote", "chord"
        elif character in NOTES:
            self._members += 1
        elif (character in DIGITS or character == "/") and self._members == 1:
            self._inner = longer(self._inner, character)


_OPENING = {
    "|": "sign",
    ":": "sign",
    "[": "bracket",
    "(": "paren",
    "{": "grace",
    '"': "quote",
    "!": "mark",
    "+": "mark",
    "%": "comment",
}
_MODES: dict[str, Callable[[BarReader, str], None]] = {
    "header": BarReader._header,
    "music": BarReader._music,
    "letter": BarReader._letter,
    "colon": BarReader._colon,
    "field": BarReader._in_field,
    "inline": BarReader._inline,
    "comment": BarReader._comment,
    "quote": BarReader._quote,
    "grace": BarReader._grace,
    "mark": BarReader._mark,
    "paren": BarReader._paren,
    "tuplet": BarReader._in_tuplet,
    "sign": BarReader._in_sign,
    "number": BarReader._in_number,
    "bracket": BarReader._bracket,
    "chord": BarReader._chord,
}
