"""A whole run: the machine and the versions noted, then point after point, each kept as soon as it is done."""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ostinato.bench.crew import PACKAGE, Crew
from ostinato.bench.history import Unfinished
from ostinato.bench.measure import ROOF_OPERATIONS, measure
from ostinato.bench.neighbours import QUIET
from ostinato.bench.points import Job, Point
from ostinato.bench.registry import ROWS
from ostinato.bench.turns import Pace
from ostinato.errors import EngineError, Interrupted

# Seconds for the rounds of one point.
PACES = {"quick": Pace(0.8), "full": Pace(2.0)}
# Files that decide how fast ours is; what only shows results may change between two halves of a run.
DECISIVE = (
    "_core*",
    "cells/*.py",
    "lowering/*.py",
    "compiling/*.py",
    "ops/*.py",
    "core.py",
    "nn.py",
    "bench/peers/*.py",
)
BEST_OF, BUSY = 25, 0.7


def run(
    points: list[Point],
    kind: str,
    crew: Crew,
    kept: Unfinished,
    tell: Callable[[str], None],
    *,
    resume: bool = False,
    restart: bool = False,
) -> tuple[Path, dict[str, str]]:
    """Measure all points that are not done, and return the file of results and the points that failed, with reasons.

    A peer that is missing is told by name and its points are left out. Ctrl-C raises
    :class:`~ostinato.errors.Interrupted`; what is done is kept.
    """
    kept.check(resume=resume, restart=restart)
    failed: dict[str, str] = {}
    began = time.monotonic()
    try:
        kept.begin(_open(points, crew, kept.kind, tell), resume=resume, restart=restart)
        done = kept.points()
        with tempfile.TemporaryDirectory() as scratch:
            for number, point in enumerate(points, 1):
                if point.name in done or not _can_run(point, crew):
                    continue
                crew.muster(point.workers)
                place = f"[{number}/{len(points)}, {(time.monotonic() - began) / 60:.1f} min] {point.name}"
                try:
                    record = measure(point, ROWS[point.row], crew, PACES[kind], Path(scratch) / "point")
                except (EngineError, OSError) as error:
                    failed[point.name] = str(error)
                    tell(f"{place}: FAILED: {error}")
                    continue
                kept.keep(point.name, record)
                tell(f"{place}: {line(record)}")
    except KeyboardInterrupt:
        raise Interrupted(f"{len(kept.points())} of {len(points)} points are kept in {kept.folder}") from None
    seconds = round(time.monotonic() - began)
    return kept.finish(skipped=crew.missing, failed=failed, seconds_of_last_sitting=seconds), failed


def _open(points: list[Point], crew: Crew, kind: str, tell: Callable[[str], None]) -> dict[str, Any]:
    """Start all workers, tell who is missing and what the machine can do, and return the facts of the run."""
    crew.muster(dict.fromkeys(["ours", "torch", *(worker for point in points for worker in point.workers)]))
    for peer in ("ours", "torch"):
        if peer in crew.missing:
            raise EngineError(f"nothing can be compared without {peer}: {crew.missing[peer]}")
    for peer, why in crew.missing.items():
        tell(f"SKIPPED: {peer}: {why}")
    if not any(_can_run(point, crew) for point in points):
        raise EngineError(f"none of these points can be measured: {', '.join(crew.missing)} missing")
    known = facts(crew, kind)
    tell(roofs_in_words(known["roofs"]))
    if known["load"] > BUSY:
        tell(f"the machine is busy with other work (load {known['load']:.1f}); its ratios will be doubtful")
    return known


def _can_run(point: Point, crew: Crew) -> bool:
    return set(point.workers) <= set(crew.about)


def line(record: Mapping[str, Any]) -> str:
    """What one record says, in a few words.

    >>> line({"value": 2.5, "spread": [2.4, 2.6], "rounds": 9, "ours_seconds": 0.002, "engine": "cpu"})
    '2.50  (2.40 to 2.60 in 9 rounds, ours 2.00 ms by cpu)'
    """
    told = f"{record['value']:.2f}"
    if "ours_bytes" in record:
        return f"{told}  ({record['ours_bytes'] / 1e6:.1f} MB against {record['peer_bytes'] / 1e6:.1f} MB)"
    low, high = record["spread"]
    engine = record["engine"].partition(" ")[0]
    told += f"  ({low:.2f} to {high:.2f} in {record['rounds']} rounds, ours {1e3 * record['ours_seconds']:.2f} ms"
    told += f" by {engine})" if engine else ")"
    busy = record.get("others") or 0.0
    return told + (f"; other programs used {100 * busy:.0f} % of the machine" if busy > QUIET else "")


def facts(crew: Crew, kind: str) -> dict[str, Any]:
    """Where and with what a run is measured."""
    return {
        "kind": kind,
        "date": time.strftime("%Y-%m-%d"),
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
        },
        "threads": crew.threads,
        "sources": sources(),
        "versions": {peer: crew.about[peer] for peer in sorted(crew.about)},
        "load": os.getloadavg()[0],
        "roofs": roofs(crew),
    }


def roofs(crew: Crew) -> dict[str, float | None]:
    """Operations per second of torch's product of two matrices 1024 x 1024, and of plain multiply-adds."""
    job = Job("sgemm", 1024, 1, 1024, 1024, style="product")
    with tempfile.TemporaryDirectory() as folder:
        crew["torch"].ask("prepare", slot="roof", job=replace(job).data(), folder=folder)
    seconds = min(crew["torch"].ask("call", slot="roof", warm=True)["seconds"] for _ in range(BEST_OF))
    crew["torch"].ask("drop")
    time.sleep(0.05)
    return {"sgemm": ROOF_OPERATIONS / seconds, "multiply_adds": crew["ours"].ask("roof")["flops"]}


def roofs_in_words(roofs: Mapping[str, float | None]) -> str:
    """Both roofs in one line.

    >>> roofs_in_words({"sgemm": 184e9, "multiply_adds": None})
    'roofs: torch.mm of 1024 x 1024 184 GFLOP/s'
    """
    plain, sgemm = roofs["multiply_adds"], roofs["sgemm"] or 0.0
    told = f"roofs: torch.mm of 1024 x 1024 {sgemm / 1e9:.0f} GFLOP/s"
    return told + (f", multiply-adds in registers {plain / 1e9:.0f} GFLOP/s" if plain else "")


def processor() -> str:
    """The processor's own name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def sources(package: Path = PACKAGE) -> str:
    """A digest of the files that decide how fast ours is."""
    found = hashlib.sha256()
    for path in sorted({path for pattern in DECISIVE for path in package.glob(pattern)}):
        found.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]
