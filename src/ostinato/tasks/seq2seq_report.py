"""How good written texts are: exact, and near the ones that were wanted."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from ostinato.errors import needs
from ostinato.tasks.evaluation import counted, percent


@dataclass(frozen=True)
class Seq2SeqReport:
    """Texts that were wanted, and those that were written.

    >>> report = Seq2SeqReport(("eins",), ("one",), ("one",), answers_cut=0)
    >>> report.exact, report.headline()
    (1.0, [('exact', '100.0 %')])

    BLEU and chrF are sacreBLEU's (Post, 2018, arXiv:1804.08771), each with the signature that says how it was counted;
    they need the package sacrebleu. ``translation`` puts them into the headline. ``answers_cut`` counts answers that
    the longest length cut off, ``dropped`` the pairs left out because a side was empty.
    """

    sources: tuple[str, ...]
    truth: tuple[str, ...]
    answers: tuple[str, ...]
    answers_cut: int = 0
    dropped: int = 0
    translation: bool = False
    beam: int = 1
    source: str = ""

    @property
    def count(self) -> int:
        """The number of pairs."""
        return len(self.truth)

    @property
    def exact(self) -> float:
        """The share of answers that are the wanted text to the letter."""
        right = sum(a == b for a, b in zip(self.truth, self.answers, strict=True))
        return right / self.count if self.count else 0.0

    @functools.cached_property
    def bleu(self) -> float:
        """BLEU over all pairs, from 0 to 100."""
        return float(self._measured("BLEU")[0])

    @functools.cached_property
    def chrf(self) -> float:
        """chrF over all pairs, from 0 to 100."""
        return float(self._measured("CHRF")[0])

    @property
    def signatures(self) -> dict[str, str]:
        """How both were counted, in sacreBLEU's words."""
        return {name: self._measured(kind)[1] for name, kind in (("bleu", "BLEU"), ("chrf", "CHRF"))}

    def _measured(self, kind: str) -> tuple[float, str]:
        metric = getattr(needs("sacrebleu.metrics", "translate"), kind)()
        score = metric.corpus_score(list(self.answers), [list(self.truth)])
        return score.score, str(metric.get_signature())

    def worst(self, count: int = 5) -> list[tuple[str, str, str]]:
        """Some pairs that were missed: source, truth, answer."""
        rows = zip(self.sources, self.truth, self.answers, strict=True)
        return [row for row in rows if row[1] != row[2]][:count]

    def headline(self) -> list[tuple[str, str]]:
        """The numbers of the whole, each with its name: what a terminal shows first."""
        numbers = [("exact", percent(self.exact))]
        if self.translation:
            numbers = [("BLEU", f"{self.bleu:.1f}"), ("chrF", f"{self.chrf:.1f}"), *numbers]
        return numbers

    def notes(self) -> list[str]:
        """Remarks that keep the numbers from being misread."""
        notes = []
        if self.translation:
            notes += [f"{name}: {told}" for name, told in self.signatures.items()]
        if self.answers_cut:
            notes.append(f"{counted(self.answers_cut, 'answer')} came to no end and stopped at the longest length")
        if self.dropped:
            notes.append(f"{counted(self.dropped, 'pair')} with an empty side left out")
        return notes

    def to_dict(self) -> dict[str, Any]:
        """Everything as lists, numbers and words, ready for JSON."""
        near = {"bleu": self.bleu, "chrf": self.chrf, "signatures": self.signatures} if self.translation else {}
        return {
            "source": self.source,
            "count": self.count,
            "exact": self.exact,
            **near,
            "beam": self.beam,
            "answers_cut": self.answers_cut,
            "dropped": self.dropped,
            "sources": list(self.sources),
            "truth": list(self.truth),
            "answers": list(self.answers),
        }

    def table(self, classes: int | None = None) -> str:
        """The report as plain text."""
        del classes
        lines = [f"{self.source or 'evaluation'}: {counted(self.count, 'pair')}, beam {self.beam}"]
        lines += ["  " + "   ".join(f"{name} {number}" for name, number in self.headline())]
        lines += [f"  {note}" for note in self.notes()]
        missed = self.worst()
        if missed:
            lines += ["", "some that were missed"]
            for source, truth, answer in missed:
                lines += [
                    f"  read    {_short(source)}",
                    f"  wanted  {_short(truth)}",
                    f"  wrote   {_short(answer)}",
                    "",
                ]
        return "\n".join(lines).rstrip()

    def __str__(self) -> str:
        return self.table()


def _short(text: str, most: int = 100) -> str:
    flat = text.replace("\n", "\\n")
    return flat if len(flat) <= most else flat[: most - 1] + "\u2026"
