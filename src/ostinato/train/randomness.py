"""What makes a run repeatable: its random generators, kept apart from the caller's and savable as arrays."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ostinato.train.placement import Placement


@contextmanager
def repeatable() -> Iterator[None]:
    """Have torch choose operations that give equal bits whenever they are repeated.

    >>> with repeatable():
    ...     torch.are_deterministic_algorithms_enabled()
    True

    Without this the gradient of ``table[ids]`` differs from call to call as soon as there are two threads. Where torch
    has no such operation, on a GPU, it warns. A stricter setting of the caller stays.
    """
    # A module whose attributes are properties, which its types do not tell.
    memory: Any = torch.utils.deterministic
    mode, fills = torch.get_deterministic_debug_mode(), memory.fill_uninitialized_memory
    if mode == 0:
        torch.set_deterministic_debug_mode("warn")
        # A help for finding mistakes, which costs time with each new tensor.
        memory.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(mode)
        memory.fill_uninitialized_memory = fills


class Randomness:
    """The run's own random states of torch, Python and numpy.

    Inside :meth:`owned` the global generators hold the run's states, afterwards the caller's again; inside
    :meth:`lent` it is the other way round, so that nobody who reads reports can disturb the run.
    """

    def __init__(self, placement: Placement, seed: int) -> None:
        self.placement = placement
        self.device = placement.device
        # Processes that train together drop out different units.
        self.seed = (seed + 1_000_003 * placement.process) % 2**63

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Seed every generator, and give the caller's states back in the end."""
        callers = self._states()
        self._callers = self._tensors()
        torch.manual_seed(self.seed)
        random.seed(self.seed)
        np.random.seed(self.seed % 2**32)
        try:
            yield
        finally:
            self._restore(*callers)
            self._install(self._callers)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Give the caller torch's generators back for a moment; Python's and numpy's, slow to swap, stay."""
        own = self._tensors()
        self._install(self._callers)
        try:
            yield
        finally:
            self._callers = self._tensors()
            self._install(own)

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Undo whatever the block draws: validation never changes training."""
        before = self._states()
        try:
            yield
        finally:
            self._restore(*before)

    def _tensors(self) -> dict[str, Tensor]:
        states = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["device"] = torch.cuda.get_rng_state(self.device)
        elif self.device.type == "mps":
            states["device"] = torch.mps.get_rng_state()
        return states

    def _install(self, states: dict[str, Tensor]) -> None:
        torch.set_rng_state(states["cpu"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(states["device"], self.device)
        elif self.device.type == "mps":
            torch.mps.set_rng_state(states["device"])

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The generators' states of every process, as arrays [P, ...] and a few numbers."""
        tensors, facts = self._states()
        # Python's and numpy's left-over normal numbers are taken from process 0, which writes the file.
        return {name: self.placement.all_of(state) for name, state in tensors.items()}, facts

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Put every generator of this process into its saved state."""
        # A copy: torch takes no heed of where in its memory a view begins.
        self._restore({name: states[self.placement.process].clone() for name, states in tensors.items()}, facts)

    def _states(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        version, words, spare = random.getstate()
        name, keys, place, has_spare, numpy_spare = np.random.get_state(legacy=True)
        tensors = self._tensors()
        tensors["python"] = torch.tensor(words, dtype=torch.int64)
        tensors["numpy"] = torch.from_numpy(np.asarray(keys).astype(np.int64))
        facts = {
            "python": {"version": version, "spare": spare},
            "numpy": {"name": name, "place": int(place), "has_spare": int(has_spare), "spare": float(numpy_spare)},
        }
        return tensors, facts

    def _restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        self._install(tensors)
        python, legacy = facts["python"], facts["numpy"]
        random.setstate((python["version"], tuple(tensors["python"].tolist()), python["spare"]))
        keys = tensors["numpy"].numpy().astype(np.uint32)
        np.random.set_state((legacy["name"], keys, legacy["place"], legacy["has_spare"], legacy["spare"]))
