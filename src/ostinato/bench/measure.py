"""One point from its inputs to its numbers: prepared on both sides, checked for equality, then timed in turns."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ostinato.bench import agreement
from ostinato.bench.crew import Crew
from ostinato.bench.inputs import draw, read_arrays, write_arrays
from ostinato.bench.neighbours import watch
from ostinato.bench.points import FLOAT64, Job, Point, Row, Side
from ostinato.bench.registry import work
from ostinato.bench.turns import MANY_TIMES, Pace, in_turns
from ostinato.errors import EngineError

ROOF_OPERATIONS = 2.0 * 1024**3


def measure(point: Point, row: Row, crew: Crew, pace: Pace, scratch: Path) -> dict[str, Any]:
    """The record of one point; raises :class:`~ostinato.errors.EngineError` when the two sides disagree."""
    try:
        if row.kind == "memory":
            return _memory(point, crew, scratch)
        return _timed(point, row, crew, pace, scratch)
    finally:
        for worker in crew.workers.values():
            if worker.process.poll() is None:
                worker.ask("drop")
        shutil.rmtree(scratch, ignore_errors=True)


def _timed(point: Point, row: Row, crew: Crew, pace: Pace, scratch: Path) -> dict[str, Any]:
    record: dict[str, Any] = {"row": row.name, "job": point.ours.job.data()}
    ours = _prepared(point.ours, "ours", crew, scratch)
    _prepared(point.against, "peer", crew, scratch)
    record["engine"] = ours["engine"]
    if row.kind == "speed":
        record |= _checked(point, crew, scratch)
    else:
        record |= _against_truth(point.ours, crew, scratch) if point.exact else {}
    calls = [_call(side, name, crew) for side, name in ((point.ours, "ours"), (point.against, "peer"))]
    others = watch([os.getpid(), *(worker.process.pid for worker in crew.workers.values())])
    record |= in_turns(calls[0], calls[1], pace)
    record |= _derived(point, row, record, ours["share"])
    if _wants_more(row, record):
        record["first"] = {name: record[name] for name in ("ratio", "value", "spread", "rounds")}
        record |= in_turns(calls[0], calls[1], pace, MANY_TIMES)
        record |= _derived(point, row, record, ours["share"])
    record["others"] = others()
    if point.beside is not None:
        _prepared(point.beside, "beside", crew, scratch)
        beside = in_turns(calls[0], _call(point.beside, "beside", crew), Pace(pace.seconds / 4, pace.rest))
        record["beside"] = {"style": point.beside.job.style, **beside}
    return record


def _prepared(side: Side, slot: str, crew: Crew, scratch: Path) -> dict[str, Any]:
    """Write the numbers of a job once, have a worker prepare it, and tell the engine and the share of valid steps."""
    job = side.job
    folder = scratch / f"{job.name}-{job.train}-{job.ragged}-{job.layers}"
    if job.style != "product" and not folder.exists():
        write_arrays(folder, draw(job))
    folder.mkdir(parents=True, exist_ok=True)
    answer = crew[side.worker].ask("prepare", slot=slot, job=job.data(), folder=str(folder))
    share = 1.0
    if job.ragged:
        share = float(read_arrays(folder)["lengths"].sum()) / (job.rows * job.steps)
    return {"engine": answer["engine"], "share": share}


def _call(side: Side, slot: str, crew: Crew) -> Callable[[bool], float]:
    worker = crew[side.worker]
    return lambda warm: float(worker.ask("call", slot=slot, warm=warm)["seconds"])


def _results(side: Side, slot: str, crew: Crew, folder: Path) -> dict[str, Any]:
    crew[side.worker].ask("results", slot=slot, folder=str(folder))
    return read_arrays(folder, mapped=True)


def _checked(point: Point, crew: Crew, scratch: Path) -> dict[str, Any]:
    """Both sides hold the same numbers; and ours is near the loop in float64, where the point asks for it."""
    ours = _results(point.ours, "ours", crew, scratch / "ours")
    peer = _results(point.against, "peer", crew, scratch / "peer")
    relu = point.ours.job.cell == "elman_relu"
    apart = agreement.errors(ours, peer)
    if not (relu and point.exact):
        _refuse(point, agreement.beyond(apart), point.against.worker)
    record: dict[str, Any] = {"apart": agreement.worst(apart)}
    if point.exact:
        record |= _against_truth(point.ours, crew, scratch, {"ours": ours, "peer": peer})
    if point.beside is not None:
        _prepared(point.beside, "beside", crew, scratch)
        beside = _results(point.beside, "beside", crew, scratch / "beside")
        _refuse(point, agreement.beyond(agreement.errors(ours, beside)), point.beside.job.style)
    return record


def _against_truth(
    side: Side, crew: Crew, scratch: Path, given: dict[str, dict[str, Any]] | None = None
) -> dict[str, Any]:
    """The errors of ours, and of the peer, against our loop in float64."""
    truth = Side("ours", replace(side.job, precision=FLOAT64, engine="reference"))
    _prepared(truth, "truth", crew, scratch)
    wanted = _results(truth, "truth", crew, scratch / "truth")
    sides = given or {"ours": _results(side, "ours", crew, scratch / "ours")}
    found = {name: agreement.errors(results, wanted) for name, results in sides.items()}
    allowed: dict[str, float] = {}
    if side.job.cell == "elman_relu" and "peer" in found:
        gradients = {name: error for name, error in found["peer"].items() if name.startswith("grad.")}
        allowed = {name: agreement.RELU_TIMES * error for name, error in gradients.items()}
    told = agreement.beyond(found["ours"], allowed)
    if told:
        raise EngineError(f"{side.job.name} is not what the loop in float64 gives: {', '.join(told)}")
    return {"error": {name: agreement.worst(errors) for name, errors in found.items()}}


def _refuse(point: Point, told: list[str], other: str) -> None:
    if told:
        raise EngineError(f"{point.name}: ours and {other} do not agree: {', '.join(told)}")


def _derived(point: Point, row: Row, record: dict[str, Any], share: float) -> dict[str, Any]:
    """The number that the row is about."""
    if row.kind == "cost":
        low, high = (1 / ratio / share for ratio in reversed(record["spread"]))
        return {"value": 1 / record["ratio"] / share, "spread": [low, high], "valid_share": share}
    if row.kind == "share":
        # The ratio is the roof's seconds over ours, so the operations on both sides give the share.
        flops = work(point.ours.job)
        spread = [ratio * flops / ROOF_OPERATIONS for ratio in record["spread"]]
        roof = ROOF_OPERATIONS / record["peer_seconds"]
        return {
            "value": record["ratio"] * flops / ROOF_OPERATIONS,
            "spread": spread,
            "flops": flops / record["ours_seconds"],
            "roof": roof,
        }
    handed = _handed_over(point, record)
    return {"value": 1.0 if handed else record["ratio"], "handed_over": handed}


def _handed_over(point: Point, record: dict[str, Any]) -> bool:
    """Whether both sides are torch's own layer; with lengths, ours uses that layer in another way."""
    return point.against.worker == "torch" and not point.ours.job.ragged and bool(record["engine"].startswith("torch"))


def _wants_more(row: Row, record: dict[str, Any]) -> bool:
    """A result on the wrong side of its limit is not believed at once."""
    if row.kind == "speed":
        return bool(record["value"] < 1.0)
    limit = row.wanted["all"]
    return bool(record["value"] < limit if row.more_is_better else record["value"] > limit)


def _memory(point: Point, crew: Crew, scratch: Path) -> dict[str, Any]:
    """What one call adds to the memory of a fresh process, for both sides."""
    folders = {}
    # A small call first: what a library takes for itself is not counted.
    jobs: dict[str, Job] = {"first": replace(point.ours.job, rows=2, steps=2), "job": point.ours.job}
    for name, job in jobs.items():
        folders[name] = scratch / name
        write_arrays(folders[name], draw(job))
    bytes_of, engine = {}, ""
    for name, side in (("ours", point.ours), ("peer", point.against)):
        worker = crew.fresh(side.worker)
        try:
            answer = worker.ask(
                "memory",
                job=jobs["job"].data(),
                folder=str(folders["job"]),
                first=jobs["first"].data(),
                first_folder=str(folders["first"]),
            )
        finally:
            worker.stop()
        bytes_of[name] = answer["bytes"]
        engine = engine or answer["engine"]
    return {
        "row": point.row,
        "job": point.ours.job.data(),
        "engine": engine,
        "value": bytes_of["ours"] / bytes_of["peer"],
        "ours_bytes": bytes_of["ours"],
        "peer_bytes": bytes_of["peer"],
    }
