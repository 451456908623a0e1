"""Checkpoints: everything that a run needs to go on with equal bits, as arrays and JSON.

A checkpoint is written by :func:`ostinato.artifact.write`: to a temporary name, synced, renamed. So a kill at any
moment leaves the one before or the new one, whole. Equal bits also need the same number of torch threads, which the
checkpoint names and a resumed run sets; another version of torch or another processor may round differently, which
is told as a note.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ostinato import artifact
from ostinato.errors import ArtifactError, OutputError

KIND = "checkpoint"
# Counts up whenever the parts of a checkpoint, or what they save, change.
_FORM = 2


class Part(Protocol):
    """Whatever has something to remember."""

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and JSON facts."""

    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Take back what :meth:`save` gave."""


class Weights:
    """A model's weights and buffers as a part of a checkpoint."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def save(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Every entry of the model's state_dict."""
        return dict(self.model.state_dict()), {}

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Copy them into the model."""
        self.model.load_state_dict(tensors)


@dataclass(frozen=True)
class Identity:
    """What makes a run this run; a checkpoint of another one is refused."""

    options: Mapping[str, Any]
    fingerprint: str
    batches: int
    valid: int
    shapes: Mapping[str, list[int]]
    processes: int = 1

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "options": dict(self.options),
            "fingerprint": self.fingerprint,
            "batches": self.batches,
            "valid": self.valid,
            "shapes": dict(self.shapes),
            "processes": self.processes,
        }


@dataclass
class Position:
    """Where a run stands: the next epoch, batch and window to be trained, and the log entries so far."""

    epoch: int = 0
    batch: int = 0
    window: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)


def shapes_of(model: nn.Module) -> dict[str, list[int]]:
    """The shape of every entry of a model's state_dict."""
    return {name: list(tensor.shape) for name, tensor in model.state_dict().items()}


def machine(device: torch.device) -> dict[str, Any]:
    """What rounding depends on besides the number of threads."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    simd = torch.backends.cpu.get_cpu_capability()
    return {"torch": torch.__version__, "device": f"{device.type} {name}", "simd": simd}


def write(
    path: Path,
    parts: Mapping[str, Part],
    position: Position,
    identity: Identity,
    device: torch.device,
    *,
    main: bool = True,
) -> None:
    """Save every part; raises OutputError and leaves what stood there if it cannot."""
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    facts: dict[str, Any] = {}
    halves: list[str] = []
    for part, thing in parts.items():
        saved, facts[part] = thing.save()
        for name, tensor in saved.items():
            key = f"{part}/{name}"
            tensors[key] = _to_array(tensor)
            if tensor.dtype == torch.bfloat16:
                halves.append(key)
    manifest = {
        "kind": KIND,
        "form": _FORM,
        "identity": identity.to_dict(),
        "machine": machine(device),
        "threads": torch.get_num_threads(),
        "position": {"epoch": position.epoch, "batch": position.batch, "window": position.window},
        "history": position.history,
        "facts": facts,
        "bfloat16": halves,
    }
    # Every process has taken part in saving; one writes.
    if main:
        artifact.write(path, tensors, manifest)


def read(path: Path) -> artifact.Artifact:
    """The verified content of a checkpoint file."""
    stored = artifact.read(path, kind=KIND)
    if stored.manifest.get("form") != _FORM:
        raise ArtifactError(
            f"{path} is a checkpoint of another version of ostinato, which this one cannot go on from; go on with that "
            "version, or delete the file to start anew (on the command line: --restart)"
        )
    return stored


def restore(path: Path, stored: artifact.Artifact, parts: Mapping[str, Part]) -> Position:
    """Give every part back what it saved, and return where the run stood."""
    manifest = stored.manifest
    halves = set(manifest["bfloat16"])
    sorted_out: dict[str, dict[str, Tensor]] = {part: {} for part in parts}
    for key, array in stored.tensors.items():
        part, _, name = key.partition("/")
        if part not in sorted_out:
            raise ArtifactError(f"{path}: this checkpoint has a part '{part}' that this run does not know; start anew")
        sorted_out[part][name] = _to_tensor(array, key in halves)
    for part, thing in parts.items():
        thing.load(sorted_out[part], manifest["facts"][part])
    place = manifest["position"]
    return Position(place["epoch"], place["batch"], place["window"], list(manifest["history"]))


def check_identity(path: Path, stored: artifact.Artifact, wanted: Identity) -> None:
    """Refuse a checkpoint of another run, and say what differs."""
    then, now = stored.manifest["identity"], wanted.to_dict()
    differences = _named("", then["options"], now["options"])
    differences += _named("the model's ", then["shapes"], now["shapes"])
    if then["fingerprint"] != now["fingerprint"]:
        before, after = _short(then["fingerprint"]), _short(now["fingerprint"])
        differences.append(f"the data's fingerprint was {before} and is {after}")
    for count, what in (("batches", "batches an epoch"), ("valid", "validation batches"), ("processes", "processes")):
        if then[count] != now[count]:
            differences.append(f"there were {then[count]} {what} and are {now[count]}")
    if differences:
        listed = "; ".join(differences[:5]) + (f"; and {len(differences) - 5} more" if len(differences) > 5 else "")
        raise ArtifactError(
            f"{path} is the checkpoint of another run: {listed}. Repeat the call that began it, or delete the file to "
            "start anew (on the command line: --restart)."
        )


def check_free(path: Path) -> None:
    """Refuse to start over a checkpoint that is there."""
    if path.exists() or path.is_symlink():
        raise OutputError(
            f"{path} already holds a checkpoint of an unfinished run; go on with it by resume=True (--resume), or "
            "delete it to start anew (--restart)"
        )


def remove_checkpoint(path: str | Path) -> None:
    """Delete a checkpoint whose run is over; it is no error if there is none.

    >>> remove_checkpoint("no-such-file.checkpoint")
    """
    Path(path).unlink(missing_ok=True)


def machine_notes(stored: artifact.Artifact, device: torch.device) -> tuple[str, ...]:
    """What may keep a resumed run from equal bits here."""
    then, now = stored.manifest["machine"], machine(device)
    return tuple(
        f"the checkpoint was written with {what} {then[what]}, this is {now[what]}: last bits may differ"
        for what in now
        if then.get(what) != now[what]
    )


def _named(prefix: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{prefix}{name} was {then.get(name, 'absent')} and is {now.get(name, 'absent')}"
        for name in dict.fromkeys([*then, *now])
        if then.get(name, ...) != now.get(name, ...)
    ]


def _short(fingerprint: str) -> str:
    return f"'{fingerprint[:16]}...'" if len(fingerprint) > 19 else f"'{fingerprint}'"


def _to_array(tensor: Tensor) -> np.ndarray[Any, Any]:
    # numpy has no bfloat16; its bits travel as int16.
    tensor = tensor.detach().cpu().contiguous()
    array: np.ndarray[Any, Any] = (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return array


def _to_tensor(array: np.ndarray[Any, Any], half: bool) -> Tensor:
    tensor = torch.from_numpy(np.array(array))
    return tensor.view(torch.bfloat16) if half else tensor
