"""How a network that reads one text and writes another is trained."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.language.pairs import Pairs
from ostinato.errors import DataError
from ostinato.tasks.evaluation import counted
from ostinato.tasks.examples import hold_out
from ostinato.tasks.pretrained import begin
from ostinato.tasks.seq2seq_options import Seq2SeqOptions, network
from ostinato.tasks.seq2seq_sides import Sides
from ostinato.tasks.text_training import enough_epochs, enough_patience, own_options, seeded_network, versions

if TYPE_CHECKING:
    from ostinato.data.language.pair_batches import PairBatches
    from ostinato.encoder_decoder import EncoderDecoder


@dataclass(frozen=True)
class TrainedSeq2Seq:
    """What training gave: the network, the tokens of both sides, how far they reach, and how it went."""

    model: EncoderDecoder
    sides: Sides
    reach: tuple[int, int]
    history: tuple[dict[str, Any], ...]
    summary: dict[str, Any]


def parted(pairs: Pairs, share: float, seed: int) -> tuple[Pairs, Pairs]:
    """The pairs to learn from, and those to validate on."""
    kept, held = hold_out(["pair"] * len(pairs), share, seed)
    return pairs.pick(kept.tolist()), pairs.pick(held.tolist())


def train_seq2seq(
    options: Seq2SeqOptions,
    pairs: Pairs,
    valid: Pairs | None,
    *,
    fingerprint: str,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    watch: Callable[[Any], None] = lambda report: None,
) -> TrainedSeq2Seq:
    """Train on some pairs, choose by others, and tell every report to ``watch``; ``fingerprint`` names the data."""
    from ostinato.train import Finished, train

    began = time.monotonic()
    options, start = begin(options)
    sides = Sides.learn(options, pairs, start)
    batches = batches_of(sides, pairs, options.longest, size=options.batch, seed=options.seed)
    held = (
        None if valid is None or not len(valid) else batches_of(sides, valid, options.longest, size=64, shuffle=False)
    )
    unknown = sides.target.unknown
    architecture = network(options, source=sides.source.size, target=sides.target.size, unknown=unknown)
    sizes = f"hidden={options.hidden} and {sides.target.size:,} tokens"
    model: Any = seeded_network(architecture, options.seed, sizes, built)
    start.into_reader(model, sides.source)
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
    assert batches.target is not None
    reach = int(batches.source.lengths.max()), int(batches.target.lengths.max()) - 1
    summary = _summary(options, pairs, valid, sides, history, time.monotonic() - began)
    return TrainedSeq2Seq(model.to("cpu").eval(), sides, reach, history, summary | start.told)


def batches_of(sides: Sides, pairs: Pairs, longest: int, **told: Any) -> PairBatches:
    """Pairs as batches; a text with more tokens than ``longest`` is refused with its place."""
    from ostinato.data.language.pair_batches import PairBatches

    ids = sides.encoded(pairs.source)
    answers = sides.answers(pairs.target, pairs.source)
    check_lengths(ids, longest, pairs.place)
    check_lengths([line[:-1] for line in answers], longest, pairs.place, "target")
    return PairBatches(ids, answers, copies=sides.copies(pairs.source, ids), **told)


def check_lengths(
    ids: Sequence[NDArray[np.int64]], longest: int, place: Callable[[int], str], side: str = "source"
) -> None:
    """Refuse a text that has more tokens than are allowed."""
    for row, line in enumerate(ids):
        if len(line) > longest:
            raise DataError(
                f"{place(row)}: the {side} has {len(line):,} tokens, and a text has at most {longest:,}; "
                "shorten it, leave the row out, or train with a higher longest"
            )


def fingerprint(pairs: Pairs, valid: Pairs | None) -> str:
    """What a checkpoint remembers of the data as they were given, before any are kept for validation."""
    parts = [pairs.digest(), valid.digest() if valid is not None else ""]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def kept_network(architecture: Any, tensors: Mapping[str, NDArray[Any]], trust_cell: bool) -> EncoderDecoder:
    """The network of a file, its weights in place; nothing is made as large as the file merely claims."""
    import torch

    from ostinato.encoder_decoder import build_encoder_decoder

    for half in ("encoder", "decoder"):
        layers = architecture[half].get("layers", 1)
        if not isinstance(layers, int) or layers > len(tensors):
            raise DataError(f"{layers} layers cannot come from {len(tensors)} tensors")
    with torch.device("meta"):
        model = build_encoder_decoder(architecture, trust_cell=trust_cell)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()}, assign=True)
    if model.architecture["shared"]:
        model.reads = model.words
    if model.architecture["tied"]:
        model.table = model.words
    return model.eval()


def built(architecture: dict[str, Any]) -> EncoderDecoder:
    """The untrained network of an architecture."""
    from ostinato.encoder_decoder import build_encoder_decoder

    return build_encoder_decoder(architecture)


def _summary(
    options: Seq2SeqOptions,
    pairs: Pairs,
    valid: Pairs | None,
    sides: Sides,
    history: tuple[dict[str, Any], ...],
    seconds: float,
) -> dict[str, Any]:
    """How the model came about, for its file."""
    finished = history[-1]
    best = next(e for e in history if e["event"] == "epoch" and e["epoch"] == finished["best_epoch"])
    where = f"{pairs.name}: " if pairs.name else ""
    held = f"{counted(len(valid), 'pair')} for validation" if valid is not None and len(valid) else "no validation"
    left = f", {counted(len(pairs.dropped), 'pair')} with an empty side left out" if pairs.dropped else ""
    return {
        "data": f"{where}{counted(len(pairs), 'pair')}, {held}, {sides.source.size:,} tokens to read and "
        f"{sides.target.size:,} to write{left}",
        "licence": options.data_licence,
        "epochs": finished["epochs"],
        "best_epoch": finished["best_epoch"] + 1,
        "train": dict(best["train"]),
        "valid": dict(best["valid"]),
        "seconds": round(seconds, 1),
        "seed": options.seed,
        "versions": versions(),
    }
