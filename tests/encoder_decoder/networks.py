"""Small networks and batches that the tests of this folder share."""

from __future__ import annotations

import numpy as np
import torch

from ostinato.data.language.pair_batches import PairBatches
from ostinato.encoder_decoder import EncoderDecoder

# One of each kind: fused, with a bias of its own, without a product, projected, with heads, with a second product.
CELLS = ("lstm", "gru", "sru", "lstm_projected", "slstm", "gru_reset_before", "indrnn")


def network(cell="lstm", seed=0, **parts):
    torch.manual_seed(seed)
    half = {"cell": cell, "hidden": 8, "layers": parts.pop("layers", 1)}
    wanted = {"source": 30, "target": 30, "embedding": 6, "start": 1, "end": 2, "encoder": half, "decoder": half}
    return EncoderDecoder(wanted | parts).double().eval()


def batch(count=5, seed=0, copies=False, longest=7):
    rng = np.random.default_rng(seed)
    source = [rng.integers(3, 30, rng.integers(1, longest)) for _ in range(count)]
    target = [np.append(rng.integers(3, 30, rng.integers(1, longest)), 2) for _ in range(count)]
    batches = PairBatches(source, target, size=count, shuffle=False, copies=source if copies else None)
    return next(iter(batches.epoch(0)))
