"""The worker processes as the measuring side sees them: started, asked, and stopped."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ostinato.bench.peers import FILES, PACKAGES
from ostinato.errors import EngineError, OptionError, nearest

# A worker of another environment must find this very package and nothing else of ours.
START = """
import importlib.util, sys
folder = {folder!r}
spec = importlib.util.spec_from_file_location("ostinato", folder + "/__init__.py", submodule_search_locations=[folder])
sys.modules["ostinato"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from ostinato.bench.worker import main
main({peer!r}, {processors!r})
"""
PACKAGE = Path(__file__).parents[1]
PATIENCE = 900.0
# What would change how a library waits or how many threads it has; each peer runs as it does by default.
UNSET = ("OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_", "XLA_", "OSTINATO_", "TORCH_", "JAX_", "KERAS_")


class Worker:
    """One worker process; it answers one request at a time and sleeps in between."""

    def __init__(self, peer: str, python: str, threads: int) -> None:
        self.peer, self.python = peer, python
        self.complaints = tempfile.TemporaryFile()  # noqa: SIM115
        processors = ",".join(map(str, own_processors(threads)))
        script = START.format(folder=str(PACKAGE), peer=peer, processors=processors)
        self.process = subprocess.Popen(
            [python, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            env=surroundings(os.environ, threads, own=python == sys.executable),
            cwd=tempfile.gettempdir(),
        )

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer; raises :class:`~ostinato.errors.EngineError` with what went wrong."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write((json.dumps({"do": do, **request}) + "\n").encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise EngineError(f"the worker of {self.peer} ended: {self.last_words()}") from None
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            raise EngineError(f"the worker of {self.peer} did not answer to '{do}' within {PATIENCE:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            raise EngineError(f"the worker of {self.peer} ended: {self.last_words()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise EngineError(f"the worker of {self.peer} refused '{do}': {answer['error']}")
        return answer

    def last_words(self) -> str:
        """The end of what it wrote to its standard error."""
        self.complaints.seek(0)
        lines = self.complaints.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {self.process.poll()}"

    def stop(self) -> None:
        """End the process."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self.process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.complaints.close()


class Crew:
    """All workers of one run, each started when it is first needed; those that cannot run are told by name."""

    def __init__(self, pythons: Mapping[str, str], threads: int = 2) -> None:
        self.pythons, self.threads = dict(pythons), threads
        self.workers: dict[str, Worker] = {}
        self.about: dict[str, dict[str, str]] = {}
        self.missing: dict[str, str] = {}

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self.workers.values():
            worker.stop()
        self.workers.clear()

    def muster(self, peers: Iterable[str]) -> None:
        """Start those that are needed, and note the versions of those that run."""
        for peer in peers:
            alive = peer in self.workers and self.workers[peer].process.poll() is None
            if alive or peer in self.missing:
                continue
            if peer in self.workers:
                self.workers.pop(peer).stop()
            worker = self.fresh(peer)
            try:
                self.about[peer] = worker.ask("about")
            except EngineError as error:
                worker.stop()
                self.missing[peer] = f"{error}; {how_to_install(peer, worker.python)}"
            else:
                self.workers[peer] = worker

    def fresh(self, peer: str) -> Worker:
        """A new process of a worker, which the caller stops."""
        return Worker(peer, self.pythons.get(peer, sys.executable), self.threads)

    def __getitem__(self, peer: str) -> Worker:
        return self.workers[peer]


def how_to_install(peer: str, python: str) -> str:
    """The command that brings what a peer needs."""
    if peer == "ours":
        return "install it with: pip install 'ostinato[train]'"
    return (
        f"install it with: {python} -m pip install {' '.join(PACKAGES[peer])}, "
        f"or name another interpreter: --peer-python {peer}=PYTHON"
    )


def interpreters(given: Iterable[str]) -> dict[str, str]:
    """Which interpreter runs which peer, from words such as jax=/path/to/python.

    >>> interpreters(["jx=python3"])
    Traceback (most recent call last):
    ostinato.errors.OptionError: --peer-python jx=python3: unknown peer 'jx'; did you mean 'jax'? known: 'torch', ...
    """
    found = {}
    known = [peer for peer in FILES if peer != "ours"]
    for words in given:
        peer, _, python = words.partition("=")
        if peer not in known:
            raise OptionError(f"--peer-python {words}: unknown peer '{peer}'; {nearest(peer, known)}")
        if not os.access(python, os.X_OK) or os.path.isdir(python):
            raise OptionError(f"--peer-python {words}: wanted the path of a Python, such as {peer}=venv/bin/python")
        found[peer] = os.path.abspath(python)
    return found


def surroundings(given: Mapping[str, str], threads: int, *, own: bool) -> dict[str, str]:
    """The environment of a worker: so many threads, the processor only, and else what a library does by itself.

    >>> surroundings({"OMP_WAIT_POLICY": "PASSIVE", "HOME": "/h"}, 2, own=True)["OMP_NUM_THREADS"]
    '2'
    """
    # Another interpreter has packages of its own.
    kept = {
        name: value for name, value in given.items() if not name.startswith(UNSET) and (own or name != "PYTHONPATH")
    }
    return {
        **kept,
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "KERAS_BACKEND": "torch",
    }


def own_processors(threads: int, topology: Path = Path("/sys/devices/system/cpu")) -> list[int]:
    """The processors that all workers are bound to: so many cores, no two of them halves of one.

    Empty where the system does not bind, or has fewer cores.
    """
    if not hasattr(os, "sched_getaffinity"):
        return []
    chosen: dict[str, int] = {}
    for number in sorted(os.sched_getaffinity(0)):
        siblings = topology / f"cpu{number}" / "topology" / "thread_siblings_list"
        core = siblings.read_text() if siblings.is_file() else str(number)
        chosen.setdefault(core, number)
    return list(chosen.values())[:threads] if len(chosen) >= threads else []
