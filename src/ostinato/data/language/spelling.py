"""From ids to text, one at a time: what is ready is written, and what is no whole character waits."""

from __future__ import annotations

import codecs
import copy
from collections.abc import Sequence
from typing import Any, Protocol

NOT_KNOWN = "\ufffd"
# Between words stands a blank, but not before these, nor after those.
_CLOSING = frozenset(".,;:!?)]}%…»”’'\n")
_OPENING = frozenset("([{«“‘\n")


class Speller(Protocol):
    """Writes a text as its ids come."""

    def push(self, token: int) -> str:
        """What is ready to be written once this id has come; perhaps nothing."""

    def end(self) -> str:
        """What is left when no id follows: U+FFFD for a character that was never completed."""

    def fork(self) -> Speller:
        """Another that stands where this one stands."""


def speller(kind: str, table: Sequence[Any]) -> Speller:
    """A speller for a kind of tokens; ``table`` has what each id writes, None for nothing."""
    if kind == "words":
        return _Words(table)
    return _Characters(table) if kind == "characters" else _Bytes(table)


class _Characters:
    def __init__(self, table: Sequence[str | None]) -> None:
        self._table = table

    def push(self, token: int) -> str:
        return self._table[token] or ""

    def end(self) -> str:
        return ""

    def fork(self) -> Speller:
        return self


class _Words:
    """Words and signs with blanks between them, as a reader expects them in most languages of Latin letters."""

    def __init__(self, table: Sequence[str | None]) -> None:
        self._table = table
        self._last = "\n"

    def push(self, token: int) -> str:
        word = self._table[token]
        if word is None:
            return ""
        close = word in _CLOSING or self._last in _OPENING
        self._last = word
        return word if close else f" {word}"

    def end(self) -> str:
        return ""

    def fork(self) -> Speller:
        return copy.copy(self)


class _Bytes:
    """Bytes as UTF-8; the beginning of a character waits for the rest of it."""

    def __init__(self, table: Sequence[bytes | None]) -> None:
        self._table = table
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token: int) -> str:
        piece = self._table[token]
        return self._utf8.decode(piece) if piece else ""

    def end(self) -> str:
        rest = self._utf8.decode(b"", final=True)
        self._utf8.reset()
        return rest

    def fork(self) -> Speller:
        other = _Bytes(self._table)
        other._utf8.setstate(self._utf8.getstate())
        return other
