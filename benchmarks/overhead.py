"""What the training loop costs over a bare hand-written one: the same model, the same batches."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from benchmarks.pairs import in_turns

SENTENCE = "the training loop against a bare PyTorch loop of the same model on the same batches (at most 1.15)"


class Plain(nn.Module):
    """The classifier as one would write it by hand on torch.nn.LSTM; both loops train this very model."""

    def __init__(self, words: int, pieces: int, width: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.pieces = nn.EmbeddingBag(pieces, width, mode="mean")
        self.lstm = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)
        self.scores = nn.Linear(4 * hidden, classes)

    def forward(self, batch: Any) -> torch.Tensor:
        """Scores of each row."""
        table = self.words(batch.table.words) + self.pieces(batch.table.grams, batch.table.offsets)
        y, _ = self.lstm(nn.functional.dropout(table[batch.inputs], 0.3, self.training))
        valid = (torch.arange(y.shape[1]) < batch.lengths[:, None])[..., None]
        mean = torch.where(valid, y, 0.0).sum(1) / batch.lengths[:, None]
        highest = torch.where(valid, y, -torch.inf).amax(1)
        return self.scores(nn.functional.dropout(torch.cat([mean, highest], 1), 0.5, self.training))

    def loss(self, batch: Any, state: Any = None) -> Any:
        """What the library's loop asks a model for."""
        from ostinato.model import Step

        scores = self(batch)
        loss = nn.functional.cross_entropy(scores, batch.target)
        right = (scores.detach().argmax(-1) == batch.target).sum()
        return Step(loss, None, len(scores), {"accuracy": right})


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One epoch of a small and of a middle-sized model."""
    return {f"lstm-{hidden}": lambda hidden=hidden: measure(hidden) for hidden in (64, 128)}


def sources() -> Any:
    """Sentences like requests to an assistant: 60 batches of 64, about 8 words each."""
    from ostinato.data.batches import TextBatches
    from ostinato.data.words import Vocabulary

    chance = random.Random(0)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(3000)]
    texts = [" ".join(chance.choices(words, k=chance.randint(3, 14))) for _ in range(64 * 60)]
    vocabulary = Vocabulary.learn(texts)
    target = [chance.randrange(150) for _ in texts]
    return vocabulary, TextBatches(vocabulary.encode(texts), target, size=64)


def measure(hidden: int) -> dict[str, Any]:
    """Time one epoch of each loop in turns, after both were seen to give the same weights to the last bit."""
    from ostinato.train import TrainOptions, train

    vocabulary, batches = sources()
    torch.manual_seed(0)
    start = Plain(vocabulary.size, vocabulary.buckets, 128, hidden, 150)
    options = TrainOptions(
        epochs=1, schedule="constant", warmup=0.0, lr=2e-3, optimizer="adam", weight_decay=0.0, average=0.0
    )

    def ours() -> nn.Module:
        model = copy.deepcopy(start)
        for _ in train(model, batches, options=options):
            pass
        return model

    def bare() -> nn.Module:
        model = copy.deepcopy(start)
        # The fastest form of Adam; with the plain one the bare loop takes 1.3 to 1.5 times as long.
        optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, fused=True)
        torch.manual_seed(options.seed)
        model.train()
        for batch in batches.epoch(0):
            loss = nn.functional.cross_entropy(model(batch), batch.target)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        return model

    a, b = ours(), bare()
    difference = max((p - q).abs().max().item() for p, q in zip(a.parameters(), b.parameters(), strict=True))
    return {"largest_difference": difference, **in_turns(ours, bare, rounds=10, warm_up=1)}


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The ratio of each size."""
    return {name: {"ratio": r["ratio"], "difference": r["largest_difference"]} for name, r in results.items()}
