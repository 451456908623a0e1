"""The C++ table of the built-in cells, written when the package is built."""

from __future__ import annotations

from ostinato.cells import BUILT_IN
from ostinato.lowering.sources import source_digest
from ostinato.lowering.trace import trace


def cell_table() -> str:
    """The text of ``cells.inc``: a digest of the sources and one row for each built-in cell."""
    rows = []
    for cell in BUILT_IN.values():
        graph = trace(cell)
        words = (cell.name, " ".join(cell.gates), " ".join(cell.state), cell.recurrent, graph.digest())
        quoted = ", ".join(f'"{word}"' for word in words)
        rows.append(f"    {{{quoted}, {len(graph.operations())}}},")
    return "\n".join(
        [
            "// Written by python -m ostinato.lowering; edit the cells instead.",
            f'static const char ostinato_source_digest[] = "{source_digest()}";',
            "static const struct ostinato_cell ostinato_cells[] = {",
            *rows,
            "};",
            "",
        ]
    )
