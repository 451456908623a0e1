"""How well a language model foretells a text."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ostinato.tasks.evaluation import counted


@dataclass(frozen=True)
class LanguageReport:
    """The sum of - log p over the ``tokens`` of a text of so many ``characters`` and ``bytes``.

    >>> report = LanguageReport(total=math.log(2) * 300, tokens=100, characters=150, bytes=200)
    >>> round(report.perplexity, 6), round(report.bits_per_character, 6), round(report.bits_per_byte, 6)
    (8.0, 2.0, 1.5)

    ``total`` is in nats. The ends of documents are among the tokens, and cost what they cost; characters and bytes are
    those of the text as it was given. ``unknown`` counts the tokens that the model has no name for: foretelling that
    something unknown comes is easier than to say what.
    """

    total: float
    tokens: int
    characters: int
    bytes: int
    unknown: int = 0
    source: str = ""

    @property
    def count(self) -> int:
        """The number of tokens."""
        return self.tokens

    @property
    def nats(self) -> float:
        """The mean of - log p over the tokens, the loss."""
        return self.total / self.tokens if self.tokens else math.nan

    @property
    def perplexity(self) -> float:
        """exp of the mean loss: among how many tokens, equally likely, it would be as hard to choose."""
        return math.exp(self.nats) if self.nats < 700.0 else math.inf

    @property
    def bits_per_character(self) -> float:
        """Bits that the text would take by this model, for each of its characters."""
        return self.total / math.log(2) / self.characters if self.characters else math.nan

    @property
    def bits_per_byte(self) -> float:
        """Bits that the text would take by this model, for each of its bytes in UTF-8."""
        return self.total / math.log(2) / self.bytes if self.bytes else math.nan

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers and words, ready for JSON."""
        return {
            "source": self.source,
            "tokens": self.tokens,
            "characters": self.characters,
            "bytes": self.bytes,
            "unknown": self.unknown,
            "nats": self.nats,
            "perplexity": self.perplexity,
            "bits_per_character": self.bits_per_character,
            "bits_per_byte": self.bits_per_byte,
        }

    def headline(self) -> list[tuple[str, str]]:
        """The numbers of the whole, each with its name: what a terminal shows first."""
        return [
            ("perplexity", f"{self.perplexity:.3f}"),
            ("nats per token", f"{self.nats:.4f}"),
            ("bits per character", f"{self.bits_per_character:.4f}"),
            ("bits per byte", f"{self.bits_per_byte:.4f}"),
        ]

    def notes(self) -> list[str]:
        """Remarks that keep the numbers from being misread."""
        if not self.unknown:
            return []
        share = 100 * self.unknown / self.tokens
        return [f"{counted(self.unknown, 'token')} of {self.tokens:,} ({share:.2f} %) are unknown to the model"]

    def table(self, classes: int | None = None) -> str:
        """The report as plain text."""
        del classes
        lines = [f"{self.source or 'evaluation'}  {counted(self.tokens, 'token')}"]
        lines += [f"{name:<20}{number:>12}" for name, number in self.headline()]
        return "\n".join([*lines, *self.notes()])

    def __str__(self) -> str:
        return self.table()
