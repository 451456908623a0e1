"""Floor 2: from a cell's equations to a graph, and from the graph to text in other languages.

Needs the standard library only, because the build runs it.
"""

from __future__ import annotations

from ostinato.lowering.blueprint import Blueprint
from ostinato.lowering.cpp import cpp_cell
from ostinato.lowering.formula import latex, text
from ostinato.lowering.graph import Graph, Node
from ostinato.lowering.kernel import Lowered, lowered
from ostinato.lowering.sources import source_digest
from ostinato.lowering.trace import trace

__all__ = [
    "Blueprint",
    "Graph",
    "Lowered",
    "Node",
    "cpp_cell",
    "latex",
    "lowered",
    "source_digest",
    "text",
    "trace",
]
