"""Texts to labels: fit, predict, evaluate, save."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ostinato.artifact import Artifact
from ostinato.data import Labels, Vocabulary
from ostinato.data.frames import as_list
from ostinato.data.table import read_table
from ostinato.errors import DataError, needs
from ostinato.heads.decoding import Answer, decide
from ostinato.tasks.evaluation import Evaluation, compare
from ostinato.tasks.examples import Examples, check_training, hold_out, read_examples
from ostinato.tasks.fitted import Classes, check_parts, labels_from, mean_loss, watcher
from ostinato.tasks.task_model import TaskModel
from ostinato.tasks.text_options import TextClassifierOptions, check_options
from ostinato.tasks.text_training import fingerprint, probabilities, train_classifier

if TYPE_CHECKING:
    from ostinato.data.texts import Texts
    from ostinato.model import Model


@dataclass(kw_only=True, eq=False, repr=False)
class TextClassifier(Classes, TaskModel, TextClassifierOptions):
    """Learns from labelled texts which label a text has.

    >>> model = TextClassifier(hidden=8, embedding=8, epochs=3, buckets=50, holdout=0, device="cpu")
    >>> texts = ["turn on the light", "light on please", "stop it", "please stop"]
    >>> model.fit(texts, ["light", "light", "halt", "halt"], progress=False).classes_.tolist()
    ['halt', 'light']
    >>> model.predict_proba(["what time is it"]).shape
    (1, 2)

    It follows scikit-learn's conventions. ``fit`` also takes a file or a data frame and the names of its columns. The
    options are those of the command ``ostinato train text-classifier``.

    After fitting: ``classes_`` (the labels, of the type they came in), ``model_`` (the network), ``vocabulary_``,
    ``labels_``, ``threshold_`` (the confidence below which the model does not know), ``validation_`` (the report on the
    validation data, None without any), ``history_`` (the log entries of training), ``training_`` (how it came about).
    """

    # What it reads, which is also the name of the column unless another is given.
    reads: ClassVar[str] = "text"
    task: ClassVar[str] = "text-classifier"
    called: ClassVar[str] = "a text classifier"
    options: ClassVar[type] = TextClassifierOptions
    checks = staticmethod(check_options)
    also: ClassVar[frozenset[str]] = frozenset({"vocabulary", "labels", "threshold", "columns"})

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        text: str | None = None,
        label: str | None = None,
        valid: Any = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: bool | Callable[[Any], None] = True,
    ) -> TextClassifier:
        """Train on texts and labels, or on a file or frame with columns named ``text`` and ``label``.

        ``valid`` is what early stopping and the threshold are chosen on: a file, a frame, or a pair of texts and
        labels; without it a share ``holdout`` of every label's rows is kept for that. A ``checkpoint`` path makes the
        run safe against interruption, and ``resume=True`` goes on from there. ``progress`` shows a live bar; a
        function is called with every report instead.
        """
        needs("torch", "train")
        options = self._checked(valid=valid is not None)
        examples = read_examples(X, y, text=text, label=label)
        check_training(examples)
        if valid is not None:
            held = read_examples(*valid) if isinstance(valid, tuple) else read_examples(valid, text=text, label=label)
            data = fingerprint(examples, held)
        else:
            data = fingerprint(examples, None)
            examples, held = _split(examples, options.holdout, options.seed)
        with watcher(progress) as watch:
            trained = train_classifier(
                options,
                examples,
                held if len(held) else None,
                fingerprint=data,
                checkpoint=checkpoint,
                resume=resume,
                watch=watch,
            )
        self._adopt(trained.model, trained.vocabulary, trained.labels, examples.kind, trained.threshold)
        self.history_, self.training_ = trained.history, trained.summary
        self.columns_ = (text or "text", label or "label")
        self.validation_ = (
            None if trained.valid is None else self._compare(held, self._encoded(held.texts), trained.valid)
        )
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of every class for every text, [n, N], in the order of ``classes_``."""
        texts = self._encoded(self._texts(X))
        shares: NDArray[np.float64] = probabilities(self.model_, texts)[:, self._order]
        return shares

    def predict(self, X: Any) -> NDArray[Any]:
        """The label of every text, [n]; where ``out_of_scope`` names a label, also that one for what is not known."""
        return self._as_given([self.label_of(answer) for answer in self.answers(X)])

    def answers(self, X: Any) -> list[Answer]:
        """For every text the best label, how sure the model is of it, and whether it is known at all.

        A text without a word says nothing, so its answer is never known.

        >>> TextClassifier().answers(["stop"])
        Traceback (most recent call last):
        ostinato.errors.NotFittedError: this TextClassifier is not trained yet; ...
        """
        texts = self._encoded(self._texts(X))
        return self._decide(texts, probabilities(self.model_, texts))

    def evaluate(self, X: Any, y: Any = None, *, text: str | None = None, label: str | None = None) -> Evaluation:
        """Compare the model's answers with true labels; columns are called as in training unless named.

        A label that training never saw counts as wrong, and the report says so; if no label was seen, that is an error.
        """
        self._check_fitted()
        if y is None:
            text, label = text or self.columns_[0], label or self.columns_[1]
        examples = read_examples(X, y, text=text, label=label)
        if not {*examples.labels} & {*self.labels_.names}:
            self.labels_.encode(examples.labels, examples.place)
        texts = self._encoded(examples.texts)
        return self._compare(examples, texts, probabilities(self.model_, texts))

    def score(self, X: Any, y: Any = None) -> float:
        """The accuracy, as scikit-learn's cross-validation asks for it."""
        return self.evaluate(X, y).accuracy

    def _own(self) -> dict[str, Any]:
        return {
            "vocabulary": self.vocabulary_.to_dict(),
            "labels": self._named(),
            "threshold": self.threshold_,
            "columns": list(self.columns_),
        }

    def _restore(self, stored: Artifact, network: Callable[[], Any]) -> None:
        manifest = stored.manifest
        (labels, kind), vocabulary = labels_from(manifest["labels"]), Vocabulary.from_dict(manifest["vocabulary"])
        check_parts(manifest["architecture"], labels, vocabulary)
        if self.out_of_scope is not None and self.out_of_scope not in labels.names:
            raise DataError(f"there is no label '{self.out_of_scope}' for what is out of scope")
        self._adopt(network(), vocabulary, labels, kind, float(manifest["threshold"]))
        self.columns_ = (str(manifest["columns"][0]), str(manifest["columns"][1]))

    def _adopt(self, model: Model, vocabulary: Vocabulary, labels: Labels, kind: str, threshold: float) -> None:
        """Take over what training or a file gave."""
        self.model_, self.vocabulary_, self.threshold_ = model, vocabulary, threshold
        self._name(labels, kind)

    def _texts(self, X: Any) -> list[str]:
        self._check_fitted()
        texts = as_list(X, "texts")
        return read_table({"text": texts}).texts("text") if texts else []

    def _encoded(self, texts: list[str]) -> Texts:
        return self.vocabulary_.encode(texts)

    def _compare(self, examples: Examples, texts: Texts, shares: NDArray[np.float64]) -> Evaluation:
        """The report on examples whose probabilities are known."""
        return compare(
            examples.labels,
            [self.label_of(answer) for answer in self._decide(texts, shares)],
            labels=self.labels_.names,
            loss=mean_loss(shares, examples.labels, self.labels_),
            out_of_scope=self.out_of_scope,
            threshold=self.threshold_ if self.out_of_scope is not None else None,
            source=examples.source,
        )

    def _decide(self, texts: Texts, shares: NDArray[np.float64]) -> list[Answer]:
        answers = decide(shares, self.labels_.names, outside=self.out_of_scope, threshold=self.threshold_)
        return [
            answer if words else answer._replace(known=False)
            for answer, words in zip(answers, texts.lengths.tolist(), strict=True)
        ]

    def label_of(self, answer: Answer) -> str:
        """The label that :meth:`predict` gives for an answer: its own, or the out-of-scope one if it is not known."""
        return answer.label if answer.known or self.out_of_scope is None else self.out_of_scope


def _split(examples: Examples, share: float, seed: int) -> tuple[Examples, Examples]:
    kept, held = hold_out(examples.labels, share, seed)
    return examples.pick(kept), examples.pick(held)
