"""The numbers that both sides of a measurement are given, as files of arrays."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ostinato.bench.points import Job
from ostinato.bench.user_cells import find_cell

Arrays = dict[str, np.ndarray[Any, Any]]

# What a name begins with: a weight, a part of the first state, the gradient that comes back to an output.
WEIGHT, STATE, BACK = "weight.", "state.", "back."


def shapes(job: Job) -> dict[str, tuple[int, ...]]:
    """The arrays of a job, name to shape.

    >>> shapes(Job("elman", 2, 3, 4, 5, train=False))
    {'x': (2, 3, 4), 'weight.W': (5, 4), 'weight.b': (5,), 'weight.R': (5, 5), 'state.h': (2, 5)}

    A stack has torch's names for its weights, and a leading axis on its state, since it is made for torch's doors.
    """
    cell, ways = find_cell(job.cell), 2 if job.layers > 1 else 1
    ends = (job.rows, job.hidden) if job.layers == 1 else (job.layers * ways, job.rows, job.hidden)
    weights = cell.shapes(job.inputs, job.hidden) if job.layers == 1 else stacked(job)
    found = {"x": (job.rows, job.steps, job.inputs), **{WEIGHT + name: shape for name, shape in weights.items()}}
    found |= {STATE + part: ends for part in cell.state}
    if job.train:
        found |= {BACK + "y": (job.rows, job.steps, ways * job.hidden), **{BACK + part: ends for part in cell.state}}
    return found


def stacked(job: Job) -> dict[str, tuple[int, ...]]:
    """The weights of a stack that runs both ways, by torch's names."""
    rows = len(find_cell(job.cell).gates) * job.hidden
    weights: dict[str, tuple[int, ...]] = {}
    for layer in range(job.layers):
        below = job.inputs if layer == 0 else 2 * job.hidden
        for way in ("", "_reverse"):
            for kind, shape in (
                ("weight_ih", (rows, below)),
                ("weight_hh", (rows, job.hidden)),
                ("bias_ih", (rows,)),
                ("bias_hh", (rows,)),
            ):
                weights[f"{kind}_l{layer}{way}"] = shape
    return weights


def draw(job: Job) -> Arrays:
    """The arrays of a job, the same for the same sizes: inputs normal, weights uniform within 1 / sqrt(H)."""
    chance = np.random.default_rng(zlib.crc32(f"{job.name} {job.ragged} {job.layers}".encode()))
    edge = 1 / np.sqrt(job.hidden)
    arrays: Arrays = {}
    for name, shape in shapes(job).items():
        if name.startswith(WEIGHT):
            arrays[name] = chance.uniform(-edge, edge, shape).astype(np.float32)
        else:
            arrays[name] = chance.standard_normal(shape, dtype=np.float32)
    if job.ragged:
        arrays["lengths"] = chance.integers(max(1, job.steps // 4), job.steps, job.rows, endpoint=True)
        # Without one row of full length torch would make its outputs shorter.
        arrays["lengths"][0] = job.steps
    return arrays


def write_arrays(folder: Path, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """One file for each array."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def read_arrays(folder: Path, *, mapped: bool = False) -> Arrays:
    """What :func:`write_arrays` wrote; ``mapped`` leaves the numbers in the files until they are looked at."""
    mode: Any = "r" if mapped else None
    return {path.stem: np.load(path, mmap_mode=mode, allow_pickle=False) for path in sorted(folder.glob("*.npy"))}
