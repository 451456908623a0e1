"""Requests to intents and slots: fit, predict, evaluate, save."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.artifact import Artifact
from ostinato.data import Labels, Vocabulary
from ostinato.data.frames import as_list
from ostinato.data.language.columns import Sentence
from ostinato.data.language.spans import Found, find_spans
from ostinato.errors import DataError, needs
from ostinato.heads.decoding import decide
from ostinato.tasks.evaluation import compare
from ostinato.tasks.examples import check_training, hold_out
from ostinato.tasks.fitted import Classes, check_parts, labels_from, mean_loss, watcher
from ostinato.tasks.intent_examples import Requests, read_requests
from ostinato.tasks.intent_options import IntentParserOptions, check_options
from ostinato.tasks.intent_report import IntentEvaluation, with_slots
from ostinato.tasks.intent_training import learn_tags, shares_and_tags, train_parser
from ostinato.tasks.tag_examples import read_words
from ostinato.tasks.tag_training import encoded
from ostinato.tasks.task_model import TaskModel

if TYPE_CHECKING:
    from ostinato.model import Model


class Parsed(NamedTuple):
    """What a parser makes of a request: its intent, how sure it is, whether it knows at all, and the slots.

    >>> print(Parsed("off", 0.9, True, (Found(4, 8, "name", "lamp"),)))
    off, name=lamp
    """

    label: str
    confidence: float
    known: bool
    slots: tuple[Found, ...]

    def __str__(self) -> str:
        return ", ".join([self.label, *(f"{slot.name}={slot.text}" for slot in self.slots)])


@dataclass(kw_only=True, eq=False, repr=False)
class IntentParser(Classes, TaskModel, IntentParserOptions):
    """Learns from requests what is wanted, and with what: an intent for each, and slots in its text.

    >>> model = IntentParser(hidden=8, embedding=8, lr=0.05, min_count=1, holdout=0, device="cpu")
    >>> texts = ["turn on the lamp", "lamp off please", "turn the radio off", "radio on please"]
    >>> slots = [[(12, 16, "name")], [(0, 4, "name")], [(9, 14, "name")], [(0, 5, "name")]]
    >>> model.fit(texts, ["on", "off", "off", "on"], slots, progress=False).predict(["turn on the lamp"]).tolist()
    ['on']

    One network, one loss: that of the intents and that of the slots, of which each helps the other. Intents are those
    of a :class:`~ostinato.tasks.TextClassifier`, what is out of scope included. The options are those of the command
    ``ostinato train intent-parser``.

    After fitting: ``classes_`` (the intents, of the type they came in), ``slots_`` (the names of the slots),
    ``model_``, ``vocabulary_``, ``labels_``, ``tags_``, ``threshold_``, ``validation_``, ``history_``, ``training_``.
    """

    # What it reads, which is also the name of the column unless another is given.
    reads: ClassVar[str] = "text"
    task: ClassVar[str] = "intent-parser"
    called: ClassVar[str] = "an intent parser"
    options: ClassVar[type] = IntentParserOptions
    checks = staticmethod(check_options)
    also: ClassVar[frozenset[str]] = frozenset({"vocabulary", "labels", "tags", "threshold", "columns"})

    def fit(
        self,
        X: Any,
        y: Any = None,
        slots: Any = None,
        *,
        text: str | None = None,
        label: str | None = None,
        slot: str | None = None,
        valid: Any = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: bool | Callable[[Any], None] = True,
    ) -> IntentParser:
        """Train on texts, intents and slots, or on a file or frame with columns of them.

        A slot is a span of characters ``(start, end, name)``; the columns are called ``text``, ``label`` and ``slots``
        unless named. ``valid`` is what early stopping and the threshold are chosen on: a file, a frame, or three lists;
        without it a share ``holdout`` of every intent's rows is kept for that. A ``checkpoint`` path makes the run safe
        against interruption, and ``resume=True`` goes on from there. ``progress`` shows a live bar; a function is
        called with every report instead.
        """
        needs("torch", "train")
        options = self._checked(valid=valid is not None)
        self.columns_ = (text or "text", label or "label", slot)
        examples = self._read(X, y, slots)
        check_training(examples.rows)
        tags = learn_tags([examples])
        if valid is not None:
            held = self._read(*valid) if isinstance(valid, tuple) else self._read(valid)
            digests = [examples.digest(), held.digest()]
        else:
            digests = [examples.digest(), ""]
            kept, apart = hold_out(examples.rows.labels, options.holdout, options.seed)
            examples, held = examples.pick(kept), examples.pick(apart)
        with watcher(progress) as watch:
            trained = train_parser(
                options,
                examples,
                held if len(held) else None,
                tags=tags,
                fingerprint=hashlib.sha256("\n".join(digests).encode()).hexdigest(),
                checkpoint=checkpoint,
                resume=resume,
                watch=watch,
            )
        self._adopt(trained.model, trained.vocabulary, trained.labels, trained.tags, examples.rows.kind)
        self.threshold_, self.history_, self.training_ = trained.threshold, trained.history, trained.summary
        self.validation_ = self._compare(held) if len(held) else None
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of every intent for every text, [n, N], in the order of ``classes_``."""
        shares: NDArray[np.float64] = self._asked(self._sentences(X))[0][:, self._order]
        return shares

    def predict(self, X: Any) -> NDArray[Any]:
        """The intent of every text, [n]; where ``out_of_scope`` names one, also that one for what is not known."""
        return self._as_given([self.label_of(answer) for answer in self.answers(X)])

    def predict_slots(self, X: Any) -> list[list[Found]]:
        """The slots of every text, in characters of it."""
        return [list(answer.slots) for answer in self.answers(X)]

    def answers(self, X: Any) -> list[Parsed]:
        """For every text its intent, how sure the model is of it, whether it is known at all, and the slots.

        >>> IntentParser().answers(["stop"])
        Traceback (most recent call last):
        ostinato.errors.NotFittedError: this IntentParser is not trained yet; ...
        """
        sentences = self._sentences(X)
        shares, tags = self._asked(sentences)
        return self._decide(sentences, shares, tags)

    def evaluate(
        self,
        X: Any,
        y: Any = None,
        slots: Any = None,
        *,
        text: str | None = None,
        label: str | None = None,
        slot: str | None = None,
    ) -> IntentEvaluation:
        """Compare the model's answers with true intents and slots; columns are called as in training unless named.

        An intent or slot that training never saw counts as wrong; if no intent was seen, that is an error.
        """
        self._check_fitted()
        examples = self._read(X, y, slots, text=text, label=label, slot=slot)
        if not {*examples.rows.labels} & {*self.labels_.names}:
            self.labels_.encode(examples.rows.labels, examples.rows.place)
        return self._compare(examples)

    def score(self, X: Any, y: Any = None) -> float:
        """The accuracy of the intents, as scikit-learn's cross-validation asks for it."""
        return self.evaluate(X, y).accuracy

    def label_of(self, answer: Any) -> str:
        """The intent that :meth:`predict` gives for an answer: its own, or the out-of-scope one if it is not known."""
        return str(answer.label) if answer.known or self.out_of_scope is None else self.out_of_scope

    def _own(self) -> dict[str, Any]:
        return {
            "vocabulary": self.vocabulary_.to_dict(),
            "labels": self._named(),
            "tags": self.tags_.to_dict(),
            "threshold": self.threshold_,
            "columns": list(self.columns_),
        }

    def _restore(self, stored: Artifact, network: Callable[[], Any]) -> None:
        manifest = stored.manifest
        (labels, kind), tags = labels_from(manifest["labels"]), Labels.from_dict(manifest["tags"])
        vocabulary = Vocabulary.from_dict(manifest["vocabulary"])
        check_parts(manifest["architecture"], labels, vocabulary)
        if manifest["architecture"]["head"]["tags"] != len(tags):
            raise DataError(f"the network has other tags than the {len(tags)} of the file")
        self._adopt(network(), vocabulary, labels, tags, kind)
        self.threshold_ = float(manifest["threshold"])
        text, label, slot = manifest["columns"]
        self.columns_ = (str(text), str(label), slot)

    def _adopt(self, model: Model, vocabulary: Vocabulary, labels: Labels, tags: Labels, kind: str) -> None:
        """Take over what training or a file gave."""
        self.model_, self.vocabulary_, self.tags_ = model, vocabulary, tags
        self.slots_ = tuple(sorted({name.partition("-")[2] for name in tags.names} - {""}))
        self._name(labels, kind)

    def _read(self, X: Any, y: Any = None, slots: Any = None, **named: str | None) -> Requests:
        """Requests, with columns as in training unless named."""
        if y is None:
            names = dict(zip(("text", "label", "slot"), self.columns_, strict=True))
            named = {key: named.get(key) or name for key, name in names.items()}
        return read_requests(X, y, slots, **named, scheme=self.scheme, cut=self.cut)

    def _sentences(self, X: Any) -> list[Sentence]:
        self._check_fitted()
        texts = as_list(X, "texts")
        for row, text in enumerate(texts, start=1):
            if not isinstance(text, str):
                raise DataError(f"row {row}: wanted text, got {text!r:.60} of type {type(text).__name__}")
        return read_words(texts)

    def _asked(self, sentences: list[Sentence]) -> tuple[NDArray[np.float64], list[NDArray[np.int64]]]:
        if not sentences:
            return np.zeros((0, len(self.labels_))), []
        return shares_and_tags(self.model_, encoded(self.vocabulary_, sentences))

    def _decide(
        self, sentences: list[Sentence], shares: NDArray[np.float64], tags: list[NDArray[np.int64]]
    ) -> list[Parsed]:
        if not sentences:
            return []
        answers = decide(shares, self.labels_.names, outside=self.out_of_scope, threshold=self.threshold_)
        parsed = []
        for sentence, answer, chosen in zip(sentences, answers, tags, strict=True):
            spans = tuple(find_spans(sentence, self.tags_.decode(chosen.tolist()), self.scheme))
            # A text without a word says nothing.
            parsed.append(Parsed(answer.label, answer.confidence, answer.known and len(sentence) > 0, spans))
        return parsed

    def _compare(self, examples: Requests) -> IntentEvaluation:
        """The report on requests with true intents and slots."""
        sentences, truth = examples.tagged.sentences, examples.rows.labels
        shares, tags = self._asked(sentences)
        answers = self._decide(sentences, shares, tags)
        told = [self.label_of(answer) for answer in answers]
        report = compare(
            truth,
            told,
            labels=self.labels_.names,
            loss=mean_loss(shares, truth, self.labels_),
            out_of_scope=self.out_of_scope,
            threshold=self.threshold_ if self.out_of_scope is not None else None,
            source=examples.rows.source,
        )
        wanted = [[span[:3] for span in find_spans(s, s.tags, self.scheme)] for s in sentences]
        found = [[span[:3] for span in answer.slots] for answer in answers]
        return with_slots(report, [a == b for a, b in zip(truth, told, strict=True)], wanted, found)
