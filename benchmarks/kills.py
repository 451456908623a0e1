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
    kills = finished = differences = while_writing = trained = 0
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole"
        done, steps = attempt(kind, whole, None)
        assert done
        while kills < _KILLS_EACH:
            folder = Path(scratch) / f"killed-{finished}"
            done = False
            while not done:
                moment = (chance.randint(1, 25), chance.uniform(0.0, 0.03)) if kills < _KILLS_EACH else None
                done, seen = attempt(kind, folder, moment)
                trained += seen
                kills += not done
                # A temporary file that the killed process left shows that it was writing a checkpoint.
                while_writing += any(folder.glob(".run.checkpoint*.tmp"))
            finished += 1
            differences += any((folder / name).read_bytes() != (whole / name).read_bytes() for name in _LEFT)
    return {
        "kills": kills,
        "kills_while_writing": while_writing,
        "finished": finished,
        "differences": differences,
        "steps": steps * finished,
        "steps_trained_again": trained - steps * finished,
    }


def attempt(kind: str, folder: Path, moment: tuple[int, float] | None) -> tuple[bool, int]:
    """Start a run, or go on with it, in a new process; kill it so many seconds after so many steps.

    Whether it got to its end, and the number of its steps.
    """
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.train.victim", kind, str(folder)]
    steps = 0
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            steps += line == b"step\n"
            if moment is not None and steps == moment[0]:
                time.sleep(moment[1])
                process.send_signal(signal.SIGKILL)
                moment = None
        code = process.wait()
    assert code in (0, -signal.SIGKILL), f"the run ended with code {code}"
    return code == 0, steps


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """All kills, and all differences."""
    keys = ("kills", "kills_while_writing", "finished", "differences", "steps", "steps_trained_again")
    return {key: sum(r[key] for r in results.values()) for key in keys}
