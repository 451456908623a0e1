"""Texts to what comes next: fit, evaluate, score, generate, save."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from ostinato.artifact import Artifact
from ostinato.data.frames import as_list
from ostinato.data.language.tokens import MARK, Tokens
from ostinato.data.table import read_table
from ostinato.errors import DataError, needs
from ostinato.tasks.fitted import watcher
from ostinato.tasks.language_options import LanguageModelOptions, check_options
from ostinato.tasks.language_report import LanguageReport
from ostinato.tasks.language_source import source_of
from ostinato.tasks.language_training import evaluate_corpus, log_likelihoods, train_language
from ostinato.tasks.task_model import TaskModel


class Scored(NamedTuple):
    """How likely a text is: ``log_p`` in nats over so many ``tokens``, its end included."""

    log_p: float
    tokens: int


@dataclass(kw_only=True, eq=False, repr=False)
class LanguageModel(TaskModel, LanguageModelOptions):
    """Learns from texts what comes next in a text.

    >>> model = LanguageModel(hidden=8, layers=1, embedding=4, epochs=2, batch=2, truncate=8, holdout=0, device="cpu")
    >>> model.fit(["to be or not to be", "that is the question"], progress=False).tokens_.size
    15
    >>> model.score("to be") < 0
    True

    ``recipe="adam"`` trains by Adam with a falling rate; ``recipe="awd"`` as AWD-LSTM (Merity et al., 2018,
    arXiv:1708.02182): weight-drop, the same values dropped at every step, whole tokens dropped, penalties on large and
    on changing outputs, and gradient descent whose mean is taken once validation stalls. Options given beside a recipe
    replace its own. The options are those of the command ``ostinato train language-model``.

    After fitting: ``model_`` (the network), ``tokens_`` (what it reads and writes), ``validation_`` (how well it
    foretells what was held out, None without any), ``history_`` (the log entries of training), ``training_`` (how it
    came about).
    """

    # What it reads, which is also the name of the column unless another is given.
    reads: ClassVar[str] = "language"
    task: ClassVar[str] = "language-model"
    called: ClassVar[str] = "a language model"
    options: ClassVar[type] = LanguageModelOptions
    checks = staticmethod(check_options)
    also: ClassVar[frozenset[str]] = frozenset({"tokens", "column"})

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        text: str | None = None,
        valid: Any = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: bool | Callable[[Any], None] = True,
    ) -> LanguageModel:
        """Train on a file, some paths, a list of texts, or a column ``text`` of a file of rows or a frame.

        Files are read piece by piece, whatever their size. ``valid`` is what early stopping looks at, given in the same
        ways; without it the end of the text is kept for that, a share ``holdout`` of it. ``y`` is there for
        scikit-learn and stays None. A ``checkpoint`` path makes the run safe against interruption, and ``resume=True``
        goes on from there. ``progress`` shows a live bar; a function is called with every report instead.
        """
        needs("torch", "train")
        if y is not None:
            raise DataError("a language model learns from texts alone; leave y out")
        options = self._checked(valid=valid is not None)
        source, held = source_of(X, text), None if valid is None else source_of(valid, _if_rows(valid, text))
        with watcher(progress) as watch:
            trained = train_language(options, source, held, checkpoint=checkpoint, resume=resume, watch=watch)
        self.model_, self.tokens_, self.column_ = trained.model, trained.tokens, text or "text"
        self.history_, self.training_, self.validation_ = trained.history, trained.summary, trained.valid
        return self

    def evaluate(self, X: Any, *, text: str | None = None, rows: int = 1) -> LanguageReport:
        """How well the model foretells texts, given as to :meth:`fit`; each document is read from its beginning.

        ``rows`` documents are read side by side, which changes nothing but the speed.
        """
        self._check_fitted()
        source = source_of(X, text or _if_rows(X, self.column_))
        return evaluate_corpus(self.model_, source.corpus(self.tokens_), rows=rows, source=source.described)

    def score(self, X: Any, y: Any = None) -> float:
        """log p of a text, or of all of some texts, in nats; the end of each is part of it."""
        del y
        texts = [X] if isinstance(X, str) else X
        return float(sum(answer.log_p for answer in self.answers(texts)))

    def answers(self, X: Any) -> list[Scored]:
        """log p of each text in nats, and over how many tokens, the end of the text among them.

        >>> LanguageModel().answers(["stop"])
        Traceback (most recent call last):
        ostinato.errors.NotFittedError: this LanguageModel is not trained yet; ...
        """
        self._check_fitted()
        texts = as_list(X, "texts")
        texts = read_table({"text": texts}).texts("text") if texts else []
        totals, counts = log_likelihoods(self.model_, self.tokens_, texts)
        return [Scored(total, count) for total, count in zip(totals.tolist(), counts.tolist(), strict=True)]

    def generate(self, prompt: str = "", length: int | None = None, **options: Any) -> Iterator[str]:
        """Go on from a prompt; gives text as it comes, ``length`` characters or up to the end of the document.

        ``options`` are those of :meth:`ostinato.streaming.writer.Writer.generate`: ``temperature``, ``top_k``,
        ``top_p``, ``repetition_penalty``, ``seed``, ``stop``, ``constraint``, ``ends`` and ``beam``.
        """
        self._check_fitted()
        from ostinato.streaming import stream

        written: Iterator[str] = stream(self).generate(prompt, length, **options)
        return written

    def _own(self) -> dict[str, Any]:
        return {"tokens": self.tokens_.to_dict(), "column": self.column_}

    def _restore(self, stored: Artifact, network: Callable[[], Any]) -> None:
        tokens, architecture = Tokens.from_dict(stored.manifest["tokens"]), stored.manifest["architecture"]
        tokens.special(MARK)
        for part, size in (("embed", "count"), ("head", "tokens")):
            if architecture[part][size] != tokens.size:
                raise DataError(f"the {part} has {architecture[part][size]} tokens and the file {tokens.size}")
        self.model_, self.tokens_, self.column_ = network(), tokens, str(stored.manifest["column"])
        if not getattr(self.model_, "whole", False):
            raise DataError(f"a head of the kind {architecture['head']['kind']!r:.40} foretells no tokens")


def _if_rows(X: Any, column: str | None) -> str | None:
    """The column, where these texts come in rows that have columns."""
    from ostinato.data.language.chunks import OF_ROWS

    first = X[0] if isinstance(X, list | tuple) and X and all(isinstance(part, Path) for part in X) else X
    if isinstance(first, str | Path):
        return column if Path(first).suffix.lower() in OF_ROWS else None
    return column if hasattr(X, "columns") else None
