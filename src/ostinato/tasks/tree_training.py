"""How a tree classifier is trained, and how it is asked."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data import Labels, Vocabulary
from ostinato.data.trees import Tree
from ostinato.errors import DataError, OptionError
from ostinato.tasks.text_training import (
    class_weights,
    enough_epochs,
    enough_patience,
    few_threads,
    own_options,
    seeded_network,
    summarise,
)
from ostinato.tasks.tree_examples import EncodedTrees, TreeExamples, encode_trees, shaped, targets
from ostinato.tasks.tree_options import TreeClassifierOptions, network, places

if TYPE_CHECKING:
    from ostinato.forest import Forest
    from ostinato.model import Model

# Trees for prediction come in batches of at most so many trees and, but for a single large tree, so many nodes.
_TREES_AT_ONCE, _NODES_AT_ONCE = 256, 1 << 15
_NODES_ALONE = 256


@dataclass(frozen=True)
class TrainedTrees:
    """What training gave: the network, what it reads and answers, and how it went.

    ``valid`` are its probabilities for the validation trees.
    """

    model: Model
    vocabulary: Vocabulary
    labels: Labels
    history: tuple[dict[str, Any], ...]
    summary: dict[str, Any]
    valid: NDArray[np.float64] | None


def train_trees(
    options: TreeClassifierOptions,
    examples: TreeExamples,
    valid: TreeExamples | None,
    *,
    fingerprint: str,
    checkpoint: str | Path | None,
    resume: bool,
    watch: Callable[[Any], None],
) -> TrainedTrees:
    """Train on some trees, choose by others, and tell every report to ``watch``; ``fingerprint`` names the data."""
    from ostinato.data.tree_batches import TreeBatches
    from ostinato.train import Finished, train

    began = time.monotonic()
    inside = share_inside(options, examples)
    labels = Labels.learn(examples.all_labels() if inside else examples.rows.labels)
    trees = shaped(examples.trees, options.binarize)
    check_trees(trees, options, examples.rows.place)
    vocabulary = Vocabulary.learn_words(
        (tree.words for tree in trees),
        lowercase=options.lowercase,
        min_count=options.min_count,
        ngrams=options.ngrams,
        buckets=options.buckets,
    )

    def batches_of(read: TreeExamples, encoded: EncodedTrees, size: int, shuffle: bool) -> TreeBatches:
        target = targets(read, encoded, labels, inside=inside > 0)
        return TreeBatches(encoded.words, encoded.parents, target, size=size, seed=options.seed, shuffle=shuffle)

    batches = batches_of(examples, encode_trees(trees, vocabulary), options.batch, True)
    held, read = None, None
    if valid is not None:
        kept = shaped(valid.trees, options.binarize)
        check_places(kept, places(options), valid.rows.place)
        read = encode_trees(kept, vocabulary)
        held = batches_of(valid, read, _TREES_AT_ONCE, False)
    weights = class_weights(Labels.learn(examples.rows.labels)) if options.class_weight == "balanced" else None
    if weights is not None and len(weights) != len(labels):
        raise OptionError("class_weight='balanced' wanted every label at the root of some tree; leave it out")
    architecture = network(
        options,
        words=vocabulary.size,
        pieces=vocabulary.buckets,
        classes=len(labels),
        inside=inside,
        class_weights=weights,
    )
    sizes = f"hidden={options.hidden}, embedding={options.embedding} and buckets={options.buckets}"
    model = seeded_network(architecture, options.seed, sizes)
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
    shares = None if read is None else root_shares(model, read)
    kept_rows = None if valid is None else valid.rows
    summary = summarise(options, examples.rows, kept_rows, vocabulary, labels, history, time.monotonic() - began)
    return TrainedTrees(model, vocabulary, labels, history, summary, shares)


def share_inside(options: TreeClassifierOptions, examples: TreeExamples) -> float:
    """What labels inside the trees weigh: as asked for, or half where there are any."""
    if options.inside is None:
        return 0.5 if examples.labelled_inside else 0.0
    if options.inside and not examples.labelled_inside:
        raise OptionError(
            f"inside={options.inside:g} weighs labels inside the trees, and only roots have labels; leave it out"
        )
    return options.inside


def check_trees(trees: list[Tree], options: TreeClassifierOptions, place: Callable[[int], str]) -> None:
    """Refuse trees to train on that are too large, or that the network has no places for."""
    row = max(range(len(trees)), key=lambda row: len(trees[row]))
    if len(trees[row]) > options.largest:
        raise DataError(
            f"{place(row)}: the tree has {len(trees[row]):,} nodes, and a training tree has at most "
            f"{options.largest:,}; leave it out, or raise largest"
        )
    check_places(trees, places(options), place)


def check_places(trees: list[Tree], arity: int | None, place: Callable[[int], str]) -> None:
    """Refuse a tree with a node of more children than a network tells apart."""
    if arity is None:
        return
    for row, tree in enumerate(trees):
        most = np.bincount(np.array(tree.parents) + 1)[1:].max(initial=0)
        if most > arity:
            raise DataError(
                f"{place(row)}: a node has {most} children, and arity={arity} has places for {arity}; raise it, leave "
                "it out to add children up, or set binarize='left'"
            )


def root_shares(model: Model, trees: EncodedTrees) -> NDArray[np.float64]:
    """The probability of each class for each tree as a whole, [n, N], rows in the order of the trees."""
    out = np.zeros((len(trees), model.architecture["head"]["classes"]))
    for rows, forest, shares in _answered(model, trees):
        out[rows] = shares[forest.roots.numpy()]
    total: NDArray[np.float64] = out / out.sum(axis=1, keepdims=True)
    return total


def node_shares(model: Model, trees: EncodedTrees) -> list[NDArray[np.float64]]:
    """The probability of each class at each node of each tree as it was given: [nodes, N] a tree."""
    out: list[NDArray[np.float64]] = [np.zeros((0, 0))] * len(trees)
    for rows, forest, shares in _answered(model, trees):
        ordered = np.empty_like(shares)
        ordered[forest.origin.numpy()] = shares
        start = 0
        for row in rows.tolist():
            nodes = trees.nodes[row]
            mine, given = ordered[start : start + len(nodes)], nodes >= 0
            start += len(nodes)
            out[row] = np.empty((int(given.sum()), shares.shape[1]))
            out[row][nodes[given]] = mine[given] / mine[given].sum(axis=1, keepdims=True)
    return out


def _answered(model: Model, trees: EncodedTrees) -> Iterator[tuple[NDArray[np.int64], Forest, NDArray[np.float64]]]:
    """Batches of trees, largest first: their rows, their forest, and the probabilities at its nodes."""
    from ostinato.data.tree_batches import TreeBatches

    lengths = trees.words.lengths
    order = np.argsort(-lengths, kind="stable")
    at = 0
    with few_threads(len(trees.words.tokens), _NODES_ALONE):
        while at < len(order):
            size = int(np.clip(_NODES_AT_ONCE // int(lengths[order[at]]), 1, _TREES_AT_ONCE))
            rows = order[at : at + size]
            picked = trees.pick(rows)
            [batch] = TreeBatches(picked.words, picked.parents, size=len(rows), shuffle=False).epoch(0)
            assert batch.forest is not None
            yield rows, batch.forest, model.decode(batch).double().numpy()
            at += size
