"""A character model written plainly on torch.nn: what benchmarks/language.py compares with."""

from __future__ import annotations

import math
import time
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Peer(nn.Module):
    """A table, an LSTM with dropout between its layers and behind them, and scores of all characters."""

    def __init__(self, tokens: int, embedding: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.table = nn.Embedding(tokens, embedding)
        self.body = nn.LSTM(embedding, hidden, layers, batch_first=True, dropout=dropout)
        self.leave, self.scores = nn.Dropout(dropout), nn.Linear(hidden, tokens)

    def forward(self, ids: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        y, state = self.body(self.table(ids), state)
        return self.scores(self.leave(y)), state

    @torch.inference_mode()
    def nats(self, ids: Tensor, steps: int = 1000) -> float:
        """The mean loss of a text of which every character but the first is foretold, the state carried on."""
        self.eval()
        total, state = 0.0, None
        for begin in range(0, len(ids) - 1, steps):
            part = ids[begin : begin + steps + 1]
            scores, state = self(part[None, :-1], state)
            total += float(functional.cross_entropy(scores[0], part[1:], reduction="sum"))
        self.train()
        return total / (len(ids) - 1)


def trained(train: str, valid: str, test: str, job: dict[str, Any]) -> dict[str, Any]:
    """Truncated backpropagation over contiguous rows, Adam with a short rise and a cosine, the best epoch's weights."""
    torch.manual_seed(job["seed"])
    characters = {character: number for number, character in enumerate(sorted(set(train)))}
    read, held, unseen = (torch.tensor([characters[c] for c in text]) for text in (train, valid, test))
    model = Peer(len(characters), job["embedding"], job["hidden"], job["layers"], job["dropout"])
    optimizer = torch.optim.Adam(model.parameters(), lr=job["lr"], fused=True)
    rows, steps, epochs = job["batch"], job["truncate"], job["epochs"]
    length = (len(read) - 1) // rows
    inputs, target = (read[first : first + rows * length].view(rows, length) for first in (0, 1))
    began, best, kept, learning = time.monotonic(), math.inf, {}, []
    for epoch in range(epochs):
        state, losses = None, []
        for begin in range(0, length, steps):
            progress = (epoch + begin / length) / epochs
            rise = job["warmup"] / epochs
            fall = 0.5 * (1 + math.cos(math.pi * (progress - rise) / (1 - rise)))
            for group in optimizer.param_groups:
                group["lr"] = job["lr"] * (progress / rise if progress < rise else fall)
            scores, state = model(inputs[:, begin : begin + steps], state)
            state = tuple(part.detach() for part in state)
            loss = functional.cross_entropy(scores.flatten(0, 1), target[:, begin : begin + steps].flatten())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), job["clip"])
            optimizer.step()
            losses.append(float(loss.detach()))
        learning.append({"train": sum(losses) / len(losses), "valid": model.nats(held)})
        if learning[-1]["valid"] < best:
            best = learning[-1]["valid"]
            kept = {name: value.clone() for name, value in model.state_dict().items()}
        print(f"{time.monotonic() - began:7.1f} s  epoch {epoch + 1}: {learning[-1]}", flush=True)
    seconds = time.monotonic() - began
    model.load_state_dict(kept)
    return {
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "test_nats": model.nats(unseen),
        "valid_nats": best,
        "learning": learning,
        "best_epoch": 1 + min(range(epochs), key=lambda epoch: learning[epoch]["valid"]),
        "training_seconds": round(seconds, 1),
        "tokens_per_second": len(train) * epochs / seconds,
    }
