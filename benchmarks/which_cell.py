"""What docs/which-cell.md says in numbers: the table of all certificates, and the guide that follows from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import certificates, registry
from ostinato.cells import BUILT_IN
from ostinato.certificates.algebra import MIXES, ONE_SIGN, memory_of
from ostinato.certificates.tasks import TASKS
from ostinato.certificates.verdict import Verdict, columns

PAGE = Path(__file__).parent.parent / "docs" / "which-cell.md"
FOLLOWED = ("parity", "modulo5", "s3", "a5")
NOTHING = "Nothing is measured yet.\n"


def written(page: str) -> str:
    """The page with what is between its markers made from the results that are kept."""
    results = registry.find("certificates").results()
    found = certificates.found(results)
    made = {
        "guide": guide(found),
        "certificates": table(found) + conditions(results.values()),
        "surprises": surprises(found),
    }
    for marker, text in made.items():
        page = between(marker).sub(lambda match, text=text: match[1] + text + match[2], page)  # type: ignore[misc]
    return page


def between(marker: str) -> re.Pattern[str]:
    """What stands between two marks of the page."""
    return re.compile(rf"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)", re.DOTALL)


def table(found: Sequence[Verdict]) -> str:
    """One row for each cell: its memory, and how far it came in each task."""
    if not found:
        return NOTHING
    heads = columns(found)
    titles = [task + (", chrono" if start == "chrono" else "") for task, start in heads]
    rows = ["| cell | its memory | " + " | ".join(titles) + " |", "|" + "---|" * (2 + len(heads))]
    for cell in cells_of(found):
        own = {(v.task, v.start): v for v in found if v.cell == cell}
        shown = [("**" + own[h].text + "**" if own[h].solved else own[h].text) if h in own else "–" for h in heads]
        rows.append(f"| `{cell}` | {memory_of(BUILT_IN[cell])} | " + " | ".join(shown) + " |")
    chances = [f"{100 * TASKS[task].chance:.0f} %" for task, _ in heads]
    return "\n".join([*rows, "| *by chance* |  | " + " | ".join(chances) + " |"]) + "\n"


def conditions(results: Iterable[Mapping[str, Any]]) -> str:
    """How the results were made, in one sentence."""
    records = list(results)
    if not records:
        return ""
    budgets = sorted({record["settings"]["seconds"] for record in records})
    seeds = sorted({record["seed"] for record in records})
    machines = sorted({record["machine"]["processor"] for record in records})
    return (
        f"\n{len(records)} runs of at most {' or '.join(f'{budget:.0f}' for budget in budgets)} seconds of one thread, "
        f"{'seed' if len(seeds) == 1 else 'seeds'} {' and '.join(map(str, seeds))}, on {' and '.join(machines)}.\n"
    )


def guide(found: Sequence[Verdict]) -> str:
    """For each need, the cells that were seen to serve it."""
    if not found:
        return NOTHING
    cells = cells_of(found)
    held = {cell: [t for t in FOLLOWED if reaches(found, cell, t)] for cell in cells}
    lines = [
        f"- **A state that every input changes and that never fades** (flags, counters, nesting, permutations). All of "
        f"parity, counting modulo 5, S3 and A5, to {TASKS['parity'].tests[-1]} steps: "
        + named(cell for cell in cells if len(held[cell]) == len(FOLLOWED)),
    ]
    some = [f"`{cell}` ({', '.join(held[cell])})" for cell in cells if 0 < len(held[cell]) < len(FOLLOWED)]
    if some:
        lines.append(f"  Some of them: {', '.join(some)}.")
    lines.append("  None of them that far: " + named(cell for cell in cells if not held[cell]))
    lines.append("- **Something said long ago, after a gap of 100 steps in which nothing happens.**")
    for start, words in (("plain", "Learnt as it comes: "), ("chrono", "Learnt with `timescale=` set to the gap: ")):
        if any((v.task, v.start) == ("recall", start) for v in found):
            lines.append("  " + words + named(learnt(found, "recall", start)))
    lines.append(
        "- **Looking up a value by its key.** Four pairs were learnt by " + named(learnt(found, "associative"))
    )
    return "\n".join(lines) + "\n"


def surprises(found: Sequence[Verdict]) -> str:
    """Where what was measured is not what the algebra of the cell says."""
    if not found:
        return NOTHING
    told = []
    for verdict in found:
        kind = memory_of(BUILT_IN[verdict.cell])
        if verdict.task == "associative" and verdict.solved and kind != MIXES:
            told.append(f"- `{verdict.cell}` learnt to look up by key, and none of its units sees another.")
        if verdict.task not in FOLLOWED:
            continue
        far = verdict.reach == TASKS[verdict.task].tests[-1]
        if kind == ONE_SIGN and far:
            told.append(f"- `{verdict.cell}` follows {verdict.task} to {verdict.reach} steps, and its memory {kind}.")
        # A reservoir is not trained to do anything.
        if kind == MIXES and BUILT_IN[verdict.cell].trained and not verdict.solved:
            told.append(
                f"- `{verdict.cell}` did not learn {verdict.task} in {certificates.SETTINGS.seconds:.0f} s "
                f"({verdict.text} right at {TASKS[verdict.task].train} steps), though its {kind}."
            )
    return "\n".join(told or ["None: every cell did what its algebra says."]) + "\n"


def learnt(found: Iterable[Verdict], task: str, start: str = "plain") -> list[str]:
    """The cells that solved a task, those that did it from every seed first."""
    solved = [v for v in found if (v.task, v.start) == (task, start) and v.solved]
    return [v.cell for v in sorted(solved, key=lambda v: v.seeds - v.solved)]


def reaches(found: Iterable[Verdict], cell: str, task: str) -> bool:
    """Whether a cell stays right up to the longest length of a task."""
    return any(v.cell == cell and v.task == task and v.reach == TASKS[task].tests[-1] for v in found)


def cells_of(found: Iterable[Verdict]) -> list[str]:
    """The cells that have results, in the order of the list of cells."""
    seen = {verdict.cell for verdict in found}
    return [name for name in BUILT_IN if name in seen]


def named(cells: Iterable[str]) -> str:
    """Cells as the end of a sentence."""
    return (", ".join(f"`{cell}`" for cell in cells) or "none") + "."


def main() -> None:
    """Write the numbers into the page."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
