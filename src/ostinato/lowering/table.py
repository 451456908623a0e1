"""The C++ table of the built-in cells, written when the package is built."""

from __future__ import annotations

from collections.abc import Mapping

from ostinato.cells import BUILT_IN, Cell
from ostinato.lowering.sources import source_digest
from ostinato.lowering.trace import trace


def cell_table(cells: Mapping[str, Cell] = BUILT_IN) -> str:
    """The text of ``cells.inc``: a digest of the sources and one row for each cell, the built-in ones unless said."""
    rows = []
    for cell in cells.values():
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
