"""From sentences to numbers: normalising, splitting, and a vocabulary of words and character n-grams."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy

from ostinato.data.grams import hash_grams
from ostinato.data.texts import Texts, Types
from ostinato.errors import ArtifactError, DataError, OptionError, needs

__all__ = ["Texts", "Types", "Vocabulary"]

# Names the rules below in model files, so that a model is never used with other rules than it was trained with.
_SPLITTING = "words-1"
# A Chinese character is a word; elsewhere letters, marks and digits make words, which an apostrophe may join; all
# other signs stand alone.
_WORD = r"[\w&&[^\p{Han}]]+"
PATTERN = rf"\p{{Han}}|{_WORD}(?:'{_WORD})*|[^\w\s]"
_MOST_BUCKETS = 2**31
# What a word that is empty is called: it says as much as any other, and files hold words only.
_NOTHING = "<nothing>"
# A text of more words is no sentence but a book; every word of it would be in memory at once, in each layer.
_LONGEST = 500_000


@dataclass(frozen=True)
class Vocabulary:
    """The words that a model knows, and the buckets that hold the n-grams of all others.

    >>> vocabulary = Vocabulary.learn(["turn on the light", "turn off the light"], min_count=2)
    >>> vocabulary.words, vocabulary.size
    (('light', 'the', 'turn'), 4)
    >>> vocabulary.split("What’s the TIME?")
    ["what's", 'the', 'time', '?']
    >>> texts = vocabulary.encode(["the the lamp", ""])
    >>> texts.tokens, texts.lengths, texts.types.words
    (array([0, 0, 1]), array([3, 0]), array([2, 0]))

    The id of ``words[k]`` is k + 1; the id 0 stands for every unknown word, and there is none for padding. Needs the
    package tokenizers to split.
    """

    words: tuple[str, ...]
    lowercase: bool = True
    ngrams: tuple[int, int] | None = (3, 5)
    buckets: int = 10_000

    def __post_init__(self) -> None:
        if self.ngrams is None or self.buckets == 0:
            object.__setattr__(self, "ngrams", None)
            object.__setattr__(self, "buckets", 0)
        elif len(self.ngrams) != 2 or not 1 <= self.ngrams[0] <= self.ngrams[1] <= 20:
            raise OptionError(f"ngrams wanted two sizes from 1 to 20, the smaller first, got {self.ngrams}")
        elif not 1 <= self.buckets <= _MOST_BUCKETS:
            raise OptionError(f"buckets wanted a whole number from 0 to {_MOST_BUCKETS}, got {self.buckets}")
        else:
            object.__setattr__(self, "ngrams", (self.ngrams[0], self.ngrams[1]))
        object.__setattr__(self, "_ids", {word: k for k, word in enumerate(self.words, start=1)})

    @classmethod
    def learn(
        cls,
        texts: Iterable[str],
        *,
        lowercase: bool = True,
        min_count: int = 2,
        ngrams: tuple[int, int] | None = (3, 5),
        buckets: int = 10_000,
        max_words: int | None = None,
    ) -> Vocabulary:
        """Collect the words that occur ``min_count`` times or more, at most ``max_words`` of them, frequent ones first.

        Rarer words are left to the unknown word and the n-grams, which so have examples to learn from.
        ``ngrams=None`` or ``buckets=0`` turns n-grams off.
        """
        if min_count < 1:
            raise OptionError(f"min_count wanted a whole number from 1 on, got {min_count}")
        if max_words is not None and max_words < 1:
            raise OptionError(f"max_words wanted a whole number from 1 on, or None, got {max_words}")
        empty = cls((), lowercase, ngrams, buckets)
        counted = Counter(word for text in _checked(texts) for word in empty.split(text))
        return cls(_frequent(counted, min_count, max_words), lowercase, empty.ngrams, empty.buckets)

    @classmethod
    def learn_words(
        cls,
        sentences: Iterable[Iterable[str]],
        *,
        lowercase: bool = True,
        min_count: int = 2,
        ngrams: tuple[int, int] | None = (3, 5),
        buckets: int = 10_000,
    ) -> Vocabulary:
        """Like :meth:`learn`, from sentences that are split already; a word may hold anything, or nothing.

        >>> Vocabulary.learn_words([["two words", "one"], ["one", ""]], min_count=1).words
        ('one', '<nothing>', 'two words')
        """
        empty = cls((), lowercase, ngrams, buckets)
        counted = Counter(empty.cased(word) for words in sentences for word in words)
        return cls(_frequent(counted, min_count, None), lowercase, empty.ngrams, empty.buckets)

    @property
    def size(self) -> int:
        """The number of word ids, the unknown word's included."""
        return len(self.words) + 1

    def split(self, text: str) -> list[str]:
        """The tokens of a sentence, normalised; half a surrogate pair becomes U+FFFD."""
        normalizer, splitter = _rules(self.lowercase)
        try:
            normal = normalizer.normalize_str(text)
        except UnicodeEncodeError:
            # Only through JSON escapes or broken file names do such strings come in.
            normal = normalizer.normalize_str(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        return [word for word, _ in splitter.pre_tokenize_str(normal)]

    def encode(self, texts: Iterable[str]) -> Texts:
        """Sentences as numbers; a text without any word has the length 0."""
        return self._encode([self.split(text) for text in _checked(texts)])

    def encode_words(self, sentences: Iterable[Iterable[str]]) -> Texts:
        """Sentences that are split already as numbers."""
        return self._encode([[self.cased(word) for word in words] for words in sentences])

    def _encode(self, split: list[list[str]]) -> Texts:
        for row, words in enumerate(split, 1):
            if len(words) > _LONGEST:
                raise DataError(
                    f"row {row}: the text has {len(words):,} words, wanted at most {_LONGEST:,} in one; "
                    "cut it into sentences"
                )
        types: dict[str, int] = {}
        tokens = [types.setdefault(word, len(types)) for words in split for word in words]
        starts = numpy.cumsum([0, *map(len, split)], dtype=numpy.int64)
        return Texts(self._types(list(types)), numpy.array(tokens, dtype=numpy.int64), starts)

    def cased(self, word: str) -> str:
        """A word that is not split any more, in small letters if the vocabulary reads them; never empty.

        >>> Vocabulary(()).cased("Stop"), Vocabulary(()).cased("")
        ('stop', '<nothing>')
        """
        if not word.isascii():
            # Half a character, as JSON's escapes may hold it, has no place in a file.
            word = word.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return (word.lower() if self.lowercase else word) or _NOTHING

    def _types(self, words: list[str]) -> Types:
        ids: dict[str, int] = self._ids  # type: ignore[attr-defined]
        known = numpy.array([ids.get(word, 0) for word in words], dtype=numpy.int64)
        if self.ngrams is None:
            return Types(known, numpy.zeros(0, numpy.int64), numpy.zeros(len(words) + 1, numpy.int64))
        return Types(known, *hash_grams(words, self.ngrams, self.buckets))

    def to_dict(self) -> dict[str, Any]:
        """The vocabulary as plain data for the manifest of a model file."""
        ngrams = None if self.ngrams is None else list(self.ngrams)
        return {
            "splitting": _SPLITTING,
            "lowercase": self.lowercase,
            "ngrams": ngrams,
            "buckets": self.buckets,
            "words": list(self.words),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Vocabulary:
        """The inverse of :meth:`to_dict`; anything else is an :class:`~ostinato.errors.ArtifactError`."""
        fields = {"splitting", "lowercase", "ngrams", "buckets", "words"}
        if not isinstance(data, Mapping) or set(data) != fields:
            got = sorted(map(str, data)) if isinstance(data, Mapping) else type(data).__name__
            raise ArtifactError(f"a vocabulary wanted the fields {sorted(fields)}, got {got}")
        words, ngrams, buckets = data["words"], data["ngrams"], data["buckets"]
        if data["splitting"] != _SPLITTING:
            raise ArtifactError(
                f"the vocabulary was made by the splitting rules {data['splitting']!r:.40}, "
                f"and this version knows '{_SPLITTING}'; a later version of ostinato may read it"
            )
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            raise ArtifactError("the words of a vocabulary are a list of words")
        if len(set(words)) != len(words):
            raise ArtifactError("no two words of a vocabulary are equal")
        if type(data["lowercase"]) is not bool or type(buckets) is not int:
            raise ArtifactError("a vocabulary's lowercase is true or false, and its buckets a whole number")
        if ngrams is not None and not (
            isinstance(ngrams, list) and len(ngrams) == 2 and all(type(size) is int for size in ngrams)
        ):
            raise ArtifactError(f"a vocabulary's ngrams are two sizes or null, got {ngrams!r:.40}")
        if (ngrams is None) != (buckets == 0):
            raise ArtifactError("a vocabulary has n-grams and buckets, or neither")
        try:
            return cls(tuple(words), data["lowercase"], None if ngrams is None else (ngrams[0], ngrams[1]), buckets)
        except OptionError as error:
            raise ArtifactError(f"the vocabulary cannot be: {error}") from None


def _checked(texts: Iterable[str]) -> Iterator[str]:
    if isinstance(texts, str):
        raise DataError(f"texts wanted a list of sentences, got one str; write [{texts[:30]!r}]")
    for row, text in enumerate(texts, start=1):
        if not isinstance(text, str):
            raise DataError(f"row {row}: wanted text, got {text!r:.60} of type {type(text).__name__}")
        yield text


def _frequent(counted: Mapping[str, int], min_count: int, most: int | None) -> tuple[str, ...]:
    """The words that occur often enough; equally frequent ones are sorted, so that no order of sentences matters."""
    frequent = sorted((-count, word) for word, count in counted.items() if count >= min_count)
    return tuple(word for _, word in frequent[:most])


@functools.cache
def _rules(lowercase: bool) -> tuple[Any, Any]:
    """The normaliser and the splitter: composed characters, straight apostrophes, small letters if asked for."""
    tokenizers = needs("tokenizers", "text")
    steps = [tokenizers.normalizers.NFC(), tokenizers.normalizers.Replace("\u2019", "'")]
    if lowercase:
        steps.append(tokenizers.normalizers.Lowercase())
    splitter = tokenizers.pre_tokenizers.Split(tokenizers.Regex(PATTERN), behavior="removed", invert=True)
    return tokenizers.normalizers.Sequence(steps), splitter
