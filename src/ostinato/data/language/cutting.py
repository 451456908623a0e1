"""Where a text may be cut so that its parts, encoded one by one, give the numbers of the whole."""

from __future__ import annotations

from collections.abc import Iterator

# Longer lines are cut inside; in characters.
LONGEST = 1 << 16


def units(text: str, longest: int = LONGEST) -> Iterator[str]:
    """The parts of a text, each of at most ``longest`` characters.

    >>> list(units("to be\\nor not to be", longest=8))
    ['to be\\n', 'or not', ' to be']

    A cut lies behind a line's end. A line that is longer is cut before its last blank that follows a letter or sign,
    and after ``longest`` characters where there is none. Where the cuts are follows from the text alone.
    """
    begin = 0
    while len(text) - begin > longest:
        end = _cut(text, begin, longest)
        yield text[begin:end]
        begin = end
    if begin < len(text):
        yield text[begin:]


class Units:
    """The units of a text that comes in pieces: the same ones, wherever the pieces were cut.

    >>> cutter = Units(longest=8)
    >>> [*cutter.push("to be\\nor n"), *cutter.push("ot to be"), *cutter.end()]
    ['to be\\n', 'or not', ' to be']
    """

    def __init__(self, longest: int = LONGEST) -> None:
        self.longest = longest
        self._rest = ""

    def push(self, piece: str) -> Iterator[str]:
        """The units that are complete with this piece."""
        text, begin = self._rest + piece, 0
        while len(text) - begin > self.longest:
            end = _cut(text, begin, self.longest)
            yield text[begin:end]
            begin = end
        self._rest = text[begin:]

    def end(self) -> Iterator[str]:
        """What is left at the end of the text."""
        rest, self._rest = self._rest, ""
        if rest:
            yield rest


def _cut(text: str, begin: int, longest: int) -> int:
    """The end of the unit that begins at a place, of a text that goes on for more than a unit."""
    end = begin + longest
    line = text.rfind("\n", begin, end) + 1
    if line > begin:
        return line
    blank = text.rfind(" ", begin + 1, end)
    while blank > begin and text[blank - 1].isspace():
        blank = text.rfind(" ", begin + 1, blank)
    return blank if blank > begin else end
