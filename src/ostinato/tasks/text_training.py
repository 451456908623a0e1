"""How a text classifier is trained: read, split, build, train, and choose what it refuses to answer."""

from __future__ import annotations

import dataclasses
import math
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.cells import BUILT_IN, Cell
from ostinato.data import Labels, Vocabulary
from ostinato.data.texts import Texts
from ostinato.errors import DataError, OptionError, nearest
from ostinato.heads.decoding import choose_threshold
from ostinato.lowering.rebuild import cell_digest
from ostinato.options import describe
from ostinato.tasks.evaluation import counted
from ostinato.tasks.examples import Examples
from ostinato.tasks.pretrained import begin
from ostinato.tasks.text_options import TextClassifierOptions, network
from ostinato.train.options import TrainOptions

if TYPE_CHECKING:
    from ostinato.data.batch import Batch
    from ostinato.model import Model

# A batch for prediction holds at most this many words, padding counted: long texts come in smaller batches.
_WORDS_AT_ONCE = 1 << 16
_WORDS_ALONE = 256


@dataclass(frozen=True)
class Trained:
    """What training gave: the network, what it reads and answers, and how it went.

    ``valid`` are its probabilities for the validation examples.
    """

    model: Model
    vocabulary: Vocabulary
    labels: Labels
    threshold: float
    history: tuple[dict[str, Any], ...]
    summary: dict[str, Any]
    valid: NDArray[np.float64] | None


def train_classifier(
    options: TextClassifierOptions,
    examples: Examples,
    valid: Examples | None,
    *,
    fingerprint: str,
    checkpoint: str | Path | None,
    resume: bool,
    watch: Callable[[Any], None],
) -> Trained:
    """Train on some examples, choose by others, and tell every report to ``watch``; ``fingerprint`` names the data."""
    from ostinato.data.batches import TextBatches
    from ostinato.train import Finished, train

    began = time.monotonic()
    options, start = begin(options)
    labels = Labels.learn(examples.labels)
    check_out_of_scope(options.out_of_scope, labels)
    vocabulary = start.words(
        Vocabulary.learn(
            examples.texts,
            lowercase=bool(options.lowercase),
            min_count=options.min_count,
            ngrams=options.ngrams,
            buckets=options.buckets,
        )
    )
    texts = vocabulary.encode(examples.texts)
    _check_lengths(texts, examples, options.longest)
    batches = TextBatches(texts, labels.encode(examples.labels), size=options.batch, seed=options.seed)
    held = None
    if valid is not None:
        target = labels.encode(valid.labels, valid.place)
        held = TextBatches(vocabulary.encode(valid.texts), target, size=256, shuffle=False)
    weights = class_weights(labels) if options.class_weight == "balanced" else None
    architecture = network(
        options, words=vocabulary.size, pieces=vocabulary.buckets, classes=len(labels), class_weights=weights
    )
    model = seeded_network(
        architecture,
        options.seed,
        f"hidden={options.hidden}, embedding={options.embedding} and buckets={options.buckets}",
    )
    start.into_words(model, vocabulary)
    epochs = enough_epochs(len(batches)) if options.epochs is None else options.epochs
    patience = enough_patience(epochs) if options.patience is None else options.patience
    options = dataclasses.replace(options, epochs=epochs, patience=patience)
    reports = train(
        model,
        batches,
        held,
        options=options,
        checkpoint=checkpoint,
        resume=resume,
        fingerprint=fingerprint,
        facts=own_options(options),
    )
    history: tuple[dict[str, Any], ...] = ()
    for report in reports:
        if isinstance(report, Finished):
            history = tuple(dict(entry) for entry in report.history)
        watch(report)
    model.to("cpu").eval()
    shares = None if held is None else probabilities(model, held.texts)
    threshold = 0.0 if valid is None or shares is None else refusal_threshold(options, labels, valid, shares)
    summary = summarise(options, examples, valid, vocabulary, labels, history, time.monotonic() - began)
    return Trained(model, vocabulary, labels, threshold, history, summary | start.told, shares)


def seeded_network(
    architecture: dict[str, Any], seed: int, sizes: str, make: Callable[[dict[str, Any]], Any] | None = None
) -> Model:
    """A network whose fresh weights follow from a seed; ``sizes`` tell what to make smaller if it does not fit.

    ``make`` builds it where it is no :class:`~ostinato.model.Model`.
    """
    import torch

    from ostinato.model import build

    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made: Model = (make or build)(architecture)
            return made
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "alloc" not in str(error) and "overflow" not in str(error):
            raise
        raise OptionError(f"the network does not fit into memory with {sizes}; choose smaller ones") from None


def probabilities(model: Model, texts: Texts) -> NDArray[np.float64]:
    """The probability of each class for each text, [n, N], rows in the order of the texts.

    Texts go through the network in the order of their lengths, in batches that fit into memory whatever the lengths.
    """
    order = np.argsort(-texts.lengths, kind="stable")
    out = np.zeros((len(texts), model.architecture["head"]["classes"]))
    with few_threads(len(texts.tokens)):
        for rows, batch in side_by_side(texts, order):
            out[rows] = model.decode(batch).double().numpy()
    # Softmax in single precision: its sums are 1 to seven digits, and some users of probabilities want more.
    total: NDArray[np.float64] = out / out.sum(axis=1, keepdims=True)
    return total


@contextmanager
def few_threads(words: int, few: int = _WORDS_ALONE) -> Iterator[None]:
    """One thread for a few words: more would only wait for each other, on a busy machine for a tenth of a second."""
    import torch

    before = torch.get_num_threads()
    if before > 1 and words <= few:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


def class_weights(labels: Labels) -> list[float]:
    """n / (N n_k) for each class k: every class weighs the same as a whole.

    >>> class_weights(Labels(("a", "b"), (1, 3)))
    [2.0, 0.6666666666666666]
    """
    total = sum(labels.counts)
    return [total / (len(labels) * count) for count in labels.counts]


def fingerprint(examples: Examples, valid: Examples | None) -> str:
    """What a checkpoint remembers of the data as they were given, before any are kept for validation."""
    import hashlib

    parts = [examples.digest(), valid.digest() if valid is not None else ""]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def own_options(options: Any) -> dict[str, Any]:
    """The options that decide a result and that training itself does not see, as JSON.

    >>> own_options(TextClassifierOptions())["ngrams"]
    [3, 5]
    """
    skipped = {"data_licence", *(field.name for field in describe(TrainOptions))}
    kind: Any = type(options)
    values = {f.name: getattr(options, f.name) for f in describe(kind) if f.name not in skipped}
    if isinstance(options.cell, Cell):
        # Two cells of one name need not compute the same.
        own = BUILT_IN.get(options.cell.name) is not options.cell
        values["cell"] = options.cell.name + (f" ({cell_digest(options.cell)[:16]})" if own else "")
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def enough_patience(epochs: int) -> int:
    """How many epochs without a better result are waited for unless told: two of five, at least four.

    An epoch of small data is a step or two, after which nothing can be better yet.

    >>> enough_patience(10), enough_patience(150)
    (4, 60)
    """
    return max(4, 2 * epochs // 5)


def enough_epochs(batches: int) -> int:
    """How often training goes through the data unless told: ten times, small data more often.

    >>> enough_epochs(200), enough_epochs(20), enough_epochs(1)
    (10, 75, 150)
    """
    return max(10, min(150, -(-1500 // batches)))


def refusal_threshold(
    options: TextClassifierOptions, labels: Labels, valid: Examples, shares: NDArray[np.float64]
) -> float:
    """The confidence below which the model says that it does not know, chosen on validation data.

    Fewer than 1 / ``refuse`` rows inside the task are too few to choose it: not one of them may be refused, and the
    lowest right confidence among a few rows says little about other texts. Then it is 0, and only what the out-of-scope
    class wins is refused.
    """
    truth = np.array(valid.labels, dtype=object)
    names = np.array(labels.names, dtype=object)
    inside = names != options.out_of_scope
    best = shares[:, inside].argmax(axis=1)
    confidence = shares[:, inside][np.arange(len(best)), best]
    right = names[inside][best] == truth
    known = truth != options.out_of_scope
    if math.floor(options.refuse * known.sum() + 1e-9) == 0:
        return 0.0
    return choose_threshold(right[known], confidence[known], options.refuse)


def side_by_side(texts: Texts, order: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], Batch]]:
    """Batches of the rows in their order: longest first, so that the first row says how many fit."""
    from ostinato.data.batches import TextBatches

    at = 0
    lengths = texts.lengths
    while at < len(order):
        size = int(np.clip(_WORDS_AT_ONCE // max(int(lengths[order[at]]), 1), 1, 256))
        rows = order[at : at + size]
        yield rows, next(iter(TextBatches(texts.pick(rows), size=len(rows), shuffle=False).epoch(0)))
        at += size


def check_out_of_scope(label: str | None, labels: Labels) -> None:
    """Refuse a label of what is out of scope that no row has, or that leaves too few others."""
    if label is None:
        return
    if label not in labels.names:
        raise OptionError(
            f"out_of_scope names a label that no training row has: '{label}'; {nearest(label, labels.names)}"
        )
    if len(labels) < 3:
        raise DataError(f"besides '{label}' a classifier needs at least two labels, got {len(labels) - 1}")


def _check_lengths(texts: Texts, examples: Examples, longest: int) -> None:
    row = int(texts.lengths.argmax())
    words = int(texts.lengths[row])
    if words > longest:
        raise DataError(
            f"{examples.place(row)}: the text has {words:,} words, and a training text has at most {longest:,}; "
            "shorten it, leave the row out, or raise longest"
        )


def summarise(
    options: Any,
    examples: Any,
    valid: Any,
    vocabulary: Vocabulary,
    labels: Labels,
    history: tuple[dict[str, Any], ...],
    seconds: float,
) -> dict[str, Any]:
    """How the model came about, for its file."""
    finished = history[-1]
    best = next(e for e in history if e["event"] == "epoch" and e["epoch"] == finished["best_epoch"])
    return {
        "data": describe_data(examples, valid, vocabulary, labels),
        "licence": options.data_licence,
        "epochs": finished["epochs"],
        "best_epoch": finished["best_epoch"] + 1,
        "train": dict(best["train"]),
        "valid": dict(best["valid"]),
        "seconds": round(seconds, 1),
        "seed": options.seed,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """The versions of what a model was made with."""
    return {"python": platform.python_version(), **{name: version_of(name) for name in _PACKAGES}}


_PACKAGES = ("ostinato", "torch", "numpy", "tokenizers")


def describe_data(examples: Any, valid: Any, vocabulary: Vocabulary, labels: Labels) -> str:
    """The data in one line."""
    where = f"{examples.source}: " if examples.source else ""
    validation = f", {counted(len(valid), 'row')} for validation" if valid is not None else ", none for validation"
    return (
        f"{where}{counted(len(examples), 'training row')}{validation}, {counted(len(labels), 'label')}, "
        f"{counted(len(vocabulary.words), 'word')} in the vocabulary"
    )


def version_of(package: str) -> str:
    """The version of a package, for the file of a model made with it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
