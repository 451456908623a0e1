"""Pretrained vectors of words, read from .vec and GloVe files for the words of a vocabulary alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

import numpy
from numpy.typing import NDArray

from ostinato.data.files import find_file, not_utf8
from ostinato.errors import DataError

# A line with a word and its numbers has at most so many bytes.
_LONGEST_LINE = 1 << 20
_MOST_NUMBERS = 1 << 16


class Vectors(NamedTuple):
    """The vectors of some words: float32 [n, width], and which of them the file has: bool [n]; the others are zeros."""

    matrix: NDArray[numpy.float32]
    found: NDArray[numpy.bool_]


def read_vectors(path: str | os.PathLike[str], words: Sequence[str], *, fold: bool = True) -> Vectors:
    """The vectors of some words from a text file with a word and its numbers on each line.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "a.vec").write_text("2 3\\nlamp 1 2 3\\nlight 0 1 0\\n")
    ...     read_vectors(f"{folder}/a.vec", ["light", "cow"])
    Vectors(matrix=array([[0., 1., 0.],
           [0., 0., 0.]], dtype=float32), found=array([ True, False]))

    A first line of two whole numbers (how many words, how wide) may stand there, as in fastText's .vec, or not, as in
    GloVe. The file is read line by line, and only what is asked for is kept. Of a word that stands there twice the
    first line counts. With ``fold``, a word that the file does not have takes the vector of its small letters. A line
    of another width than the first is refused with its number.
    """
    source = os.fsdecode(path)
    places = {word: place for place, word in enumerate(words)}
    folded: dict[str, list[int]] = {}
    if fold:
        for word, place in places.items():
            if word.lower() != word:
                folded.setdefault(word.lower(), []).append(place)
    reader = _Reader(source)
    try:
        with find_file(source, (".vec", ".txt")).open("rb") as file:
            matrix, exact, small = reader.read(file, places, folded, len(words))
    except OSError as error:
        raise DataError(f"{source:.80} cannot be read: {error.strerror}") from None
    return Vectors(matrix, exact | small)


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.number = self.begin = self.width = self.lines = self._declared = self._announced = 0

    def read(
        self, file: BinaryIO, places: dict[str, int], folded: dict[str, list[int]], count: int
    ) -> tuple[NDArray[numpy.float32], NDArray[numpy.bool_], NDArray[numpy.bool_]]:
        """The matrix, which words have a line of their own, and which one of their small letters."""
        exact, small = numpy.zeros(count, bool), numpy.zeros(count, bool)
        matrix = numpy.zeros((count, 0), numpy.float32)
        while line := file.readline(_LONGEST_LINE):
            self.number += 1
            fields = line.rstrip(b"\r\n").rstrip(b" ").split(b" ")
            if not (self.number == 1 and self._header(fields)) and line.strip():
                if not self.width:
                    self._begin(fields, line)
                    matrix = numpy.zeros((count, self.width), numpy.float32)
                elif len(fields) <= self.width:
                    raise self._wrong(len(fields) - 1, line)
                self.lines += 1
                word = self._word(b" ".join(fields[: -self.width]))
                place = places.get(word)
                if (place is not None and not exact[place]) or any(not small[k] for k in folded.get(word, ())):
                    vector = self._vector(fields)
                    if place is not None and not exact[place]:
                        matrix[place], exact[place] = vector, True
                    for k in folded.get(word, ()):
                        if not (exact[k] or small[k]):
                            matrix[k], small[k] = vector, True
            self.begin += len(line)
        if not self.width:
            raise DataError(f"{self.source} is empty; wanted a word and its numbers on each line")
        if self.lines < self._announced:
            raise DataError(
                f"{self.source} announces {self._announced:,} words in its first line and has {self.lines:,}; is it "
                "cut off? Mend the line if not"
            )
        return matrix, exact, small

    def _header(self, fields: list[bytes]) -> bool:
        """Whether the first line tells the size: two whole numbers."""
        if len(fields) != 2 or not all(field.isdigit() for field in fields) or len(fields[1]) > 9:
            return False
        self._announced, self._declared = int(fields[0]), int(fields[1])
        return True

    def _begin(self, fields: list[bytes], line: bytes) -> None:
        self.width = self._declared or len(fields) - 1
        if self.width > _MOST_NUMBERS or self.width < 1:
            raise DataError(
                f"{self.source}, line {self.number}: wanted a word and from 1 to {_MOST_NUMBERS} numbers, with a blank "
                f"between them, got {self.width} numbers"
            )
        if len(fields) - 1 < self.width:
            raise self._wrong(len(fields) - 1, line)

    def _wrong(self, came: int, line: bytes) -> DataError:
        cut = "" if line.endswith(b"\n") else "; is the file cut off?"
        return DataError(
            f"{self.source}, line {self.number}: wanted a word and {self.width} numbers, as before, got {came}{cut}"
        )

    def _word(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            what = not_utf8(self.source, self.begin + error.start, raw[error.start])
            raise DataError(f"{self.source}, line {self.number}: {what}") from None

    def _vector(self, fields: list[bytes]) -> NDArray[numpy.float32]:
        try:
            with numpy.errstate(over="ignore"):
                vector = numpy.array([float(field) for field in fields[-self.width :]], numpy.float32)
        except ValueError:
            vector = numpy.full(1, numpy.nan, numpy.float32)
        if not numpy.isfinite(vector).all():
            raise DataError(
                f"{self.source}, line {self.number}: wanted a word and {self.width} finite numbers, got "
                f"{b' '.join(fields).decode('utf-8', 'replace')!r:.60}"
            )
        return vector
