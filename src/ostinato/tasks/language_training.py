"""How a language model is trained and asked."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.language.tokens import MARK, Tokens
from ostinato.data.language.vectors import read_vectors
from ostinato.errors import DataError, OptionError
from ostinato.tasks.evaluation import counted
from ostinato.tasks.language_options import LanguageModelOptions, network
from ostinato.tasks.language_recipes import resolved
from ostinato.tasks.language_report import LanguageReport
from ostinato.tasks.language_source import Source
from ostinato.tasks.pretrained import begin
from ostinato.tasks.text_training import few_threads, own_options, seeded_network, versions

if TYPE_CHECKING:
    from ostinato.data.language.corpus import Corpus
    from ostinato.model import Model

# Validation reads so many places of the text side by side; each begins without knowing what stood before.
_ROWS_HELD = 8
# Windows of evaluation have so many steps, and texts that are scored side by side so many in all.
_STEPS, _AT_ONCE, _STEPS_ALONE = 256, 1 << 14, 2048


@dataclass(frozen=True)
class TrainedLanguage:
    """What training gave: the network, its tokens, how it went, and how well it foretells what was held out."""

    model: Model
    tokens: Tokens
    history: tuple[dict[str, Any], ...]
    summary: dict[str, Any]
    valid: LanguageReport | None


def train_language(
    options: LanguageModelOptions,
    source: Source,
    valid: Source | None = None,
    *,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    watch: Callable[[Any], None] = lambda report: None,
) -> TrainedLanguage:
    """Train on some documents, choose by others or by the end of these, and tell every report to ``watch``."""
    from ostinato.data.language.corpus_batches import CorpusBatches, EvaluationBatches
    from ostinato.train import Finished, train

    began = time.monotonic()
    options, start = begin(options)
    chosen = resolved(options)
    tokens = source.tokens(options, start)
    whole = source.corpus(tokens)
    fingerprint = whole.digest
    if valid is not None:
        learned, held = whole, valid.corpus(tokens)
        fingerprint += held.digest
    elif options.holdout:
        learned, held = whole.split(options.holdout)
    else:
        learned, held = whole, None
    rows, steps, vary = (getattr(chosen, name) for name in ("batch", "truncate", "vary"))
    batches = CorpusBatches(learned, rows=rows, steps=steps, seed=options.seed, vary=vary)
    judged = None if held is None else EvaluationBatches(held, rows=_ROWS_HELD, steps=steps)
    model = fresh_network(chosen, tokens)
    start.into_language(model, tokens)
    history: tuple[dict[str, Any], ...] = ()
    for report in train(
        model,
        batches,
        judged,
        # Windows are the source's; a run of others is another run all the same.
        options=dataclasses.replace(chosen, truncate=0, patience=chosen.patience if held is not None else 0),
        checkpoint=checkpoint,
        resume=resume,
        fingerprint=fingerprint,
        facts=own_options(options) | {"window": steps, "vary": vary},
    ):
        if isinstance(report, Finished):
            history = tuple(dict(entry) for entry in report.history)
        watch(report)
    summary = _summary(chosen, source, tokens, learned, held, history, time.monotonic() - began) | start.told
    return TrainedLanguage(
        model.to("cpu").eval(), tokens, history, summary, None if held is None else _held_report(held, summary["valid"])
    )


def fresh_network(chosen: LanguageModelOptions, tokens: Tokens) -> Model:
    """The untrained network of resolved options; pretrained vectors stand where words have them."""
    import torch

    read = None if chosen.vectors is None else read_vectors(chosen.vectors, tokens.pieces)
    embedding = chosen.embedding
    if read is not None:
        width = read.matrix.shape[1]
        if embedding not in (None, width):
            raise OptionError(
                f"embedding={embedding}, and {chosen.vectors} has vectors of {width}; leave out embedding"
            )
        if not read.found.any():
            raise DataError(f"{chosen.vectors} has none of the {len(tokens.pieces):,} words of the text")
        embedding = width
    assert embedding is not None
    architecture = network(chosen, tokens=tokens.size, embedding=embedding)
    model = seeded_network(architecture, chosen.seed, f"hidden={chosen.hidden} and {tokens.size:,} tokens")
    if read is not None:
        rows = np.flatnonzero(read.found)
        with torch.no_grad():
            model.embed.table.weight[torch.from_numpy(rows + tokens.first)] = torch.from_numpy(read.matrix[rows])
    return model


def evaluate_corpus(model: Model, corpus: Corpus, *, rows: int = 1, source: str = "") -> LanguageReport:
    """How well a model foretells a corpus, each document from its beginning, with the state carried all along.

    Several ``rows`` share out documents and change nothing but the speed; a single document is read in one row.
    """
    import torch

    from ostinato.data.language.corpus_batches import EvaluationBatches

    batches = EvaluationBatches(corpus, rows=rows if len(corpus.starts) > 1 else 1, steps=_STEPS)
    total, count, state = 0.0, 0, None
    with torch.inference_mode(), few_threads(len(corpus), _STEPS_ALONE):
        for batch in batches.epoch(0):
            step = model.loss(batch, state)
            total, count, state = total + float(step.loss) * step.count, count + step.count, step.state
    if not math.isfinite(total):
        raise DataError("the loss is not a finite number; the model's weights are too large, train it anew")
    characters, raw = corpus.lengths
    return LanguageReport(total, count, characters, raw, _unknown(corpus), source)


def log_likelihoods(
    model: Model, tokens: Tokens, texts: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """log p of each text as a document, its end included, in nats [n]; and the number of its tokens [n]."""
    import torch

    from ostinato.data.batch import Batch

    mark = tokens.special(MARK)
    ids = [np.concatenate([[mark], tokens.encode(text), [mark]]).astype(np.int64) for text in texts]
    lengths = np.array([len(row) - 1 for row in ids], np.int64)
    order = np.argsort(-lengths, kind="stable")
    out, at = np.zeros(len(texts)), 0
    with torch.inference_mode(), few_threads(int(lengths.sum()), _STEPS_ALONE):
        while at < len(order):
            longest = int(lengths[order[at]])
            rows = order[at : at + max(1, _AT_ONCE // min(longest, _STEPS))]
            read = np.zeros((len(rows), longest + 1), np.int64)
            for row, place in enumerate(rows.tolist()):
                read[row, : len(ids[place])] = ids[place]
            batch = Batch(
                torch.from_numpy(read[:, :-1].copy()),
                torch.from_numpy(lengths[rows]),
                torch.from_numpy(read[:, 1:].copy()),
            )
            state = None
            for window in batch.windows(_STEPS):
                y, state = model.features(window, state)
                logs = model.head.decode(y, window.lengths).gather(-1, window.target[..., None])  # type: ignore[index]
                out[rows] += logs[..., 0].double().sum(1).numpy()
            at += len(rows)
    return out, lengths


def _held_report(held: Corpus, means: dict[str, float]) -> LanguageReport:
    """What validation told of the text that was held out, in the best epoch."""
    characters, raw = held.lengths
    count = len(held) - 1
    return LanguageReport(means["loss"] * count, count, characters, raw, _unknown(held), "validation")


def _unknown(corpus: Corpus) -> int:
    """How many ids stand for something unknown."""
    unknown = corpus.tokens.unknown
    if unknown is None:
        return 0
    stretch = 1 << 20
    return sum(int((corpus.ids[k : k + stretch] == unknown).sum()) for k in range(0, len(corpus), stretch))


def _summary(
    options: LanguageModelOptions,
    source: Source,
    tokens: Tokens,
    learned: Corpus,
    held: Corpus | None,
    history: tuple[dict[str, Any], ...],
    seconds: float,
) -> dict[str, Any]:
    """How the model came about, for its file."""
    finished = history[-1]
    best = next(e for e in history if e["event"] == "epoch" and e["epoch"] == finished["best_epoch"])
    validation = "none" if held is None else counted(len(held), "token")
    return {
        "data": (
            f"{source.described}: {counted(len(learned), 'token')} to learn from, {validation} for validation, "
            f"{tokens.size:,} different {tokens.kind}"
        ),
        "licence": options.data_licence,
        "epochs": finished["epochs"],
        "best_epoch": finished["best_epoch"] + 1,
        "train": dict(best["train"]),
        "valid": dict(best["valid"]),
        "seconds": round(seconds, 1),
        "seed": options.seed,
        "versions": versions(),
    }
