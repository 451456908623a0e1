"""Results as a run leaves them, made up."""

from __future__ import annotations

from ostinato.bench.registry import ROWS


def record(point, value, **more):
    """What is kept of one point."""
    kept = {"row": point.row, "job": point.ours.job.data(), "value": value, "ratio": value, "engine": "cpu"}
    return {**kept, "spread": [0.99 * value, 1.01 * value], "rounds": 9, "ours_seconds": 1e-3, **more}


def results(points, kind="quick", **more):
    """A finished run of some points, name to value."""
    known = {point.name: point for row in ROWS.values() for point in row.points}
    return {
        "kind": kind,
        "date": "2026-11-21",
        "machine": {"processor": "a processor", "cores": 2},
        "threads": 2,
        "versions": {
            "ours": {"torch": "2.13", "numpy": "2.4", "target": "avx2"},
            "jax": {"jax": "0.10", "jaxlib": "0.10"},
        },
        "roofs": {"sgemm": 184e9, "multiply_adds": None},
        "skipped": {},
        "failed": {},
        "points": {name: record(known[name], value) for name, value in points.items()},
        **more,
    }


def of_row(name, *values):
    """The first points of a row with these values."""
    return {point.name: value for point, value in zip(ROWS[name].points, values, strict=False)}
