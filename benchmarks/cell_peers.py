"""Who else has a cell: torch's own layer, a loop in torch written fairly, and jax's scan in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.cell_steps import PEERS
from ostinato.cells import Cell

LAYERS: dict[str, Callable[[int, int, int], Any]] = {
    "elman": lambda d, h, p: nn.RNN(d, h, batch_first=True),
    "elman_relu": lambda d, h, p: nn.RNN(d, h, batch_first=True, nonlinearity="relu"),
    "lstm": lambda d, h, p: nn.LSTM(d, h, batch_first=True),
    "lstm_projected": lambda d, h, p: nn.LSTM(d, h, batch_first=True, proj_size=p),
    "gru": lambda d, h, p: nn.GRU(d, h, batch_first=True),
}
# Names the Python that has jax; without it jax is left out, which is said aloud.
JAX = "OSTINATO_JAX_PYTHON"


class Eager:
    """torch's words for a cell; the batch comes first."""

    sigmoid, tanh, relu, exp, expm1 = torch.sigmoid, torch.tanh, torch.relu, torch.exp, torch.expm1
    sqrt, sin, cos, where, maximum = torch.sqrt, torch.sin, torch.cos, torch.where, torch.maximum
    affine, between, softplus = torch.addmm, torch.lerp, functional.softplus

    def below(self, value: Tensor, bound: float) -> Tensor:
        return value.clamp(max=bound)

    def split(self, value: Tensor, parts: int) -> tuple[Tensor, ...]:
        return value.chunk(parts, -1)

    def beside(self, matrices: list[Tensor]) -> Tensor | None:
        return torch.cat(matrices, dim=-1) if matrices else None

    def shifted(self, first: Tensor, values: Tensor) -> Tensor:
        return torch.cat([first[:, None], values[:, :-1]], dim=1)

    def last(self, values: Tensor) -> Tensor:
        return values[:, -1]

    def blocks(self, turned: Tensor, heads: int) -> Tensor:
        size = turned.shape[0]
        return turned.view(size, 4, heads, size).permute(2, 0, 1, 3).reshape(heads, size, 4 * size)

    def by_head(self, into: Tensor, heads: int, gates: int) -> Tensor:
        rows, steps, width = into.shape
        return (
            into.view(rows, steps, gates, heads, -1).permute(3, 1, 0, 2, 4).reshape(heads, steps, rows, width // heads)
        )

    def folded(self, part: Tensor, heads: int) -> Tensor:
        return part.view(len(part), heads, -1).transpose(0, 1)

    def unfolded(self, part: Tensor) -> Tensor:
        return part.transpose(0, 1).flatten(1)

    def joined(self, values: Tensor) -> Tensor:
        return values.permute(2, 1, 0, 3).flatten(2)

    def batched(self, add: Tensor, value: Tensor, blocks: Tensor) -> Tensor:
        return torch.baddbmm(add, value, blocks)


def loop(cell: Cell, given: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """y and the last state by a loop over time: ``unbind`` before it, ``stack`` after it."""
    m, peer = Eager(), PEERS[cell.name]
    w: dict[str, Any] = {n[7:]: t.t() if t.dim() == 2 else t for n, t in given.items() if n.startswith("weight.")}
    w["state"] = state = tuple(given[f"state.{part}"] for part in cell.state)
    told = {name: given[f"given.{name}"] for name in cell.inputs}
    into = functional.linear(given["x"], given["weight.W"], given["weight.b"])
    steps, now = peer.before(m, w, into, state, told)
    kept: list[list[Tensor]] = [[] for _ in range(peer.kept)]
    for each in zip(*(part.unbind(1) for part in steps), strict=True):
        now = peer.step(m, w, each, now)
        for part, seen in zip(kept, now, strict=False):
            part.append(seen)
    y, end = peer.after(m, w, steps, tuple(torch.stack(part, dim=1) for part in kept), now)
    return (y, *end)


def layer(cell: Cell, given: Mapping[str, Tensor]) -> Callable[[], tuple[Tensor, ...]]:
    """y and the last state by torch's own layer, whose functions read the given tensors."""
    weights = {n.removeprefix("weight."): t for n, t in given.items() if n.startswith("weight.")}
    shown = given[f"state.{cell.output}"].shape[-1]
    made = LAYERS[cell.name](weights["W"].shape[1], len(weights["b"]) // len(cell.gates), shown).to(weights["b"].dtype)
    names = [name for name, _ in made.named_parameters()]
    values = [weights["W"], weights["R"], weights["b"], weights.get("br", torch.zeros_like(weights["b"]))]
    values += [weights[name] for name in cell.matrices]
    state = tuple(given[f"state.{part}"][None] for part in cell.state)

    def forward() -> tuple[Tensor, ...]:
        told = (given["x"], state if len(state) > 1 else state[0])
        y, end = torch.func.functional_call(made, dict(zip(names, values, strict=True)), told)
        return (y, *(part[0] for part in (end if isinstance(end, tuple) else (end,))))

    return forward


class Jax:
    """The process that runs jax; one request at a time."""

    def __init__(self, python: str) -> None:
        threads = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=true"}
        surroundings = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "PYTHON"))} | threads
        script = Path(__file__).parent / "cell_jax.py"
        self.process = subprocess.Popen(
            [python, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=surroundings,
        )
        self.folder = tempfile.TemporaryDirectory()

    @classmethod
    def found(cls) -> Jax | None:
        """The process, where an interpreter is named."""
        python = os.environ.get(JAX)
        if not python:
            print(f"SKIPPED: jax; name a Python that has it in {JAX}", flush=True)
            return None
        return cls(python)

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """A request and its answer; an error there is an error here."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"jax's process ended at '{do}'; run its Python by hand: {self.process.args!r}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"jax refused '{do}': {answer['error']}")
        return answer

    def prepare(self, cell: Cell, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Compile a call for these arrays."""
        file = str(Path(self.folder.name) / "given.npz")
        np.savez(file, allow_pickle=False, **dict(arrays))
        self.ask("prepare", cell=cell.name, parts=list(cell.state), file=file, trained=cell.trained)

    def call(self, warm: bool) -> float:
        """The seconds of one call."""
        return float(self.ask("call", warm=warm)["seconds"])

    def results(self) -> dict[str, np.ndarray[Any, Any]]:
        """What a call computes."""
        file = str(Path(self.folder.name) / "results.npz")
        self.ask("results", file=file)
        with np.load(file) as kept:
            return {name: kept[name] for name in kept.files}

    def stop(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.folder.cleanup()


def timed(call: Callable[[], Any]) -> Callable[[bool], float]:
    """A call as the turns ask for it: its seconds, after one more without the clock where that is wanted."""

    def once(warm: bool) -> float:
        if warm:
            call()
        began = time.perf_counter()
        call()
        return time.perf_counter() - began

    return once
