"""Texts as whole numbers and back: bytes, characters, words, or pieces of words."""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from ostinato.data.language.byte_pairs import Merges, Splitter, learn_merges, pieces_of
from ostinato.data.language.cutting import units
from ostinato.data.language.spelling import NOT_KNOWN, Speller, speller
from ostinato.data.words import Vocabulary
from ostinato.errors import ArtifactError, DataError, OptionError, nearest

Ids = NDArray[numpy.int32]
# Where the tokens have one of this name, it stands before each document and after the last one.
MARK = "<end>"
KINDS = ("bytes", "characters", "words", "bpe")
# Names the rules of each kind in model files, so that a model is never used with other rules than it was trained with.
_RULES = {"bytes": "bytes-1", "characters": "characters-1", "words": "words-1", "bpe": "bpe-1"}
_MOST = 1 << 24


@dataclass(frozen=True)
class Tokens:
    """What a language model reads and writes: the numbers of a text's parts, and the text of numbers.

    >>> tokens = Tokens.learn(["to be or not to be"], kind="characters", specials=("<end>",))
    >>> tokens.size, tokens.encode("bee?"), tokens.decode(tokens.encode("bee"))
    (9, array([5, 6, 6, 1], dtype=int32), 'bee')
    >>> tokens.special("<end>"), tokens.unknown
    (0, 1)

    ``specials`` have the first ids, in their order; no text gives them, and they are written as nothing. Then comes the
    unknown one, for characters and words (bytes and "bpe" know every text), then the others: the 256 bytes and what
    pairs of pieces make (``merges``), or ``pieces``, frequent ones first. Texts come back as they were for bytes and
    "bpe", and for characters that are known. Words are split as by :class:`~ostinato.data.words.Vocabulary`, each
    line's end is a token, and blanks are put where a reader expects them. Half a surrogate pair becomes U+FFFD.
    """

    kind: str
    pieces: tuple[str, ...] = ()
    merges: Merges = ()
    specials: tuple[str, ...] = ()
    lowercase: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise OptionError(f"unknown kind of tokens '{self.kind}'; {nearest(self.kind, KINDS)}")
        _check_specials(self.specials)
        if self.lowercase and self.kind != "words":
            raise OptionError(f"lowercase is for words, and these tokens are {self.kind}; leave it out")

    @classmethod
    def learn(
        cls,
        texts: Iterable[str],
        *,
        kind: str = "characters",
        size: int | None = None,
        min_count: int | None = None,
        specials: Sequence[str] = (),
        lowercase: bool = False,
    ) -> Tokens:
        """Find the tokens of some texts, or of the chunks of one that is too long to be held.

        ``size`` is the most ids there may be, all included: 8,000 for "bpe" unless given; any number for characters and
        words. ``min_count`` is how often a character, word (default 1) or pair of pieces (2) occurs to become one.
        ``lowercase`` reads words in small letters.
        """
        empty = cls(kind, specials=tuple(specials), lowercase=lowercase)
        if kind == "bytes":
            if size is not None or min_count is not None:
                raise OptionError("bytes are always 256; leave size and min_count out")
            return empty
        count = 1 if kind != "bpe" else 2
        count = count if min_count is None else min_count
        if type(count) is not int or count < 1:
            raise OptionError(f"min_count wanted a whole number from 1 on, got {min_count!r:.40}")
        most = (8000 if kind == "bpe" else _MOST) if size is None else size
        least = empty.size + (1 if kind != "bpe" else 0)
        if type(most) is not int or not least <= most <= _MOST:
            raise OptionError(f"size wanted a whole number from {least} to {_MOST} for {kind}, got {size!r:.40}")
        checked = (_whole(text) for text in _checked(texts))
        if kind == "bpe":
            merges = learn_merges(checked, most - len(specials), count)
            return cls(kind, merges=merges, specials=empty.specials)
        counted: Counter[str] = Counter()
        for text in checked:
            counted.update(text if kind == "characters" else empty._words(text))
        if not counted:
            raise DataError(f"tokens wanted at least one of the {kind} to learn from, got none")
        frequent = sorted((-n, piece) for piece, n in counted.items() if n >= count)
        pieces = tuple(piece for _, piece in frequent[: most - empty.size])
        if not pieces:
            raise DataError(f"none of {len(counted)} {kind} occurs {count} times; lower min_count")
        return cls(kind, pieces, specials=empty.specials, lowercase=lowercase)

    @functools.cached_property
    def size(self) -> int:
        """The number of ids."""
        return self.first + len(self._spelt)

    @property
    def first(self) -> int:
        """The first id that stands for text."""
        return len(self.specials) + (self.unknown is not None)

    @property
    def unknown(self) -> int | None:
        """The id of what is not known; None where all is."""
        return len(self.specials) if self.kind in ("characters", "words") else None

    def special(self, name: str) -> int:
        """The id of a special token."""
        if name not in self.specials:
            raise OptionError(f"there is no special token '{name}'; {nearest(name, self.specials)}")
        return self.specials.index(name)

    def encode(self, text: str) -> Ids:
        """The ids of a text: int32 [n]."""
        if not isinstance(text, str):
            raise DataError(f"encode wanted a str, got {type(text).__name__}")
        text = _whole(text)
        if self.kind == "bytes":
            raw = numpy.frombuffer(text.encode(), numpy.uint8).astype(numpy.int32)
            shifted: Ids = raw + numpy.int32(self.first)
            return shifted
        if self.kind == "characters":
            points = numpy.frombuffer(text.encode("utf-32-le"), numpy.uint32)
            table = self._table
            known: Ids = table[numpy.minimum(points, len(table) - 1)]
            return known
        if self.kind == "words":
            numbers: Iterator[list[int]] = ([self._number[word] for word in self._words(part)] for part in units(text))
        else:
            numbers = self._splitter.split(text)
        parts = [numpy.array(part, numpy.int32) + numpy.int32(self.first) for part in numbers]
        return numpy.concatenate(parts) if parts else numpy.zeros(0, numpy.int32)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids; special ones are left out, unknown ones and broken characters are U+FFFD."""
        spelt = self.decoder()
        return "".join([spelt.push(int(k)) for k in self._checked_ids(ids)]) + spelt.end()

    def decoder(self) -> Speller:
        """Writes a text as its ids come: ``push(id)`` gives what is ready, ``end()`` the rest.

        >>> spelt = Tokens("bytes").decoder()
        >>> [spelt.push(k) for k in "né".encode()]
        ['n', '', 'é']
        """
        return speller(self.kind, self._written)

    @functools.cached_property
    def strings(self) -> tuple[str | None, ...]:
        """What each id writes by itself: None for special and unknown ones, U+FFFD for parts of a character."""
        nothing: tuple[str | None, ...] = (None,) * self.first
        return nothing + tuple(p if isinstance(p, str) else p.decode("utf-8", "replace") for p in self._spelt)

    @functools.cached_property
    def lengths(self) -> NDArray[numpy.int64]:
        """Characters and bytes of each id: int64 [size, 2]; where words are split, the blank before is counted.

        Special ids have none, and one that is unknown counts as one character of one byte.
        """
        found = numpy.zeros((self.size, 2), numpy.int64)
        if self.unknown is not None:
            found[self.unknown] = 1
        for place, piece in enumerate(self._spelt, start=self.first):
            raw = piece if isinstance(piece, bytes) else piece.encode()
            blank = self.kind == "words" and piece != "\n"
            # The bytes 80 to BF go on with a character.
            found[place] = sum(byte & 0xC0 != 0x80 for byte in raw) + blank, len(raw) + blank
        return found

    @functools.cached_property
    def digest(self) -> str:
        """Names these tokens: equal ones give equal names."""
        plain = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(plain.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The tokens as plain data for the manifest of a model file."""
        data: dict[str, Any] = {"kind": self.kind, "rules": _RULES[self.kind], "specials": list(self.specials)}
        if self.kind == "characters":
            data["pieces"] = "".join(self.pieces)
        elif self.kind == "words":
            data |= {"pieces": list(self.pieces), "lowercase": self.lowercase}
        elif self.kind == "bpe":
            data["merges"] = [list(pair) for pair in self.merges]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Tokens:
        """The inverse of :meth:`to_dict`; anything else is an :class:`~ostinato.errors.ArtifactError`."""
        kind = data.get("kind") if isinstance(data, Mapping) else None
        if not isinstance(kind, str) or kind not in KINDS:
            raise ArtifactError(f"tokens wanted a kind, one of {', '.join(KINDS)}, got {kind!r:.40}")
        fields = {"kind", "rules", "specials", *_MORE[kind]}
        if set(data) != fields:
            raise ArtifactError(f"tokens of {kind} wanted the fields {sorted(fields)}, got {sorted(map(str, data))}")
        if data["rules"] != _RULES[kind]:
            raise ArtifactError(
                f"the tokens were made by the rules {data['rules']!r:.40}, and this version knows '{_RULES[kind]}'; "
                "a later version of ostinato may read them"
            )
        specials, pieces, lowercase = data["specials"], data.get("pieces", ()), data.get("lowercase", False)
        if not isinstance(specials, list) or not all(isinstance(name, str) for name in specials):
            raise ArtifactError("the special tokens are a list of words")
        if kind != "bpe" and not isinstance(
            pieces, tuple if kind == "bytes" else str if kind == "characters" else list
        ):
            raise ArtifactError(f"the pieces of {kind} wanted {'a str' if kind == 'characters' else 'a list'}")
        if not all(isinstance(piece, str) and piece for piece in pieces) or len(set(pieces)) != len(pieces):
            raise ArtifactError(f"the pieces of {kind} are not empty, and no two are equal")
        if type(lowercase) is not bool:
            raise ArtifactError("the lowercase of tokens is true or false")
        if not all(_whole(piece) == piece for piece in pieces):
            raise ArtifactError(f"one of the pieces of {kind} holds half a character")
        try:
            made = cls(kind, tuple(pieces), _merges(data.get("merges", [])), tuple(specials), lowercase)
        except OptionError as error:
            raise ArtifactError(f"the tokens cannot be: {error}") from None
        if made.size > _MOST or (kind in ("characters", "words") and not pieces):
            raise ArtifactError(f"tokens wanted from 1 to {_MOST} pieces, got {len(pieces)}")
        return made

    def _words(self, text: str) -> list[str]:
        """The words and signs of a text; each line's end is one."""
        rules = Vocabulary((), lowercase=self.lowercase, ngrams=None)
        first, *lines = text.split("\n")
        found = rules.split(first)
        for line in lines:
            found.append("\n")
            found += rules.split(line)
        return found

    def _checked_ids(self, ids: Iterable[int]) -> NDArray[Any]:
        array: NDArray[Any] = numpy.asarray(ids if hasattr(ids, "__len__") else list(ids))
        if array.size == 0:
            return numpy.zeros(0, numpy.int64)
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise DataError(f"decode wanted whole numbers [n], got {array.dtype} {list(array.shape)}")
        if not 0 <= array.min() <= array.max() < self.size:
            wrong = array[(array < 0) | (array >= self.size)][0]
            raise DataError(f"decode wanted ids from 0 to {self.size - 1}, got {wrong}")
        return array

    @functools.cached_property
    def _spelt(self) -> tuple[Any, ...]:
        return self.pieces if self.kind in ("characters", "words") else pieces_of(self.merges)

    @functools.cached_property
    def _written(self) -> tuple[Any, ...]:
        """What each id writes, None for nothing."""
        unknown = () if self.unknown is None else (NOT_KNOWN,)
        return (*(None for _ in self.specials), *unknown, *self._spelt)

    @functools.cached_property
    def _table(self) -> Ids:
        """The id of each character by its code point, up to one past the highest that is known."""
        points = numpy.array([ord(piece) for piece in self.pieces], numpy.int64)
        table = numpy.full(int(points.max(initial=0)) + 2, self.unknown, numpy.int32)
        table[points] = numpy.arange(len(points)) + self.first
        return table

    @functools.cached_property
    def _number(self) -> Mapping[str, int]:
        return _Known({piece: place for place, piece in enumerate(self.pieces)})

    @functools.cached_property
    def _splitter(self) -> Splitter:
        return Splitter(self.merges)


class _Known(dict[str, int]):
    """Places of words; one that is not known stands before the first."""

    def __missing__(self, word: str) -> int:
        return -1


_MORE = {"bytes": (), "characters": ("pieces",), "words": ("pieces", "lowercase"), "bpe": ("merges",)}


def _checked(texts: Iterable[str]) -> Iterator[str]:
    if isinstance(texts, str):
        raise DataError(f"texts wanted a list of texts, got one str; write [{texts[:30]!r}]")
    for row, text in enumerate(texts, start=1):
        if not isinstance(text, str):
            raise DataError(f"text {row}: wanted text, got {text!r:.60} of type {type(text).__name__}")
        yield text


def _whole(text: str) -> str:
    """The text, half surrogate pairs replaced by U+FFFD; JSON's escapes and broken file names hold such."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _check_specials(names: tuple[str, ...]) -> None:
    for name in names:
        if not isinstance(name, str) or not name or name == "<unknown>" or _whole(name) != name:
            raise OptionError(f"a special token is called by a word such as '<end>', got {name!r:.40}")
    if len(set(names)) < len(names):
        raise OptionError(f"no two special tokens have one name, got {', '.join(names)}")


def _merges(pairs: Any) -> Merges:
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and all(type(k) is int for k in pair) for pair in pairs
    ):
        raise ArtifactError("the merges of tokens are a list of pairs of whole numbers")
    return tuple((left, right) for left, right in pairs)
