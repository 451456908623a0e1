"""One page for each built-in cell, written from its definition: ``python -m benchmarks.pages``.

What was measured stands between marks and is filled in from the kept results; everything else follows from the code.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks import registry
from benchmarks.certificates import found
from ostinato.cells import BUILT_IN, Cell, Initial
from ostinato.certificates.algebra import memory_of
from ostinato.lowering import latex, lowered, text, trace

FOLDER = Path(__file__).parent.parent / "docs" / "cells"
WHICH = FOLDER.parent / "which-cell.md"
MEASURED = re.compile(r"(<!-- measured -->\n).*?(<!-- /measured -->)", re.DOTALL)
SPEED = re.compile(r"(<!-- speed of cells -->\n).*?(<!-- /speed of cells -->)", re.DOTALL)
SIGHT = {
    "dense": "see all units of the shown state, through the matrix R",
    "diagonal": "see each unit's own state only, through the vector R",
    "none": "see the input only; the loop has no product with R",
}
LINKS = (
    (re.compile(r"\barXiv:(\d{4}\.\d{4,5})"), r"[arXiv:\1](https://arxiv.org/abs/\1)"),
    (re.compile(r"\bdoi:(10\.\d+/[\w./-]+[\w])"), r"[doi:\1](https://doi.org/\1)"),
    (re.compile(r"\((proceedings\.mlr\.press/[\w/]+|jmlr\.org/[\w./]+)\)"), r"([\1](https://\1))"),
)


def sentence(cell: Cell) -> str:
    """The first sentence of a cell's own words."""
    return inspect.cleandoc(cell.__doc__ or "").partition("\n")[0]


def source(cell: Cell) -> str:
    """Where a cell comes from, and where it differs; with links."""
    rest = inspect.cleandoc(cell.__doc__ or "").partition("\n")[2].strip()
    rest = re.sub(r":\w+:`(\w+)`", r"[\1](\1.md)", rest).replace("``", "`")
    for pattern, link in LINKS:
        rest = pattern.sub(link, rest)
    return rest


def page(cell: Cell) -> str:
    """The whole page of one cell."""
    rows = "\n".join(f"| {what} | {said} |" for what, said in facts(cell))
    starts = "\n".join(f"| {weight} | {shape} | {rule} |" for weight, shape, rule in weights(cell))
    return f"""# {cell.name}

<!-- Written by `python -m benchmarks.pages` from the definition in src/ostinato/cells; edit the cell instead. -->

{sentence(cell)}

```text
{text(cell)}
```

$$
{latex(cell)}
$$

x is the input, ₋₁ marks the state before the step, ⊙ multiplies unit by unit, σ is the logistic function.

| | |
|---|---|
{rows}

## How it starts

| weight | size | at the start |
|---|---|---|
{starts}

## Where it comes from

{source(cell)}

## What was measured

<!-- measured -->
{measured(cell)}<!-- /measured -->

All cells side by side: [which cell?](../which-cell.md). [All pages](README.md), and
[a cell of your own](../adding-a-cell.md).
"""


def facts(cell: Cell) -> Iterator[tuple[str, str]]:
    """What a cell declares, in words."""
    widths = cell.widths(8 * cell.heads)
    wide = {part: "P" if widths[part] != 8 * cell.heads else "H" for part in cell.state}
    shown = f"; `{cell.output}` is shown" if len(cell.state) > 1 else ""
    yield "state", ", ".join(f"`{part}` [B, {wide[part]}]" for part in cell.state) + shown
    yield "gates, in their order", " ".join(f"`{gate}`" for gate in cell.gates)
    seeing = "all gates" if cell.sees == cell.gates or not cell.sees else " ".join(f"`{gate}`" for gate in cell.sees)
    heads = f", in {cell.heads} blocks (heads): H is a multiple of {cell.heads}" if cell.heads > 1 else ""
    yield "what the gates see", f"{seeing} {SIGHT[cell.recurrent]}{heads}"
    if cell.inputs:
        yield "wants at every step", ", ".join(f"`{name}` [B, T]" for name in cell.inputs) + ", as `inputs=`"
    if not cell.trained:
        yield "training", "none: its weights are drawn once and want no gradients; train what reads it"
    if cell.chrono:
        keeps = ", ".join(f"`{gate}` {'keeps' if sign > 0 else 'lets in'}" for gate, sign in cell.chrono.items())
        yield "`timescale=`", f"starts the biases for a memory of so many steps: {keeps}"
    else:
        yield "`timescale=`", "does not apply"
    yield (
        "recurrent dropout acts on",
        f"`{cell.candidate}`" if cell.candidate else "nothing: it has no single candidate",
    )
    own = ", ".join(f"`{word}`" for word in cell.per_child)
    yield "over trees", f"one for each child: {own}" if own else "gates see the sum of the children"
    yield "its memory", memory_of(cell)
    products = trace(cell).operations().count("product") + (len(cell.sees) if cell.recurrent == "dense" else 0)
    yield (
        "arithmetic of a step",
        f"{lowered(cell).operations['infer']} operations for each unit; matrices that it multiplies with, beside W: "
        f"{products or 'none'}",
    )


def weights(cell: Cell) -> Iterator[tuple[str, str, str]]:
    """Each weight with its size in letters and the rule that fills it."""
    block = "P" if cell.projected else "H" if cell.heads == 1 else f"H / {cell.heads}"
    many, seeing = _times(len(cell.gates)), _times(len(cell.sees))
    sizes = {"W": f"{many}, D", "b": many, "R": seeing if cell.recurrent == "diagonal" else f"{seeing}, {block}"}
    sizes |= {"br": seeing, **dict.fromkeys(cell.parameters, "H")}
    sizes |= {name: "P, H" if name == cell.projected else "H, H" for name in cell.matrices}
    hidden = 8 * cell.heads
    for name in cell.shapes(4, hidden):
        rule = said(cell.initial_of(name, hidden), cell)
        gates = [gate for gate in cell.gates if f"{name}.{gate}" in cell.initial]
        special = "".join(f"; `{gate}`: {said(cell.initial[f'{name}.{gate}'], cell)}" for gate in gates)
        yield f"`{name}`", f"[{sizes[name]}]", rule + special


def _times(gates: int) -> str:
    return "H" if gates == 1 else f"{gates} H"


def said(rule: Initial, cell: Cell) -> str:
    """A rule in words."""
    values = {key: f"{value:.3g}".replace("6.28", "2π") for key, value in vars(rule).items()}
    low, high = values.get("low", ""), values.get("high", "")
    words = {
        "Constant": "{value}",
        "Uniform": f"uniform between {low} and {high}",
        "Spaced": f"evenly spaced from {low} to {high}",
        "Xavier": "Xavier, uniform",
        "Lecun": "normal, deviation {gain} / sqrt(columns)",
        "Orthogonal": "orthogonal" + ("" if values.get("gain") == "1" else ", times {gain}"),
        "Identity": "the identity" + ("" if values.get("scale") == "1" else ", times {scale}"),
        "Spectral": "random, spectral radius {radius}",
        "Decay": f"so that exp(-{{power}} softplus) is uniform between {low} and {high}",
        "Ring": f"so that exp(-exp) lies on the ring from {low} to {high}",
        "Phase": f"the logarithm of an angle between {low} and {high}",
        "RingGain": "the logarithm of sqrt(1 - size²), of the sizes on the ring",
    }
    if type(rule).__name__ == "Uniform" and cell.recurrent == "diagonal" and rule not in cell.initial.values():
        return "uniform within 1 / sqrt(H)" if rule not in cell.parameters.values() else words["Uniform"]
    return words[type(rule).__name__].format(**values)


def measured(cell: Cell) -> str:
    """The rows of what was measured of one cell; a sentence where nothing was."""
    lines = [f"- {line}" for line in (*remembered(cell), *timed(cell))]
    return "\n".join(lines or ["Nothing yet."]) + "\n"


def remembered(cell: Cell) -> Iterator[str]:
    """What the certificates say of a cell."""
    results = registry.find("certificates").results()
    told = [verdict for verdict in found(results) if verdict.cell == cell.name] if results else []
    if told:
        words = (f"{v.task}{' (chrono)' if v.start == 'chrono' else ''} {v.text}" for v in told)
        yield "remembers ([what the tasks are](../which-cell.md)): " + ", ".join(words)


def timed(cell: Cell) -> Iterator[str]:
    """How fast a cell is beside its peers."""
    results: Mapping[str, dict[str, object]] = {}
    if "cells" in registry.NAMES:
        results = registry.find("cells").results()
    if cell.name in results:
        from benchmarks.cells import sentence_of

        yield sentence_of(results[cell.name])


def index() -> str:
    """The page that lists all pages."""
    rows = "\n".join(f"| [{cell.name}]({cell.name}.md) | {sentence(cell)} |" for cell in BUILT_IN.values())
    return f"""# The cells

<!-- Written by `python -m benchmarks.pages` from the definitions in src/ostinato/cells; edit the cells instead. -->

Each is one function of a few lines in `src/ostinato/cells`; loops, kernels, gradients, streams and these formulas are
derived from it. Any of them is a layer by its name:

```python
import torch
import ostinato as ost

layer = ost.layers.Recurrent("mingru", 3, 8)
y, state = layer(torch.zeros(2, 5, 3))
```

| cell | what it does |
|---|---|
{rows}

What each can remember and what it costs: [which cell?](../which-cell.md). A cell of your own:
[adding a cell](../adding-a-cell.md).
"""


def pages() -> dict[Path, str]:
    """All pages by their paths."""
    return {FOLDER / "README.md": index(), **{FOLDER / f"{name}.md": page(cell) for name, cell in BUILT_IN.items()}}


def settled(page: str) -> str:
    """A page without what was measured."""
    return MEASURED.sub(r"\1\2", page)


def main() -> None:
    """Write all pages, and the table of speed where all cells stand side by side."""
    FOLDER.mkdir(exist_ok=True)
    for path, words in pages().items():
        path.write_text(words, encoding="utf-8")
    results = registry.find("cells").results() if "cells" in registry.NAMES else {}
    if results:
        from benchmarks.cells import table

        whole = WHICH.read_text(encoding="utf-8")
        WHICH.write_text(SPEED.sub(lambda m: f"{m[1]}{table(results)}{m[2]}", whole), encoding="utf-8")


if __name__ == "__main__":
    main()
