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
from ostinato.lowering.variants import clip, layer_norm, recurrent_dropout, resting, state_dropout, zoneout

__all__ = [
    "Blueprint",
    "Graph",
    "Lowered",
    "Node",
    "clip",
    "cpp_cell",
    "latex",
    "layer_norm",
    "lowered",
    "recurrent_dropout",
    "resting",
    "source_digest",
    "state_dropout",
    "text",
    "trace",
    "zoneout",
]
