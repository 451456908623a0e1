"""The two sides of a task that reads one text and writes another: their tokens, and what may be copied between."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.language.pairs import Pairs
from ostinato.data.language.spelling import speller
from ostinato.data.language.tokens import Tokens
from ostinato.data.words import Vocabulary
from ostinato.errors import DataError
from ostinato.tasks.pretrained import Start, filled
from ostinato.tasks.seq2seq_options import SPECIALS

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Sides:
    """What is read and what is written.

    >>> from ostinato.tasks.seq2seq_options import Seq2SeqOptions
    >>> sides = Sides.learn(Seq2SeqOptions(tokens="words", copying=True), Pairs(["a b"], ["b a"], (1,)))
    >>> sides.source.size, sides.encoded(["b x"])[0].tolist()
    (6, [5, 3])

    ``copy`` says that tokens of a text may stand in its answer. Words that the answers' side does not know have numbers
    of their own in each text then: the k-th such word is number size + k.
    """

    source: Tokens
    target: Tokens
    copy: bool = False

    @classmethod
    def learn(cls, options: Any, pairs: Pairs, start: Start | None = None) -> Sides:
        """The tokens of pairs of texts; those that are read begin with a language model's where there is one."""
        options, start = filled(options), start or Start()
        if options.shared:
            both = start.tokens(options, [*pairs.source, *pairs.target], SPECIALS)
            return cls(both, both, options.copying)
        written = Start().tokens(options, pairs.target, SPECIALS)
        if start.model is not None and options.tokens == "bpe":
            # How many there are is then said of what is written.
            options = dataclasses.replace(options, vocabulary=None, min_count=None)
        return cls(start.tokens(options, pairs.source, SPECIALS), written, options.copying)

    @property
    def start(self) -> int:
        """What stands before an answer."""
        return self.target.special("<start>")

    @property
    def end(self) -> int:
        """What stands after it."""
        return self.target.special("<end>")

    def encoded(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of texts to read."""
        return [self.source.encode(text).astype(np.int64) for text in texts]

    def answers(self, texts: Sequence[str], sources: Sequence[str] | None = None) -> list[Ids]:
        """The ids of texts to write, each with its end; with copies, words of its own source have their numbers."""
        ids = [np.append(self.target.encode(text).astype(np.int64), self.end) for text in texts]
        if not self._words or sources is None:
            return ids
        for row, (text, source) in enumerate(zip(texts, sources, strict=True)):
            own = self._own(source)
            if own:
                words = self._split(text)
                ids[row][:-1] = [own.get(word, known) for word, known in zip(words, ids[row].tolist(), strict=False)]
        return ids

    def copies(self, texts: Sequence[str], ids: Sequence[Ids]) -> list[Ids] | None:
        """Which token of an answer each place of a text would be; None where nothing is copied."""
        if not self.copy:
            return None
        if not self._words:
            return list(ids)
        found = []
        for text in texts:
            own, words = self._own(text), self._split(text)
            found.append(np.array([own[word] if word in own else self._number[word] for word in words], np.int64))
        return found

    def text(self, ids: Sequence[int], source: str) -> str:
        """An answer as a text; numbers of its own are words of its source."""
        size = self.target.size
        if max(ids, default=0) < size:
            return self.target.decode(ids)
        own = {number: word for word, number in self._own(source).items()}
        # Words of its own stand between the others by the same rules.
        written = tuple(own[k] if k >= size else self.target.strings[k] for k in ids)
        spelt = speller("words", written)
        return "".join([spelt.push(place) for place in range(len(ids))]) + spelt.end()

    def places(self, text: str, ids: Sequence[int]) -> list[str]:
        """What stands at each place of a text that is read, which has these ids."""
        return self._split(text) if self.source.kind == "words" else [self.source.strings[k] or "?" for k in ids]

    def pieces(self, ids: Sequence[int], source: str) -> list[str]:
        """What each id of the answer to a text writes by itself."""
        own = {number: word for word, number in self._own(source).items()} if self._words else {}
        strings = self.target.strings
        return [own[k] if k in own else strings[k] or ("<end>" if k == self.end else "?") for k in ids]

    def to_dict(self) -> dict[str, Any]:
        """Both sides as plain data; the second is None where they are one."""
        shared = self.source is self.target
        return {
            "source": self.source.to_dict(),
            "target": None if shared else self.target.to_dict(),
            "copy": self.copy,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Sides:
        """The inverse of :meth:`to_dict`; raises what :meth:`Tokens.from_dict` raises, or DataError."""
        if not isinstance(data, Mapping) or set(data) != {"source", "target", "copy"}:
            raise DataError("the tokens of both sides wanted source, target and copy")
        source = Tokens.from_dict(data["source"])
        target = source if data["target"] is None else Tokens.from_dict(data["target"])
        for side in (source, target):
            if side.specials != SPECIALS:
                raise DataError(f"tokens wanted the special ones {SPECIALS}, got {side.specials}")
        return cls(source, target, bool(data["copy"]))

    @property
    def _words(self) -> bool:
        return self.copy and self.target.kind == "words"

    def _split(self, text: str) -> list[str]:
        """The words of a text, as :class:`Tokens` counts them: one for each id."""
        rules = Vocabulary((), lowercase=self.target.lowercase, ngrams=None)
        first, *lines = text.split("\n")
        found = rules.split(first)
        for line in lines:
            found += ["\n", *rules.split(line)]
        return found

    @property
    def _number(self) -> dict[str, int]:
        known: dict[str, int] | None = self.__dict__.get("_known")
        if known is None:
            known = {word: k for k, word in enumerate(self.target.strings) if word is not None}
            object.__setattr__(self, "_known", known)
        return known

    def _own(self, source: str) -> dict[str, int]:
        """The words of a text that answers do not know, with their numbers."""
        own: dict[str, int] = {}
        for word in self._split(source):
            if word not in self._number and word not in own:
                own[word] = self.target.size + len(own)
        return own
