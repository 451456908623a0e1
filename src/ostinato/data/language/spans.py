"""Spans of characters in texts, and the tags of the words that they cover: from one to the other and back."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ostinato.data.language.columns import Sentence
from ostinato.data.language.schemes import Span, spans_of, write_tags
from ostinato.data.words import PATTERN
from ostinato.errors import DataError, OptionError, needs


class Found(NamedTuple):
    """The characters of a text from ``start`` up to, not including, ``end``, what they are called, and what they say.

    >>> Found(20, 27, "area", "kitchen").text
    'kitchen'
    """

    start: int
    end: int
    name: str
    text: str


def split_words(text: str) -> list[tuple[int, int]]:
    """Where the words of a text begin and end, in characters: letters, marks and digits, and every other sign alone.

    >>> text = "turn it off, please"
    >>> [text[start:end] for start, end in split_words(text)]
    ['turn', 'it', 'off', ',', 'please']

    These are the words of :class:`~ostinato.data.words.Vocabulary`; it needs the package tokenizers.
    """
    # As long as before: an apostrophe is a straight one, and half a character, as JSON may hold it, is an odd sign.
    plain = re.sub("[\ud800-\udfff]", "\ufffd", text.replace("\u2019", "'"))
    return [place for _, place in _splitter().pre_tokenize_str(plain)]


def tag_text(
    text: str, spans: Iterable[Sequence[Any]], *, scheme: str = "bio", cut: str = "refuse", place: str = ""
) -> Sentence:
    """The words of a text and their tags, from spans of characters ``(start, end, name)``.

    >>> tag_text("lamp in the kitchen", [(0, 4, "name"), (12, 19, "area")]).tags
    ('B-name', 'O', 'O', 'B-area')

    A span that cuts a word is a :class:`~ostinato.errors.DataError`; ``cut="snap"`` lets it grow to whole words.
    """
    if cut not in ("refuse", "snap"):
        raise OptionError(f"cut wanted 'refuse' or 'snap', got {cut!r:.40}")
    where = f"{place}: " if place else ""
    offsets = split_words(text)
    found = []
    checked = sorted(_checked(span, text, where) for span in spans)
    for one, next_one in pairwise(checked):
        if one[1] > next_one[0]:
            raise DataError(
                f"{where}the spans {_told(one, text)} and {_told(next_one, text)} overlap, and a word has one tag; "
                "keep one"
            )
    for start, end, name in checked:
        inside = [at for at, (first, last) in enumerate(offsets) if first < end and last > start]
        if not inside:
            raise DataError(f"{where}the span {start} to {end} ({text[start:end]!r:.40}) covers no word")
        first, last = offsets[inside[0]][0], offsets[inside[-1]][1]
        if cut == "refuse" and (first < start or last > end):
            raise DataError(
                f"{where}the span {start} to {end} ({text[start:end]!r:.40}) cuts a word of {text[first:last]!r:.60}; "
                "mend it, or let such spans grow to whole words (cut='snap')"
            )
        found.append(Span(inside[0], inside[-1] + 1, name))
    words = tuple(text[first:last] for first, last in offsets)
    try:
        tags = tuple(write_tags(found, len(words), scheme))
    except DataError as error:
        raise DataError(f"{where}{error}") from None
    return Sentence(words, tags, place, text, tuple(offsets))


def _told(span: tuple[int, int, str], text: str) -> str:
    start, end, name = span
    return f"{start} to {end} ({text[start:end]!r:.40}, {name})"


def find_spans(sentence: Sentence, tags: Sequence[str], scheme: str = "bio") -> list[Found]:
    """The spans that some tags mean, in characters of the text, or of its words with spaces between them.

    >>> find_spans(Sentence(("the", "front", "door"), ()), ["O", "B-name", "I-name"])
    [Found(start=4, end=14, name='name', text='front door')]
    """
    text, offsets = sentence.text, sentence.offsets
    if not offsets:
        text, offsets = " ".join(sentence.words), tuple(_joined(sentence.words))
    found = []
    for span in spans_of(tags, scheme):
        start, end = offsets[span.start][0], offsets[span.end - 1][1]
        found.append(Found(start, end, span.name, text[start:end]))
    return found


def read_spans(value: Any, where: str = "") -> list[Any]:
    """The spans of a field: a list of ``[start, end, name]`` or of objects, or the same as JSON in a text.

    >>> read_spans('[{"start": 0, "end": 4, "label": "name"}]')
    [(0, 4, 'name')]

    An object calls the name ``label``, ``name``, ``slot``, ``entity`` or ``tag``.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else []
        except (ValueError, RecursionError):
            raise DataError(f'{where}spans wanted a list such as [[0, 4, "name"]], got {value!r:.60}') from None
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise DataError(f'{where}spans wanted a list such as [[0, 4, "name"]], got {value!r:.60}')
    return [_read_one(span, where) for span in value]


def _read_one(span: Any, where: str) -> Any:
    if not isinstance(span, Mapping):
        return span
    name = next((span[key] for key in ("label", "name", "slot", "entity", "tag") if key in span), None)
    return span.get("start"), span.get("end"), name


def _checked(span: Sequence[Any], text: str, where: str) -> tuple[int, int, str]:
    parts = list(span)[:3] if isinstance(span, list | tuple) else []
    if len(parts) != 3 or not all(type(part) is int for part in parts[:2]) or not isinstance(parts[2], str):
        raise DataError(f'{where}a span wanted a start, an end and a name, such as [0, 4, "name"], got {span!r:.60}')
    start, end, name = parts
    if not name.strip():
        raise DataError(f"{where}the span {start} to {end} has no name")
    if not 0 <= start < end <= len(text):
        raise DataError(
            f"{where}the span {start} to {end} does not lie in a text of {len(text)} characters; they count from 0, "
            "and the end is the first one behind"
        )
    return start, end, name


def _joined(words: Sequence[str]) -> Iterable[tuple[int, int]]:
    at = 0
    for word in words:
        yield at, at + len(word)
        at += len(word) + 1


@functools.cache
def _splitter() -> Any:
    tokenizers = needs("tokenizers", "text")
    return tokenizers.pre_tokenizers.Split(tokenizers.Regex(PATTERN), behavior="removed", invert=True)
