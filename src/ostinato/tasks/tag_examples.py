"""Tagged sentences from whatever a user has: columns, a table, or lists."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.files import read_text
from ostinato.data.frames import as_list, is_missing
from ostinato.data.language.columns import Sentence, read_columns
from ostinato.data.language.schemes import OUTSIDE, check, convert, repair, scheme_of
from ostinato.data.language.spans import read_spans, split_words, tag_text
from ostinato.data.table import read_table
from ostinato.errors import DataError, OptionError, nearest
from ostinato.tasks.examples import DataWarning

COLUMN_FILES = (".conll", ".conllu", ".conllup", ".iob", ".bio", ".txt")
_WORDS = ("words", "tokens", "text")
_TAGS = ("tags", "spans", "slots", "entities", "labels")


@dataclass(frozen=True)
class Reading:
    """How tags are read: into which scheme, and what is done with what breaks it or cuts a word.

    A ``scheme`` of "auto" is that of the data; None, or "none", knows no spans.
    """

    scheme: str | None = "auto"
    broken: str = "refuse"
    cut: str = "refuse"


@dataclass(frozen=True)
class TaggedExamples:
    """Sentences with their tags in one scheme (None: tags without spans); ``repaired`` tags had broken it."""

    sentences: list[Sentence]
    scheme: str | None
    source: str = ""
    repaired: int = 0

    def __len__(self) -> int:
        return len(self.sentences)

    @property
    def tags(self) -> list[str]:
        """The tags of all words, one sentence after the other."""
        return [tag for sentence in self.sentences for tag in sentence.tags]

    def pick(self, rows: NDArray[np.int64]) -> TaggedExamples:
        """Some of the sentences; each keeps its place."""
        return dataclasses.replace(self, sentences=[self.sentences[row] for row in rows.tolist()])

    def place(self, word: int) -> str:
        """Where the word of a number (counted from 0, through all sentences) stands, in words for messages."""
        for sentence in self.sentences:
            if word < len(sentence):
                return f"{sentence.place}, word {word + 1}"
            word -= len(sentence)
        return "nowhere"

    def digest(self) -> str:
        """A fingerprint of all words and tags in their order."""
        sha = hashlib.sha256()
        for sentence in self.sentences:
            for part in (sentence.words, sentence.tags):
                sha.update("\0".join(part).encode(errors="surrogatepass") + b"\1")
        return sha.hexdigest()


def read_tagged(
    source: Any,
    tags: Any = None,
    *,
    word: str | int | None = None,
    tag: str | int | None = None,
    reading: Reading | None = None,
) -> TaggedExamples:
    """Tagged sentences from a file, a frame, two lists, or a list of pairs.

    >>> read_tagged([(["stop", "it"], ["VERB", "PRON"])]).sentences[0].tags
    ('VERB', 'PRON')
    >>> found = read_tagged(["lamp in the kitchen"], [[(0, 4, "name"), (12, 19, "area")]])
    >>> found.sentences[0].tags, found.scheme
    (('B-name', 'O', 'O', 'B-area'), 'bio')

    A file whose name ends in .conll, .conllu, .iob, .bio or .txt has a word a line, and ``word`` and ``tag`` are its
    columns as :func:`~ostinato.data.language.columns.read_columns` takes them. Of a table they are the names of two
    columns: of lists of words or texts, and of lists of tags or spans of characters, or either as a text.
    """
    reading = reading or Reading()
    if isinstance(source, TaggedExamples):
        return source
    name = os.fsdecode(source) if isinstance(source, str | os.PathLike) else ""
    if name and Path(name).suffix.lower() in COLUMN_FILES:
        if tags is not None:
            raise OptionError(f"{name} holds words with tags; leave out y")
        columns = {"word": 1 if word is None else column_number(word), "tag": -1 if tag is None else column_number(tag)}
        sentences = list(read_columns(read_text(name, COLUMN_FILES), **columns, source=name))
    else:
        sentences, name = _rows(source, tags, word, tag, reading)
    if not any(len(sentence) for sentence in sentences):
        raise DataError(f"{name + ': ' if name else ''}wanted at least one word with a tag, got none")
    return _in_scheme(sentences, reading, name)


def read_words(values: Any) -> list[Sentence]:
    """Sentences without tags, from lists of words or texts.

    >>> [sentence.words for sentence in read_words(["stop it", ["turn", "it", "off"]])]
    [('stop', 'it'), ('turn', 'it', 'off')]
    """
    return [_untagged(value, f"row {row}") for row, value in enumerate(as_list(values, "sentences"), start=1)]


def _untagged(value: Any, place: str) -> Sentence:
    if isinstance(value, str):
        offsets = split_words(value)
        return Sentence(tuple(value[start:end] for start, end in offsets), (), place, value, tuple(offsets))
    return Sentence(_words_of(value, place, "word"), (), place)


def column_number(column: str | int) -> str | int:
    """A column's number, where it is one.

    >>> column_number("-1"), column_number("FORM")
    (-1, 'FORM')
    """
    return int(column) if isinstance(column, str) and column.lstrip("-").isdecimal() else column


def _rows(
    source: Any, tags: Any, word: str | int | None, tag: str | int | None, reading: Reading
) -> tuple[list[Sentence], str]:
    """The sentences of a table or of lists, and the name of the file."""
    if tags is None and isinstance(source, list | tuple):
        pairs = list(source)
        for row, pair in enumerate(pairs, start=1):
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise DataError(f"row {row}: wanted a pair of words and tags, got {pair!r:.60}")
        source, tags = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if tags is not None:
        if word is not None or tag is not None:
            raise OptionError("word= and tag= name columns of a file or frame; with tags given there are none to name")
        given, wanted = as_list(source, "X"), as_list(tags, "y")
        if len(given) != len(wanted):
            raise DataError(f"X and y are equally long, got {len(given):,} sentences and {len(wanted):,} rows of tags")
        places = [f"row {row}" for row in range(1, len(given) + 1)]
        return [_one(*row, reading) for row in zip(given, wanted, places, strict=True)], ""
    table = read_table(source)
    given = table.column(_column(table.columns, word, _WORDS, "words or texts"))
    wanted = table.column(_column(table.columns, tag, _TAGS, "tags or spans"))
    places = [table.place(row) for row in range(len(table))]
    return [_one(*row, reading) for row in zip(given, wanted, places, strict=True)], table.source


def usual_words(columns: Any, named: str | int | None) -> str:
    """The name of the column of words or texts."""
    return _column(columns, named, _WORDS, "words or texts")


def _column(columns: Any, named: str | int | None, usual: Sequence[str], what: str) -> str:
    if named is not None:
        return str(named)
    found = next((name for name in usual if name in columns), None)
    if found is None:
        listed = ", ".join(f"'{name}'" for name in usual)
        raise DataError(f"no column of {what} is named, and none is called {listed}; {nearest(usual[0], columns)}")
    return found


def _one(given: Any, tags: Any, place: str, reading: Reading) -> Sentence:
    """A sentence of a row: a text with spans, or words with tags, either of which may be a text."""
    written = tags.strip() if isinstance(tags, str) else tags
    empty = written is None or written == "" or is_missing(written)
    spans = written[:1] == "[" if isinstance(written, str) else not all(isinstance(t, str) for t in written or ())
    if isinstance(given, str) and (spans or empty or (not isinstance(written, str) and not len(written))):
        scheme = reading.scheme if reading.scheme not in (None, "auto", "none") else "bio"
        found = [] if empty else read_spans(written, f"{place}: ")
        return tag_text(given, found, scheme=str(scheme), cut=reading.cut, place=place)
    words = _words_of(given.split() if isinstance(given, str) else given, place, "word")
    wanted = _words_of([] if empty else written.split() if isinstance(written, str) else written, place, "tag")
    if len(words) != len(wanted):
        raise DataError(f"{place}: wanted a tag for each word, got {len(words)} words and {len(wanted)} tags")
    return Sentence(words, wanted, place)


def _words_of(values: Any, place: str, what: str) -> tuple[str, ...]:
    words = tuple(as_list(values, f"{place}: the {what}s"))
    for at, value in enumerate(words, start=1):
        if not isinstance(value, str) or (what == "tag" and not value.strip()):
            raise DataError(f"{place}: {what} {at} wanted text, got {value!r:.60} of type {type(value).__name__}")
    return words


def _in_scheme(sentences: list[Sentence], reading: Reading, source: str) -> TaggedExamples:
    """All tags in one scheme, those that break it repaired or refused."""
    wanted = reading.scheme
    names = {tag for sentence in sentences for tag in sentence.tags}
    given = None if wanted in (None, "none") else scheme_of(names)
    if wanted in (None, "none") or (wanted == "auto" and given is None):
        return TaggedExamples(sentences, None, source)
    wanted = given if wanted == "auto" else wanted
    assert wanted is not None
    if wanted == "bio" and given == "io":
        # All signs are those of BIO too, where a span that begins inside is a mistake.
        given = wanted
    if given is None and names - {OUTSIDE}:
        odd = sorted(names - {OUTSIDE})[0]
        raise DataError(
            f"{source + ': ' if source else ''}tags in {wanted.upper()} begin with a sign, as B-name, and there is "
            f"'{odd}'; set scheme='none' for tags that are no spans"
        )
    kept, repaired = [], 0
    for sentence in sentences:
        tags = list(sentence.tags)
        if given is not None:
            if reading.broken == "refuse":
                check(tags, given, sentence.place)
            else:
                tags, changed = repair(tags, given)
                repaired += changed
            tags = tags if given == wanted else convert(tags, given, wanted)
        kept.append(dataclasses.replace(sentence, tags=tuple(tags)))
    if repaired:
        shown = f"{source}: " if source else ""
        warnings.warn(
            f"{shown}{repaired:,} tags broke {str(given).upper()} and were repaired", DataWarning, stacklevel=4
        )
    return TaggedExamples(kept, wanted, source, repaired)
