"""Results as Markdown: the table, and below it where and how it was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ostinato.bench.neighbours import QUIET
from ostinato.bench.registry import GRIDS, ROWS
from ostinato.bench.summary import Summary, summaries

HEAD = """\
| | held against | mean | at B = 1 / 8 / 32 / 128 | worst | error: outputs / gradients |
|---|---|---|---|---|---|"""


def markdown(results: Mapping[str, Any]) -> str:
    """The table of one run, and the lines that belong under it."""
    found = summaries(results["points"])
    rows = [HEAD, *(_row(summary) for summary in found.values())]
    return "\n".join([*rows, "", *_below(results, found)]) + "\n"


def _row(s: Summary) -> str:
    batches = " / ".join(number(s, value) for value in s.by_batch.values()) if s.row.name in GRIDS else ""
    errors = " / ".join(f"{s.errors[kind]:.0e}" for kind in ("outputs", "gradients") if kind in s.errors)
    beside = f" (against indexing {s.beside:.1f}x)" if s.beside is not None else ""
    mean, worst = f"**{number(s, s.mean)}**{beside}", number(s, s.worst) if s.count > 1 else ""
    title = s.row.title + (f" ({s.handed_over} of {s.count} by torch's own layer)" if s.handed_over else "")
    return f"| {title} | {s.row.against} | {mean} | {batches} | {worst} | {errors} |"


def number(s: Summary, value: float) -> str:
    """A number of a row with its unit: times as fast, times the cost, or a share."""
    if s.row.kind == "share":
        return f"{100 * value:.0f} %"
    # Two digits could turn 0.97 into 1.0.
    return f"{value:.1f}x" if value >= 9.95 else f"{value:.2f}x"


def _below(results: Mapping[str, Any], found: Mapping[str, Summary]) -> Iterator[str]:
    machine, roofs = results["machine"], results["roofs"]
    made = ", ".join(f"{name} {version}" for name, version in packages(results).items())
    yield (
        f"{machine['processor']}, {results['threads']} threads, float32, {results['date']}; {made}. Means are "
        f"geometric, over {sum(s.count for s in found.values())} points; training has the gradients of input, weights "
        "and initial state. Speed is the peer's time over ours; cost and memory are ours over the other's."
    )
    plain = f", multiply-adds in registers {roofs['multiply_adds'] / 1e9:.0f}" if roofs.get("multiply_adds") else ""
    yield f"Roofs on these threads: torch.mm of 1024 x 1024 {roofs['sgemm'] / 1e9:.0f} GFLOP/s{plain}."
    disturbed = sum((record.get("others") or 0.0) > QUIET for record in results["points"].values())
    if disturbed:
        yield f"Other programs were busy during {disturbed} of {len(results['points'])} points: measure them again."
    for title, names in (("Not measured", results.get("skipped")), ("Failed", results.get("failed"))):
        if names:
            yield f"{title}: {', '.join(sorted(names))}."
    unmeasured = [row for row in ROWS.values() if row.name not in found and results["kind"] == "full"]
    if unmeasured and not results.get("skipped"):
        yield f"Without results: {', '.join(row.name for row in unmeasured)}."


def packages(results: Mapping[str, Any]) -> dict[str, str]:
    """The version of every package that was measured."""
    found: dict[str, str] = {}
    for versions in results["versions"].values():
        found.update({name: version for name, version in versions.items() if name not in ("numpy", "jaxlib", "onnx")})
    target = found.pop("target", None)
    return {**found, **({"our target": target} if target else {})}


def remarks(results: Mapping[str, Any], most: int = 12) -> list[str]:
    """What falls short, and the slowest points of the rows of speed."""
    told = [line for s in summaries(results["points"]).values() for line in s.shortfalls()]
    speeds = {n: r for n, r in results["points"].items() if ROWS[r["row"]].kind == "speed" and r["value"] < 1.0}
    for name in sorted(speeds, key=lambda n: float(speeds[n]["value"]))[:most]:
        low, high = speeds[name]["spread"]
        told.append(f"slower: {name} {speeds[name]['value']:.3f}x ({low:.3f} to {high:.3f})")
    return told
