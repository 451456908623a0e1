"""Training processes killed by SIGKILL at random moments, resumed, and compared with an undisturbed run."""

from __future__ import annotations

import functools
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SENTENCE = "100 training processes killed at random moments: weights and logs equal those of undisturbed runs"

_ROOT = Path(__file__).parents[1]
_KILLS_EACH = 10
_LEFT = ("weights.safetensors", "log.jsonl")


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """Ten kills each: five times a classifier of sentences, five times a stream with truncated backpropagation."""
    return {
        f"{kind}-{number}": functools.partial(measure, kind, number)
        for kind in ("sentences", "stream")
        for number in range(1, 6)
    }


def measure(kind: str, number: int) -> dict[str, Any]:
    """Kill until there were ten kills; every run that got to its end is compared."""
    chance = random.Random(f"{kind} {number}")
    kills = finished = differences = while_writing = 0
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole"
        assert attempt(kind, whole, None)
        while kills < _KILLS_EACH:
            folder = Path(scratch) / f"killed-{finished}"
            while not attempt(kind, folder, chance.uniform(0.0, 0.5) if kills < _KILLS_EACH else None):
                kills += 1
                # A temporary file that the killed process left shows that it was writing a checkpoint.
                while_writing += any(folder.glob(".run.checkpoint*.tmp"))
            finished += 1
            differences += any((folder / name).read_bytes() != (whole / name).read_bytes() for name in _LEFT)
    return {"kills": kills, "kills_while_writing": while_writing, "finished": finished, "differences": differences}


def attempt(kind: str, folder: Path, moment: float | None) -> bool:
    """Start a run, or go on with it, in a new process; kill it so many seconds after its first step.

    Whether it got to its end.
    """
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.train.victim", kind, str(folder)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        if moment is not None:
            process.stdout.readline()
            time.sleep(moment)
            process.send_signal(signal.SIGKILL)
        process.stdout.read()
        code = process.wait()
    assert code in (0, -signal.SIGKILL), f"the run ended with code {code}"
    return code == 0


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """All kills, and all differences."""
    keys = ("kills", "kills_while_writing", "finished", "differences")
    return {key: sum(r[key] for r in results.values()) for key in keys}
