"""Training speed of language models: tokens a second beside the same network on torch.nn, same batches, same Adam."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SENTENCE = (
    "language models: tokens of training a second beside nn.Embedding, nn.LSTM or nn.GRU, nn.Linear and fused Adam"
)
TOKENS, LAYERS, EMBEDDING, ROWS, STEPS, THREADS = 65, 2, 128, 32, 128, 2
DROPOUT, CLIP = 0.4, 1.0
# Cell and width, with what is wanted of ours.
JOBS = {"lstm-512": ("lstm", 512), "gru-512": ("gru", 512), "lstm-128": ("lstm", 128), "gru-128": ("gru", 128)}
WINDOWS = {512: 6, 128: 20}
# Losses of the first steps without dropout, from the same weights on the same batches, agree that well: the first by
# rounding alone; then torch's two biases, whose sum is our one, have together moved twice as far.
_COMPARED, _AGREED, _MOVED = 3, 1e-5, 1e-3


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One process for each cell and width, in which both networks take turns."""
    command = [sys.executable, "-m", "benchmarks.language_speed"]
    return {job: lambda job=job: _process([*command, job]) for job in JOBS}


def _process(command: list[str]) -> dict[str, Any]:
    place, environment = Path(__file__).parents[1], {**os.environ, "OMP_NUM_THREADS": str(THREADS)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=place, env=environment)
    if done.returncode:
        raise RuntimeError(f"{command} failed: {done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def networks(cell: str, hidden: int, dropout: float) -> tuple[Any, Any]:
    """Our network, and torch's with the same weights."""
    import torch
    from torch import nn

    from ostinato.importing import from_torch
    from ostinato.model import build

    torch.manual_seed(0)

    class Peer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(TOKENS, EMBEDDING)
            kind = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
            self.body = kind(EMBEDDING, hidden, LAYERS, batch_first=True, dropout=dropout)
            self.leave, self.head = nn.Dropout(dropout), nn.Linear(hidden, TOKENS)

        def forward(self, ids: Any, state: Any) -> tuple[Any, Any]:
            y, last = self.body(self.table(ids), state)
            return self.head(self.leave(y)), last

    peer = Peer()
    # What torch calls a GRU has a bias of its own in each gate's share of the state.
    body = from_torch(peer.body)
    architecture = {
        "embed": {"kind": "ids", "count": TOKENS, "width": EMBEDDING},
        "body": {"cell": body.cell, "hidden": hidden, "layers": LAYERS, "dropout": dropout},
        "head": {"kind": "language", "tokens": TOKENS, "dropout": dropout},
    }
    ours = build(architecture)
    ours.body.load_state_dict(body.state_dict())
    ours.embed.table.load_state_dict(peer.table.state_dict())
    ours.head.scores.load_state_dict(peer.head.state_dict())
    return ours, peer


def steps(model: Any, loss_of: Callable[[Any, Any], tuple[Any, Any]], batches: list[Any]) -> tuple[list[float], float]:
    """One step of training for each batch, the state carried on: the losses, and the seconds."""
    import torch

    if not hasattr(model, "optimizer"):
        model.optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, fused=True)
    state, losses = None, []
    began = time.perf_counter()
    for batch in batches:
        loss, state = loss_of(batch, state)
        model.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        model.optimizer.step()
        losses.append(loss.item())
    return losses, time.perf_counter() - began


def measure(job: str) -> dict[str, Any]:
    """Compare the losses of some steps without dropout; then windows of a step each, in turns."""
    import torch
    from torch.nn import functional

    from ostinato.data.batch import Batch
    from ostinato.state import map_state

    torch.set_num_threads(THREADS)
    cell, hidden = JOBS[job]
    ids = torch.randint(TOKENS, (ROWS, STEPS * 4 + 1), generator=torch.Generator().manual_seed(1))
    batches = list(Batch(ids[:, :-1], target=ids[:, 1:]).windows(STEPS))

    def pair(dropout: float) -> list[Any]:
        ours, peer = networks(cell, hidden, dropout)

        def our_loss(batch: Any, state: Any) -> tuple[Any, Any]:
            step = ours.loss(batch, state)
            return step.loss, map_state(torch.Tensor.detach, step.state)

        def peer_loss(batch: Any, state: Any) -> tuple[Any, Any]:
            scores, last = peer(batch.inputs, state)
            loss = functional.cross_entropy(scores.reshape(-1, TOKENS), batch.target.reshape(-1))
            return loss, tuple(part.detach() for part in last) if cell == "lstm" else last.detach()

        return [(ours, our_loss), (peer, peer_loss)]

    ours, theirs = (steps(model, loss_of, batches[:_COMPARED])[0] for model, loss_of in pair(0.0))
    apart = [abs(a - b) for a, b in zip(ours, theirs, strict=True)]
    worst = max(apart)
    if apart[0] > _AGREED or worst > _MOVED:
        raise RuntimeError(f"the losses differ by {worst}: {ours} and {theirs}")
    seconds: tuple[list[float], list[float]] = ([], [])
    sides = pair(DROPOUT)
    for window in range(WINDOWS[hidden] + 1):
        # Whoever comes first in one window comes second in the next.
        for side in (0, 1) if window % 2 else (1, 0):
            taken = steps(*sides[side], [batches[window % len(batches)]])[1]
            # The first window of each is there to warm up.
            if window:
                seconds[side].append(taken)
    tokens = ROWS * STEPS
    ratios = [theirs / ours for ours, theirs in zip(*seconds, strict=True)]
    return {
        "job": {"cell": cell, "hidden": hidden, "layers": LAYERS, "embedding": EMBEDDING, "rows": ROWS, "steps": STEPS},
        "dropout": DROPOUT,
        "threads": THREADS,
        "losses": {"ours": ours, "torch": theirs},
        "losses_differ_by": worst,
        "ours_tokens_per_second": tokens / statistics.median(seconds[0]),
        "torch_tokens_per_second": tokens / statistics.median(seconds[1]),
        "faster": statistics.median(ratios),
        "faster_by_best": min(seconds[1]) / min(seconds[0]),
        "ratios": [round(ratio, 3) for ratio in sorted(ratios)],
    }


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """How many times faster ours is."""
    return {job: {name: result[name] for name in ("faster", "faster_by_best")} for job, result in results.items()}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
