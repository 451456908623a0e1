"""A small model and small data that train in milliseconds, and the real ones that get killed."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from ostinato.data.batch import Batch
from ostinato.model import Activity, Step
from ostinato.state import State
from ostinato.train import TrainOptions, train

NAMES = 11


class Tiny(nn.Module):
    """Tells at every step which letter comes next; dropout makes its training random."""

    def __init__(self, *, dropout=0.3, stateful=True):
        super().__init__()
        torch.manual_seed(7)
        self.letters = nn.Embedding(NAMES, 6)
        self.body = nn.LSTM(6, 8, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.scores = nn.Linear(8, NAMES)
        self.stateful = stateful

    def depths(self):
        return [[*part.parameters()] for part in (self.scores, self.body, self.letters)]

    def loss(self, batch, state=None):
        before = None if state is None else (state.h, state.c)
        y, (h, c) = self.body(self.letters(batch.inputs), before)
        scores = self.scores(self.dropout(y)).flatten(0, 1)
        target = batch.target.flatten()
        right = (scores.detach().argmax(-1) == target).sum()
        after = State(h=h, c=c) if self.stateful else None
        return Step(functional.cross_entropy(scores, target), after, len(target), {"accuracy": right}, Activity(y))


class TinyBatches:
    """Batches [4, 9] of letters whose order hangs on the epoch."""

    def __init__(self, count=5, *, time=9, continuous=False, shuffle=True):
        generator = torch.Generator().manual_seed(3)
        inputs = torch.randint(0, NAMES, (count, 4, time), generator=generator)
        self.all = [Batch(x, target=(3 * x + 1) % NAMES) for x in inputs]
        self.continuous = continuous
        self.shuffle = shuffle

    def __len__(self):
        return len(self.all)

    def epoch(self, number, start=0):
        generator = torch.Generator().manual_seed(number)
        order = torch.randperm(len(self.all), generator=generator) if self.shuffle else torch.arange(len(self.all))
        return (self.all[k] for k in order[start:].tolist())


PLAIN = {
    "epochs": 2,
    "lr": 2e-3,
    "optimizer": "adam",
    "weight_decay": 0.0,
    "schedule": "constant",
    "warmup": 0.0,
    "clip": 1.0,
    "patience": 0,
    "average": 0.0,
    "monitor": "loss",
    "device": "cpu",
}


def options(**given):
    """Options for a short run: plain ones, whatever the defaults are, but for those given."""
    return TrainOptions(**PLAIN | given)


def trained(model=None, batches=None, valid=None, *, checkpoint=None, resume=False, fingerprint="", **given):
    """A model after training, and all reports."""
    model = Tiny() if model is None else model
    batches = TinyBatches() if batches is None else batches
    keep = {"checkpoint": checkpoint, "resume": resume, "fingerprint": fingerprint}
    return model, list(train(model, batches, valid, options=options(**given), **keep))


def weights(model):
    """Every weight in one vector."""
    return torch.cat([p.detach().flatten() for p in model.parameters()])
