"""How a tagger is trained, and how it is asked."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data import Labels, Vocabulary
from ostinato.data.language.columns import Sentence
from ostinato.data.language.schemes import moves
from ostinato.data.texts import Texts
from ostinato.errors import DataError
from ostinato.heads.best_path import write_moves
from ostinato.tasks.pretrained import begin
from ostinato.tasks.tag_examples import TaggedExamples
from ostinato.tasks.tag_options import TaggerOptions, network
from ostinato.tasks.text_training import (
    enough_epochs,
    enough_patience,
    few_threads,
    own_options,
    seeded_network,
    side_by_side,
    summarise,
)

if TYPE_CHECKING:
    from ostinato.model import Model


@dataclass(frozen=True)
class TrainedTagger:
    """What training gave: the network, what it reads and answers, and how it went."""

    model: Model
    vocabulary: Vocabulary
    labels: Labels
    history: tuple[dict[str, Any], ...]
    summary: dict[str, Any]


def train_tagger(
    options: TaggerOptions,
    examples: TaggedExamples,
    valid: TaggedExamples | None,
    *,
    labels: Labels,
    fingerprint: str,
    checkpoint: str | Path | None,
    resume: bool,
    watch: Callable[[Any], None],
) -> TrainedTagger:
    """Train on some sentences, choose by others, and tell every report to ``watch``; ``fingerprint`` names the data."""
    from ostinato.data.language.tagged_batches import TaggedBatches
    from ostinato.train import Finished, train

    began = time.monotonic()
    options, start = begin(options)
    vocabulary = start.words(learn_words(options, examples.sentences))
    texts = encoded(vocabulary, examples.sentences)
    check_lengths(texts, examples.sentences, options.longest)

    def batches_of(read: Texts, tagged: TaggedExamples, size: int, shuffle: bool) -> TaggedBatches:
        target = labels.encode(tagged.tags, tagged.place)
        return TaggedBatches(read, target, size=size, seed=options.seed, shuffle=shuffle)

    batches = batches_of(texts, examples, options.batch, True)
    held = None if valid is None else batches_of(encoded(vocabulary, valid.sentences), valid, 256, False)
    allowed = None if examples.scheme is None else write_moves(moves(labels.names, examples.scheme))
    architecture = network(options, words=vocabulary.size, pieces=vocabulary.buckets, tags=len(labels), allowed=allowed)
    sizes = f"hidden={options.hidden}, embedding={options.embedding} and buckets={options.buckets}"
    model = seeded_network(architecture, options.seed, sizes)
    start.into_words(model, vocabulary)
    epochs = enough_epochs(len(batches)) if options.epochs is None else options.epochs
    patience = enough_patience(epochs) if options.patience is None else options.patience
    options = dataclasses.replace(options, epochs=epochs, patience=patience)
    history: tuple[dict[str, Any], ...] = ()
    for report in train(
        model,
        batches,
        held,
        options=options,
        checkpoint=checkpoint,
        resume=resume,
        fingerprint=fingerprint,
        facts=own_options(options),
    ):
        if isinstance(report, Finished):
            history = tuple(dict(entry) for entry in report.history)
        watch(report)
    model.to("cpu").eval()
    summary = summarise(options, examples, valid, vocabulary, labels, history, time.monotonic() - began)
    return TrainedTagger(model, vocabulary, labels, history, summary | start.told)


def learn_words(options: Any, sentences: list[Sentence]) -> Vocabulary:
    """The vocabulary of some sentences."""
    return Vocabulary.learn_words(
        (spelled(sentence) for sentence in sentences),
        lowercase=options.lowercase,
        min_count=options.min_count,
        ngrams=options.ngrams,
        buckets=options.buckets,
    )


def encoded(vocabulary: Vocabulary, sentences: list[Sentence]) -> Texts:
    """Sentences as numbers."""
    return vocabulary.encode_words(spelled(sentence) for sentence in sentences)


def spelled(sentence: Sentence) -> list[str]:
    """The words of a sentence in one spelling: composed characters and straight apostrophes.

    >>> spelled(Sentence(("it\u2019s", "cafe\u0301"), ()))
    ["it's", 'caf\xe9']
    """
    from unicodedata import normalize

    return [w if w.isascii() else normalize("NFC", w).replace("\u2019", "'") for w in sentence.words]


def fingerprint(examples: TaggedExamples, valid: TaggedExamples | None) -> str:
    """What a checkpoint remembers of the data as they were given, before any are kept for validation."""
    parts = [examples.digest(), valid.digest() if valid is not None else ""]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def check_lengths(texts: Texts, sentences: list[Sentence], longest: int) -> None:
    """Refuse a sentence to train on that is too long."""
    row = int(texts.lengths.argmax())
    words = int(texts.lengths[row])
    if words > longest:
        raise DataError(
            f"{sentences[row].place}: the sentence has {words:,} words, and one to train on has at most {longest:,}; "
            "cut it, leave it out, or raise longest"
        )


def asked(model: Model, texts: Texts) -> Iterator[tuple[NDArray[np.int64], Any]]:
    """What a network answers, batch by batch, longest texts first: the rows, and what its head says of them."""
    order = np.argsort(-texts.lengths, kind="stable")
    with few_threads(len(texts.tokens)):
        for rows, batch in side_by_side(texts, order):
            yield rows, model.decode(batch)


def tags_and_shares(model: Model, texts: Texts) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float64]]]:
    """For each sentence its tags, int64 [T], and the probability of each tag at each word, [T, N]."""
    tags: list[NDArray[np.int64]] = [np.zeros(0, np.int64)] * len(texts)
    shares: list[NDArray[np.float64]] = [np.zeros((0, 0))] * len(texts)
    lengths = texts.lengths
    for rows, found in asked(model, texts):
        best, chances = found.tags.numpy(), found.shares.double().numpy()
        for place, row in enumerate(rows.tolist()):
            length = int(lengths[row])
            tags[row] = best[place, :length]
            mine = chances[place, :length]
            shares[row] = mine / mine.sum(axis=1, keepdims=True)
    return tags, shares
