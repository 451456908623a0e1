"""A worker process: it prepares jobs, does one timed call when told to, and sleeps in between.

It reads requests as lines of JSON from its standard input and answers in the same way. Whatever a library prints goes
to the standard error. Between two requests it is blocked in a read.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ostinato.bench.inputs import read_arrays, write_arrays
from ostinato.bench.peers import Work, peer_of
from ostinato.bench.points import Job

PROCESS = Path("/proc/self")


class Desk:
    """What a worker has prepared, by the names that the requests give it."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.prepared: dict[str, Work] = {}

    def about(self) -> dict[str, str]:
        """The versions that are measured."""
        found: dict[str, str] = peer_of(self.peer).about()
        return found

    def prepare(self, slot: str, job: dict[str, Any], folder: str) -> dict[str, Any]:
        """Make a job ready to be called."""
        self.prepared[slot] = self._work(Job(**job), Path(folder))
        return {"engine": self.prepared[slot].engine}

    def results(self, slot: str, folder: str) -> dict[str, Any]:
        """Call once, and write all outputs and gradients as files."""
        work = self.prepared[slot]
        write_arrays(Path(folder), work.results(work.call()))
        return {}

    def call(self, slot: str, warm: bool = False) -> dict[str, float]:
        """The seconds of one call; ``warm`` calls once before, so that caches and threads are awake."""
        work = self.prepared[slot]
        if warm:
            work.call()
        began = time.perf_counter()
        outcome = work.call()
        seconds = time.perf_counter() - began
        del outcome
        return {"seconds": seconds}

    def drop(self) -> dict[str, Any]:
        """Forget all jobs."""
        self.prepared.clear()
        gc.collect()
        return {}

    def memory(self, job: dict[str, Any], folder: str, first: dict[str, Any], first_folder: str) -> dict[str, Any]:
        """Bytes that one call adds to what the process holds already, at its highest; a small call comes before."""
        self._work(Job(**first), Path(first_folder)).call()
        work = self._work(Job(**job), Path(folder))
        gc.collect()
        # This sets the high-water mark back to what is held now.
        (PROCESS / "clear_refs").write_text("5")
        before = resident("VmHWM")
        outcome = work.call()
        after = resident("VmHWM")
        del outcome
        return {"bytes": after - before, "engine": work.engine}

    def roof(self) -> dict[str, Any]:
        """Operations per second of a plain loop of multiply-adds, where the core can tell."""
        from ostinato.bench.peers.roofs import multiply_adds

        return {"flops": multiply_adds()}

    def _work(self, job: Job, folder: Path) -> Work:
        work: Work = peer_of(self.peer, job).prepare(job, read_arrays(folder))
        return work


def resident(name: str) -> int:
    """Bytes of memory that the system has given this process: "VmRSS" now, "VmHWM" at its highest."""
    lines = (PROCESS / "status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(name + ":")).split()[1])


def serve(desk: Desk, requests: Any, answers: Any) -> None:
    """Answer requests until there are no more; what goes wrong is an answer too."""
    for line in requests:
        request = json.loads(line)
        asked: Callable[..., dict[str, Any]] = getattr(desk, request.pop("do"))
        try:
            answer = asked(**request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main(peer: str, processors: str) -> None:
    """The whole life of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if processors and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [int(number) for number in processors.split(",")])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(Desk(peer), sys.stdin, answers)
