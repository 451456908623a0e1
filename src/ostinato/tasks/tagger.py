"""Words to tags: fit, predict, evaluate, save."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.artifact import Artifact
from ostinato.data import Labels, Vocabulary
from ostinato.data.language.columns import Sentence
from ostinato.data.language.schemes import SCHEMES
from ostinato.data.language.spans import Found, find_spans
from ostinato.errors import DataError, needs
from ostinato.tasks.examples import hold_out
from ostinato.tasks.fitted import check_parts, watcher
from ostinato.tasks.tag_examples import Reading, TaggedExamples, read_tagged, read_words
from ostinato.tasks.tag_options import TaggerOptions, check_options
from ostinato.tasks.tag_report import TagEvaluation, compare_tags
from ostinato.tasks.tag_training import encoded, fingerprint, spelled, tags_and_shares, train_tagger
from ostinato.tasks.task_model import TaskModel

if TYPE_CHECKING:
    from ostinato.model import Model


class TaggedAnswer(NamedTuple):
    """What a tagger says of a sentence: its words with their tags, how sure it is of each, and the spans they make."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    confidences: tuple[float, ...]
    spans: tuple[Found, ...]


@dataclass(kw_only=True, eq=False, repr=False)
class Tagger(TaskModel, TaggerOptions):
    """Learns from tagged sentences which tag each word has.

    >>> model = Tagger(hidden=8, embedding=8, lr=0.05, min_count=1, holdout=0, device="cpu")
    >>> sentences = [(["the", "lamp"], ["DET", "NOUN"]), (["stop", "the", "lamp"], ["VERB", "DET", "NOUN"])]
    >>> model.fit(sentences, progress=False).predict(["stop the lamp"])
    [['VERB', 'DET', 'NOUN']]

    ``fit`` takes pairs of words and tags, two lists, a table, or a file with a word a line
    (:func:`~ostinato.tasks.tag_examples.read_tagged`). Tags such as B-name and I-name are spans: answers keep to their
    scheme, and reports score spans as wholes. The options are those of the command ``ostinato train tagger``.

    After fitting: ``classes_`` (the tags), ``scheme_`` (that of the spans, None without any), ``model_``,
    ``vocabulary_``, ``labels_``, ``validation_`` (the report on the validation data, None without any), ``history_``
    (the log entries of training), ``training_`` (how it came about).
    """

    # What it reads; its columns are called words and tags unless named.
    reads: ClassVar[str] = "words"
    task: ClassVar[str] = "tagger"
    options: ClassVar[type] = TaggerOptions
    checks = staticmethod(check_options)
    also: ClassVar[frozenset[str]] = frozenset({"vocabulary", "labels", "scheme", "columns"})

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        word: str | int | None = None,
        tag: str | int | None = None,
        valid: Any = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: bool | Callable[[Any], None] = True,
    ) -> Tagger:
        """Train on tagged sentences; ``word`` and ``tag`` name their columns in a file or frame.

        ``valid`` is what early stopping is decided on: of the same kinds, two lists as a pair; without it a share
        ``holdout`` of the sentences is kept for that. A ``checkpoint`` path makes the run safe against interruption,
        and ``resume=True`` goes on from there. ``progress`` shows a live bar; a function is called with every report
        instead.
        """
        needs("torch", "train")
        options = self._checked(valid=valid is not None)
        examples = read_tagged(X, y, word=word, tag=tag, reading=Reading(options.scheme, options.broken, options.cut))
        labels = _labels(examples)
        if valid is not None:
            held = self._read(valid, None, word, tag, examples.scheme)
            data = fingerprint(examples, held)
        else:
            data = fingerprint(examples, None)
            kept, apart = hold_out(["sentence"] * len(examples), options.holdout, options.seed)
            examples, held = examples.pick(kept), examples.pick(apart)
        with watcher(progress) as watch:
            trained = train_tagger(
                options,
                examples,
                held if held.tags else None,
                labels=labels,
                fingerprint=data,
                checkpoint=checkpoint,
                resume=resume,
                watch=watch,
            )
        self._adopt(trained.model, trained.vocabulary, trained.labels, examples.scheme)
        self.history_, self.training_ = trained.history, trained.summary | {"repaired": examples.repaired}
        self.columns_ = (word, tag)
        self.validation_ = self._compare(held) if held.tags else None
        return self

    def predict(self, X: Any) -> list[list[str]]:
        """The tags of every sentence; a sentence is a list of words, or a text."""
        return [list(answer.tags) for answer in self.answers(X)]

    def predict_proba(self, X: Any) -> list[NDArray[np.float64]]:
        """The probability of every tag for every word of every sentence, [T, N] each, in the order of ``classes_``."""
        return self._asked(read_words(X))[1]

    def predict_spans(self, X: Any) -> list[list[Found]]:
        """The spans of every sentence, in characters of the text, or of its words with spaces between them."""
        self._check_fitted()
        if self.scheme_ is None:
            raise DataError("the tags of this Tagger are no spans; use predict")
        return [list(answer.spans) for answer in self.answers(X)]

    def answers(self, X: Any) -> list[TaggedAnswer]:
        """For every sentence its words, their tags, how sure the model is of each, and the spans.

        >>> Tagger().answers(["stop"])
        Traceback (most recent call last):
        ostinato.errors.NotFittedError: this Tagger is not trained yet; call fit, or load a model by ostinato.load
        """
        self._check_fitted()
        sentences = X if isinstance(X, list) and X and isinstance(X[0], Sentence) else read_words(X)
        tags, shares = self._asked(sentences)
        answers = []
        for sentence, chosen, chances in zip(sentences, tags, shares, strict=True):
            named = self.labels_.decode(chosen.tolist())
            sure = chances[np.arange(len(chosen)), chosen] if len(chosen) else np.zeros(0)
            spans = find_spans(sentence, named, self.scheme_) if self.scheme_ is not None else []
            answers.append(TaggedAnswer(sentence.words, tuple(named), tuple(sure.tolist()), tuple(spans)))
        return answers

    def evaluate(
        self, X: Any, y: Any = None, *, word: str | int | None = None, tag: str | int | None = None
    ) -> TagEvaluation:
        """Compare the model's answers with true tags; columns are called as in training unless named.

        A tag that training never saw counts as wrong, and the report says so; if no tag was seen, that is an error.
        """
        self._check_fitted()
        if y is None and not isinstance(X, list | tuple):
            word, tag = word or self.columns_[0], tag or self.columns_[1]
        examples = self._read(X, y, word, tag, self.scheme_)
        if not {*examples.tags} & {*self.labels_.names}:
            self.labels_.encode(examples.tags, examples.place)
        return self._compare(examples)

    def score(self, X: Any, y: Any = None) -> float:
        """The share of words with the right tag."""
        return self.evaluate(X, y).accuracy

    def _own(self) -> dict[str, Any]:
        return {
            "vocabulary": self.vocabulary_.to_dict(),
            "labels": self.labels_.to_dict(),
            "scheme": self.scheme_,
            "columns": list(self.columns_),
        }

    def _restore(self, stored: Artifact, network: Callable[[], Any]) -> None:
        manifest = stored.manifest
        labels, vocabulary = Labels.from_dict(manifest["labels"]), Vocabulary.from_dict(manifest["vocabulary"])
        check_parts(manifest["architecture"], labels, vocabulary)
        scheme = manifest["scheme"]
        if scheme is not None and scheme not in SCHEMES:
            raise DataError(f"there is no scheme {scheme!r:.40}")
        self._adopt(network(), vocabulary, labels, scheme)
        self.columns_ = (manifest["columns"][0], manifest["columns"][1])

    def _adopt(self, model: Model, vocabulary: Vocabulary, labels: Labels, scheme: str | None) -> None:
        """Take over what training or a file gave."""
        self.model_, self.vocabulary_, self.labels_, self.scheme_ = model, vocabulary, labels, scheme
        self.classes_ = np.array(labels.names)

    def _read(self, X: Any, y: Any, word: Any, tag: Any, scheme: str | None) -> TaggedExamples:
        """Tagged sentences in the scheme of the model."""
        reading = Reading(scheme, self.broken, self.cut)
        if y is None and isinstance(X, tuple) and len(X) == 2:
            return read_tagged(*X, reading=reading)
        return read_tagged(X, y, word=word, tag=tag, reading=reading)

    def _asked(self, sentences: list[Sentence]) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float64]]]:
        self._check_fitted()
        if not sentences:
            return [], []
        return tags_and_shares(self.model_, encoded(self.vocabulary_, sentences))

    def _compare(self, examples: TaggedExamples) -> TagEvaluation:
        """The report on tagged sentences."""
        tags, _ = self._asked(examples.sentences)
        cased = self.vocabulary_.cased
        return compare_tags(
            examples.sentences,
            [self.labels_.decode(chosen.tolist()) for chosen in tags],
            labels=self.labels_.names,
            scheme=self.scheme_,
            known=set(self.vocabulary_.words),
            spellings=[[cased(word) for word in spelled(sentence)] for sentence in examples.sentences],
            repaired=examples.repaired,
            source=examples.source,
        )


def _labels(examples: TaggedExamples) -> Labels:
    """All tags, those of validation rows among them, so that none is unknown there."""
    labels = Labels.learn(examples.tags)
    if len(labels) < 2:
        shown = f"{examples.source}: " if examples.source else ""
        raise DataError(
            f"{shown}all {len(examples.tags):,} words have the tag '{labels.names[0]}'; a tagger needs at least two"
        )
    return labels
