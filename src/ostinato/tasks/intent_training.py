"""How an intent parser is trained, and how it is asked."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data import Labels, Vocabulary
from ostinato.data.language.schemes import OUTSIDE, moves
from ostinato.data.texts import Texts
from ostinato.heads.best_path import write_moves
from ostinato.tasks.intent_examples import Requests
from ostinato.tasks.intent_options import IntentParserOptions, network
from ostinato.tasks.pretrained import begin
from ostinato.tasks.tag_training import asked, check_lengths, encoded, learn_words
from ostinato.tasks.text_training import (
    check_out_of_scope,
    class_weights,
    enough_epochs,
    enough_patience,
    own_options,
    refusal_threshold,
    seeded_network,
    summarise,
)

if TYPE_CHECKING:
    from ostinato.model import Model


@dataclass(frozen=True)
class TrainedParser:
    """What training gave: the network, what it reads and answers, and how it went."""

    model: Model
    vocabulary: Vocabulary
    labels: Labels
    tags: Labels
    threshold: float
    history: tuple[dict[str, Any], ...]
    summary: dict[str, Any]


def train_parser(
    options: IntentParserOptions,
    examples: Requests,
    valid: Requests | None,
    *,
    tags: Labels,
    fingerprint: str,
    checkpoint: str | Path | None,
    resume: bool,
    watch: Callable[[Any], None],
) -> TrainedParser:
    """Train on some requests, choose by others, and tell every report to ``watch``; ``fingerprint`` names the data."""
    from ostinato.data.language.tagged_batches import TaggedBatches
    from ostinato.train import Finished, train

    began = time.monotonic()
    options, start = begin(options)
    labels = Labels.learn(examples.rows.labels)
    check_out_of_scope(options.out_of_scope, labels)
    vocabulary = start.words(learn_words(options, examples.tagged.sentences))
    texts = encoded(vocabulary, examples.tagged.sentences)
    check_lengths(texts, examples.tagged.sentences, options.longest)

    def batches_of(read: Texts, requests: Requests, size: int, shuffle: bool) -> TaggedBatches:
        target = tags.encode(requests.tagged.tags, requests.tagged.place)
        label = labels.encode(requests.rows.labels, requests.rows.place)
        return TaggedBatches(read, target, label, size=size, seed=options.seed, shuffle=shuffle)

    batches = batches_of(texts, examples, options.batch, True)
    read = None if valid is None else encoded(vocabulary, valid.tagged.sentences)
    held = None if valid is None or read is None else batches_of(read, valid, 256, False)
    architecture = network(
        options,
        words=vocabulary.size,
        pieces=vocabulary.buckets,
        classes=len(labels),
        tags=len(tags),
        allowed=write_moves(moves(tags.names, options.scheme)),
        class_weights=class_weights(labels) if options.class_weight == "balanced" else None,
    )
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
    threshold = 0.0
    if valid is not None and read is not None and options.out_of_scope is not None:
        threshold = refusal_threshold(options, labels, valid.rows, shares_and_tags(model, read)[0])
    rows = None if valid is None else valid.rows
    summary = summarise(options, examples.rows, rows, vocabulary, labels, history, time.monotonic() - began)
    return TrainedParser(model, vocabulary, labels, tags, threshold, history, summary | start.told)


def learn_tags(requests: list[Requests]) -> Labels:
    """The tags of all slots; there is always one for what is none."""
    tags = [tag for part in requests for tag in part.tagged.tags]
    return Labels.learn([*tags, OUTSIDE])


def shares_and_tags(model: Model, texts: Texts) -> tuple[NDArray[np.float64], list[NDArray[np.int64]]]:
    """The probability of each intent for each text [n, N], and the tags of its words, int64 [T] each."""
    shares = np.zeros((len(texts), model.architecture["head"]["classes"]))
    tags: list[NDArray[np.int64]] = [np.zeros(0, np.int64)] * len(texts)
    lengths = texts.lengths
    for rows, found in asked(model, texts):
        shares[rows] = found.labels.double().numpy()
        best = found.tagged.tags.numpy()
        for place, row in enumerate(rows.tolist()):
            tags[row] = best[place, : int(lengths[row])]
    total: NDArray[np.float64] = shares / shares.sum(axis=1, keepdims=True)
    return total, tags
