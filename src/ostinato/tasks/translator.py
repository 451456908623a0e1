"""Sentences of one language to those of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ostinato.tasks.seq2seq import Seq2Seq
from ostinato.tasks.seq2seq_options import TranslatorOptions


@dataclass(kw_only=True, eq=False, repr=False)
class Translator(TranslatorOptions, Seq2Seq):
    """A :class:`Seq2Seq` with what suits translations: shared pieces of words, dot attention, a beam of 5, BLEU.

    >>> model = Translator(hidden=8, embedding=8, vocabulary=280, epochs=1, holdout=0, device="cpu")
    >>> model = model.fit(["ein Haus", "ein Baum"], ["a house", "a tree"], progress=False)
    >>> len(model.translate(["ein Haus"], beam=2))
    1

    The options are those of the command ``ostinato train translator``.
    """

    task: ClassVar[str] = "translator"
    translates: ClassVar[bool] = True
    options: ClassVar[type] = TranslatorOptions

    def translate(self, X: Any, **told: Any) -> Any:
        """The translation of every sentence; the words are those of :meth:`predict`."""
        return self.predict(X, **told)
