"""Trains one network on one task until it is solved or its time is over, and judges it at every length.

The loop of ``train/`` goes through a data set in epochs, keeps checkpoints and the best weights. Here sequences are
drawn without end, their length grows with what is learnt, time is a budget of seconds and a run is too short to be
resumed: that is another loop, and a short one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from ostinato.cells import Cell
from ostinato.certificates.network import Network, right
from ostinato.certificates.task import Task
from ostinato.train.clipping import Clip

SOLVED, SOLVED_ERROR = 0.999, 0.01
# A batch is easy when so many of its answers are right; then sequences become longer.
_EASY = 0.95
_JUDGED, _BLOCK = 512, 128


@dataclass(frozen=True)
class Settings:
    """How every network of a certificate is trained; the same for all cells.

    ``seconds`` are seconds of the processor with one thread, so that other programs on the machine take nothing
    away, and seconds of the clock with more.
    """

    seconds: float = 25.0
    hidden: int = 64
    layers: int = 1
    clip: float = 1.0
    threads: int = 1

    def kept(self, task: Task) -> dict[str, Any]:
        """The settings as they stand in a result, those of the task among them."""
        return {**asdict(self), "rows": task.rows, "lr": task.lr, "train": task.train, "tests": list(task.tests)}


@dataclass(frozen=True)
class Glimpse:
    """How a run stands: steps made, seconds spent, the present length, and the accuracy of the last batches."""

    steps: int
    seconds: float
    length: int
    accuracy: float


def learn(
    cell: Cell,
    task: Task,
    seed: int,
    settings: Settings,
    *,
    timescale: float | None = None,
    watch: Callable[[Glimpse], None] = lambda glimpse: None,
) -> dict[str, Any]:
    """One run: the accuracy at each length, when it was solved, and what it took.

    ``watch`` is called after every step; what it raises ends the run.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = Network(cell, task, hidden=settings.hidden, layers=settings.layers, timescale=timescale)
        return _Run(network, task, seed, settings, watch).record()
    finally:
        torch.set_num_threads(threads)


class _Run:
    def __init__(
        self, network: Network, task: Task, seed: int, settings: Settings, watch: Callable[[Glimpse], None]
    ) -> None:
        self.network, self.task, self.seed, self.settings, self.watch = network, task, seed, settings, watch
        self.chance = torch.Generator().manual_seed(seed)
        self.optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=task.lr, fused=True)
        self.clip = Clip(network.parameters(), norm=settings.clip)
        self.clock = time.thread_time if settings.threads == 1 else time.monotonic
        self.length, self.steps, self.seconds, self.accuracy = task.start, 0, 0.0, 0.0
        self.diverged = False
        self.solved_seconds: float | None = None

    def record(self) -> dict[str, Any]:
        """Train, judge, and tell."""
        began, end = self.clock(), math.inf
        while self.steps < end and not self.diverged and self.seconds < self.settings.seconds:
            self._step()
            self.seconds = self.clock() - began
            self.watch(Glimpse(self.steps, self.seconds, self.length, self.accuracy))
            if self.solved_seconds is None and self._grown() and self._is_solved():
                self.solved_seconds = round(self.seconds, 2)
                # What is just learnt still drifts on long sequences: they show more after half as many steps again.
                end = self.steps + self.steps // 2
        judged = {str(length): self._judged(length) for length in self.task.lengths}
        return {
            "solved": self.solved_seconds is not None and not self.diverged,
            "solved_seconds": self.solved_seconds,
            "accuracy": {length: numbers["accuracy"] for length, numbers in judged.items()},
            "loss": {length: numbers["loss"] for length, numbers in judged.items()},
            "seconds": round(self.seconds, 2),
            "steps": self.steps,
            "length_reached": self.length,
            "diverged": self.diverged,
            "parameters": sum(p.numel() for p in self.network.parameters() if p.requires_grad),
            "engine": str(self.network.engine(self.task.draw(self.chance, 2, self.task.train))),
        }

    def _step(self) -> None:
        # The rate falls with the steps, never with the clock: a solved run is the same on a slower machine.
        rate = self.task.lr / (1 + self.steps / 2000)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        batch = self.task.draw(self.chance, self.task.rows, self.length)
        loss, answers = self.network.loss(batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.clip()
        self.optimizer.step()
        self.steps += 1
        share = right(self.task, answers.detach(), batch.target[:, batch.labelled]).float().mean().item()
        self.accuracy += 0.2 * (share - self.accuracy)
        self.diverged = not math.isfinite(loss.item())

    def _grown(self) -> bool:
        """Lengthen the sequences when they are easy; True when they have their full length and are."""
        if self.accuracy < _EASY:
            return False
        if self.length < self.task.train:
            self.length, self.accuracy = min(self.task.train, math.ceil(1.5 * self.length)), 0.0
            return False
        return self.steps % 10 == 0

    def _is_solved(self) -> bool:
        numbers = self._judged(self.task.train)
        if self.task.classes:
            return numbers["accuracy"] >= SOLVED
        return numbers["loss"] < SOLVED_ERROR

    @torch.no_grad()
    def _judged(self, length: int) -> Mapping[str, float]:
        """Accuracy and loss on new sequences of a length, the same for every cell."""
        chance = torch.Generator().manual_seed(2**32 + self.seed)
        correct, loss = 0.0, 0.0
        for _ in range(_JUDGED // _BLOCK):
            batch = self.task.draw(chance, _BLOCK, length)
            answers = self.network(batch.inputs, batch.judged)
            target = batch.target[:, batch.judged]
            correct += right(self.task, answers, target).float().mean().item()
            if not self.task.classes:
                loss += (answers[..., 0] - target).square().mean().item()
        blocks = _JUDGED // _BLOCK
        return {"accuracy": correct / blocks, "loss": loss / blocks}
