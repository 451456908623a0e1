"""Floor 2: from a cell's equations to a graph, and from the graph to text in other languages.

Needs the standard library only, because the build runs it.
"""

from __future__ import annotations

from ostinato.lowering.graph import Graph, Node
from ostinato.lowering.sources import source_digest
from ostinato.lowering.trace import trace

__all__ = ["Graph", "Node", "source_digest", "trace"]
