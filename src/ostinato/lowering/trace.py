"""From a cell's function to its graph, by calling it with symbols."""

from __future__ import annotations

import linecache
import traceback

from ostinato.cells.declaration import Cell, Gates
from ostinato.errors import LoweringError, OstinatoError
from ostinato.lowering.graph import Builder, Graph, Node
from ostinato.state import State


def trace(cell: Cell) -> Graph:
    """The graph of one step of a cell.

    >>> from ostinato.cells import lstm
    >>> trace(lstm).operations().count("sigmoid")
    3

    Raises :class:`~ostinato.errors.LoweringError` with the line of the cell that does what no graph can hold.
    """
    builder = Builder(cell.function.__code__)
    try:
        new = cell(*symbols(cell, builder))
    except Exception as error:
        if isinstance(error, OstinatoError) and not isinstance(error, LoweringError):
            raise
        place = place_of(cell, _line(cell, error))
        raise LoweringError(f"cell '{cell.name}' cannot be lowered: {place}{error}") from error
    outputs = {}
    for part in cell.state:
        value = new[part]
        if isinstance(value, int | float):
            value = builder.leaf("constant", float(value))
        if not isinstance(value, Node):
            raise LoweringError(f"cell '{cell.name}': part '{part}' wanted a symbol, got {type(value).__name__}")
        outputs[part] = value.index
    return Graph(tuple(builder.nodes), outputs)


def symbols(cell: Cell, builder: Builder) -> tuple[Gates, Gates | None, State, Gates, Gates]:
    """What a cell is called with when it is traced: a symbol for every name that it declares."""
    x = Gates(**{gate: builder.leaf("input", gate) for gate in cell.gates})
    u = None
    if cell.recurrent != "none":
        u = Gates(**{gate: builder.leaf("recurrent", gate) for gate in cell.sees})
    s = State(**{part: builder.leaf("state", part) for part in cell.state})
    named = {name: builder.leaf("parameter", name) for name in cell.parameters}
    named.update({name: builder.leaf("matrix", name) for name in cell.matrices})
    named.update({name: builder.leaf("constant", float(value)) for name, value in cell.constants.items()})
    e = Gates(**{name: builder.leaf("given", name) for name in (*cell.inputs, *cell.noise)})
    return x, u, s, Gates(**named), e


def place_of(cell: Cell, line: int | None) -> str:
    """The beginning of an error about one line of a cell's own function; nothing where there is no such line."""
    # A cell from a file has a function of ours.
    if line is None or cell.function.__module__.startswith("ostinato.lowering."):
        return ""
    path = cell.function.__code__.co_filename
    text = linecache.getline(path, line).strip()
    return f"line {line} of {path.rpartition('/')[2]}, `{text}`: "


def _line(cell: Cell, error: BaseException) -> int | None:
    """The line of the cell's own function that the error passed through."""
    code = cell.function.__code__
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == code.co_filename and frame.name == code.co_name:
            return frame.lineno
    return None
