"""A cell as data and back, for files: its declaration and its graph, and never a line of code."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostinato.cells import BUILT_IN
from ostinato.cells.declaration import ARGUMENTS, RECURRENT, Cell, Gates
from ostinato.cells.initial import RULES, Initial
from ostinato.cells.noise import PER, Mask
from ostinato.cells.operations import ROWWISE
from ostinato.errors import LoweringError, OptionError, nearest
from ostinato.lowering.graph import LEAVES, Graph, Node, compute
from ostinato.lowering.trace import trace
from ostinato.state import State

FIELDS = (
    *("name", "state", "gates", "output", "recurrent", "recurrent_bias", "constants", "parameters", "matrices"),
    *("sees", "heads", "projected", "inputs", "noise", "seen_through", "candidate", "per_child", "trained"),
    *("initial", "chrono", "nodes", "outputs"),
)
# Of gates, of parts, and of names declared beside them. Far more than any cell has.
MOST_NAMES, LONGEST_NAME = 64, 64


@dataclass(frozen=True)
class Origin:
    """What is known of a cell that was made from data: the data, and whether their source is trusted with compiling."""

    data: Mapping[str, Any]
    trusted: bool


def cell_to_data(cell: Cell) -> dict[str, Any]:
    """The cell as plain lists, words and finite numbers.

    >>> from ostinato.cells import elman
    >>> cell_to_data(elman)["nodes"]
    [['input', 'h'], ['recurrent', 'h'], ['state', 'h'], ['add', 0, 1], ['tanh', 3]]

    Raises :class:`~ostinato.errors.LoweringError` where the function is no graph of the operations of cells, and
    :class:`~ostinato.errors.OptionError` where the declaration cannot be written down.
    """
    origin = origin_of(cell)
    if origin is not None:
        return dict(origin.data)
    graph = trace(cell)
    rows = graph.to_data()["nodes"]
    data = {
        "name": cell.name,
        "state": list(cell.state),
        "gates": list(cell.gates),
        "output": cell.output,
        "recurrent": cell.recurrent,
        "recurrent_bias": cell.recurrent_bias,
        "constants": [[name, float(value)] for name, value in cell.constants.items()],
        "parameters": [[name, _rule_to_data(rule)] for name, rule in cell.parameters.items()],
        "matrices": [[name, _rule_to_data(rule)] for name, rule in cell.matrices.items()],
        "initial": [[weight, _rule_to_data(rule)] for weight, rule in cell.initial.items()],
        "chrono": [[gate, sign] for gate, sign in cell.chrono.items()],
        "sees": list(cell.sees),
        "heads": cell.heads,
        "projected": cell.projected,
        "inputs": list(cell.inputs),
        "noise": [[name, [float(m.share), m.per, m.scaled]] for name, m in cell.noise.items()],
        "seen_through": cell.seen_through,
        "candidate": cell.candidate,
        "per_child": list(cell.per_child),
        "trained": cell.trained,
        "nodes": rows,
        "outputs": [graph.outputs[part] for part in cell.state],
    }
    # What cannot be read again is found before it is written.
    cell_from_data(data)
    return data


def cell_from_data(data: Any, *, trusted: bool = False) -> Cell:
    """The cell of what :func:`cell_to_data` gave; its function runs the graph, whatever it is called with.

    >>> from ostinato.cells import lstm
    >>> again = cell_from_data(cell_to_data(lstm))
    >>> again.gates, trace(again).digest() == trace(lstm).digest()
    (('i', 'f', 'g', 'o'), True)

    Nothing in the data is run or imported, and the work of reading is bounded. A cell that is not ``trusted`` is never
    compiled. Anything but a well-formed cell raises :class:`~ostinato.errors.LoweringError`.
    """
    try:
        if set(data) != set(FIELDS):
            raise LoweringError(f"a cell as data wanted the fields {', '.join(FIELDS)}, got others")
        cell = _declared(data)
        graph = Graph.from_data(
            {"nodes": data["nodes"], "outputs": dict(zip(cell.state, data["outputs"], strict=True))}
        )
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        told = "" if isinstance(error, LoweringError) else "a cell as data cannot be read: "
        # What came may be as long as a file.
        raise LoweringError(f"{told}{str(error)[:300]}") from None
    _check_leaves(cell, graph)
    _check_kinds(cell, graph)
    _check_constants(cell, graph)
    function = _step(cell, graph)
    # Read by origin_of, and by whoever copies a cell to another process.
    function.origin = Origin(data, trusted)
    function.made_again = (_made_again, (data, trusted))
    return dataclasses.replace(cell, function=function)


def stored_cell(cell: str | Cell) -> str | dict[str, Any]:
    """The name of a built-in cell; any other as data."""
    if isinstance(cell, str) or BUILT_IN.get(cell.name) is cell:
        return cell if isinstance(cell, str) else cell.name
    return cell_to_data(cell)


def origin_of(cell: Cell) -> Origin | None:
    """What a cell that was made from data came from; None for one that a program declares."""
    origin = getattr(cell.function, "origin", None)
    return origin if isinstance(origin, Origin) else None


def cell_digest(cell: Cell) -> str:
    """64 hexadecimal digits that name a cell: equal declarations and arithmetic have equal ones."""
    text = json.dumps(cell_to_data(cell), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _made_again(data: Any, trusted: bool) -> Cell:
    return cell_from_data(data, trusted=trusted)


def _step(cell: Cell, graph: Graph) -> Any:
    """The function of a cell that runs a graph."""

    def step(*given: Any) -> State:
        named: dict[str, Any] = {**dict.fromkeys(ARGUMENTS), **dict(zip(cell.arguments, given, strict=True))}
        symbol = named["s"][cell.output]
        return copied(graph, symbol, **named) if isinstance(symbol, Node) else graph.evaluate(**named)

    step.__name__ = step.__qualname__ = cell.name
    return step


def copied(graph: Graph, symbol: Node, x: Any, u: Any, s: Any, p: Any, e: Any) -> State:
    """The graph again, node by node: arithmetic of constants stays what it was instead of being done."""
    sources: dict[str, Any] = {"input": x, "recurrent": u, "state": s, "parameter": p, "matrix": p, "given": e}
    made: list[Node] = []
    for node in graph.nodes:
        if node.kind == "constant":
            made.append(symbol.builder.leaf("constant", node.label))
        elif node.kind in LEAVES:
            source = sources[node.kind]
            made.append(source[str(node.label)] if isinstance(source, State) else getattr(source, str(node.label)))
        else:
            made.append(symbol.builder.apply(node.kind, *(made[i] for i in node.arguments)))
    return State(**{part: made[index] for part, index in graph.outputs.items()})


def _declared(data: Mapping[str, Any]) -> Cell:
    """The declaration, every name checked; the function is not there yet."""
    name = _checked_word("name", data["name"])
    state, gates = _names("state", data["state"]), _names("gates", data["gates"])
    listed = [_pairs(kind, data[kind]) for kind in ("constants", "parameters", "matrices")]
    constants, parameters, matrices = listed
    declared = [*constants, *parameters, *matrices]
    _names("declared names", declared, least=0)
    if {"W", "R", "b", "br"} & set(declared):
        raise LoweringError("a cell as data declares W, R, b or br, which are taken")
    if not state or not gates or data["output"] not in state:
        raise LoweringError("a cell as data wanted gates, a state, and an output that is a part of it")
    if data["recurrent"] not in RECURRENT or not isinstance(data["recurrent_bias"], bool):
        raise LoweringError(f"a cell as data sees its state in an unknown way: {data['recurrent']!r:.40}")
    chrono = _pairs("chrono", data["chrono"])
    if not set(chrono) <= set(gates) or not all(sign in (1, -1) and type(sign) is int for sign in chrono.values()):
        raise LoweringError("a cell as data wanted chrono to map gates to 1 or -1")
    extras = _extras(data, state, gates, matrices)
    also = ("e",) if extras["inputs"] or extras["noise"] else ()
    return Cell(
        name=name,
        state=state,
        gates=gates,
        function=_unfinished,
        output=data["output"],
        recurrent=data["recurrent"],
        **extras,
        recurrent_bias=data["recurrent_bias"],
        constants={constant: _finite(constant, value) for constant, value in constants.items()},
        parameters={weight: _rule_from_data(rule) for weight, rule in parameters.items()},
        matrices={weight: _rule_from_data(rule) for weight, rule in matrices.items()},
        initial=_initial(data["initial"], gates),
        chrono=chrono,
        arguments=("x", "s") + (("u",) if data["recurrent"] != "none" else ()) + (("p",) if declared else ()) + also,
    )


def _extras(
    data: Mapping[str, Any], state: tuple[str, ...], gates: tuple[str, ...], matrices: Mapping[str, Any]
) -> dict[str, Any]:
    """What a cell declares beyond its gates and its state."""
    sees, inputs = _names("sees", data["sees"], least=0), _names("inputs", data["inputs"], least=0)
    noise = {name: _mask(row) for name, row in _pairs("noise", data["noise"]).items()}
    _names("inputs and noise", [*inputs, *noise], least=0)
    seeing = () if data["recurrent"] == "none" else tuple(gate for gate in gates if gate in sees)
    if sees != seeing or (data["recurrent"] != "none" and not seeing):
        raise LoweringError("a cell as data wanted sees to name some of its gates in their order")
    heads = data["heads"]
    if type(heads) is not int or not 1 <= heads <= MOST_NAMES or (heads > 1 and data["recurrent"] != "dense"):
        raise LoweringError(f"a cell as data wanted 1 to {MOST_NAMES} heads of a dense cell, got {heads!r:.40}")
    for field, known in (("projected", tuple(matrices)), ("seen_through", tuple(noise)), ("candidate", gates)):
        if data[field] is not None and data[field] not in known:
            raise LoweringError(f"a cell as data wanted {field} to be one of its own names, got {data[field]!r:.80}")
    per_child = tuple(data["per_child"])
    if len(per_child) > len(gates) or not {str(word).removeprefix("u.") for word in per_child} <= set(gates):
        raise LoweringError("a cell as data wanted per_child to name some of its gates")
    if type(data["trained"]) is not bool:
        raise LoweringError(f"a cell as data is trained or not, got {data['trained']!r:.40}")
    return {
        **{"sees": sees, "inputs": inputs, "noise": noise, "heads": heads, "per_child": per_child},
        **{field: data[field] for field in ("projected", "seen_through", "candidate", "trained")},
    }


def _mask(row: Any) -> Mask:
    share, per, scaled = row
    if type(share) is not float or not 0.0 <= share < 1.0 or per not in PER or type(scaled) is not bool:
        raise LoweringError(f"a cell as data wanted noise like [0.1, 'step', true], got {row!r:.80}")
    return Mask(share, per, scaled)


def _unfinished() -> State:
    raise AssertionError("a cell as data has no function before its graph is read")


def _names(what: str, words: Any, *, least: int = 1) -> tuple[str, ...]:
    if not isinstance(words, list | tuple) or not least <= len(words) <= MOST_NAMES or len(set(words)) != len(words):
        raise LoweringError(f"a cell as data wanted {least} to {MOST_NAMES} different names as {what}")
    for word in words:
        # Some would hide what State and Gates can do.
        if _checked_word(what, word).startswith("_") or hasattr(State, word) or hasattr(Gates, word):
            raise LoweringError(f"a cell as data got '{word}' among its {what}, which cannot be read as an attribute")
    return tuple(words)


def _checked_word(what: str, word: Any) -> str:
    if not isinstance(word, str) or not word.isidentifier() or len(word) > LONGEST_NAME:
        raise LoweringError(
            f"a cell as data wanted names of letters, digits and _, at most {LONGEST_NAME}, as {what}; got {word!r:.80}"
        )
    return word


def _pairs(what: str, rows: Any) -> dict[str, Any]:
    if not isinstance(rows, list | tuple) or len(rows) > MOST_NAMES:
        raise LoweringError(f"a cell as data wanted at most {MOST_NAMES} pairs as {what}")
    found = dict(rows)
    if len(found) != len(rows):
        raise LoweringError(f"a cell as data names something twice among its {what}")
    return found


def _finite(what: str, value: Any) -> float:
    if type(value) is not float or not math.isfinite(value):
        raise LoweringError(f"a cell as data wanted a finite number as '{what}', got {value!r:.40}")
    return value


def _initial(rows: Any, gates: tuple[str, ...]) -> dict[str, Initial]:
    known = [*(("W", "R", "b", "br")), *(f"{weight}.{gate}" for weight in ("W", "R", "b", "br") for gate in gates)]
    pairs = dict(rows) if isinstance(rows, list | tuple) and len(rows) <= len(known) else {"": None}
    for weight in pairs:
        if weight not in known:
            raise LoweringError(f"a cell as data fills a weight that it has not, {weight!r:.80}")
    return {weight: _rule_from_data(rule) for weight, rule in pairs.items()}


def _rule_to_data(rule: Initial) -> list[Any]:
    if type(rule) not in RULES.values():
        raise OptionError(f"a file cannot hold the initial rule {rule!r:.60}; {nearest(type(rule).__name__, RULES)}")
    return [type(rule).__name__, *(float(value) for value in dataclasses.astuple(rule))]


def _rule_from_data(row: Any) -> Initial:
    kind, *numbers = row
    rule = RULES.get(kind) if isinstance(kind, str) else None
    if rule is None or len(numbers) != len(dataclasses.fields(rule)):
        raise LoweringError(f"a cell as data has no initial rule {row!r:.80}")
    return rule(*(_finite(str(kind), number) for number in numbers))


def _check_leaves(cell: Cell, graph: Graph) -> None:
    """Refuse a graph that reads what the cell does not declare."""
    known: dict[str, tuple[object, ...]] = {
        "input": cell.gates,
        "recurrent": cell.sees,
        "state": cell.state,
        "parameter": tuple(cell.parameters),
        "matrix": tuple(cell.matrices),
        "given": (*cell.inputs, *cell.noise),
    }
    for node in graph.nodes:
        if node.kind == "constant":
            _finite("constant", node.label)
        elif node.kind in LEAVES and node.label not in known[node.kind]:
            name = str(node.label)[:LONGEST_NAME]
            raise LoweringError(f"the cell '{cell.name}' as data reads the {node.kind} '{name}', which it has not")


def _check_kinds(cell: Cell, graph: Graph) -> None:
    """Refuse a mask where a number is wanted, a number where a mask is, and a matrix outside of a product."""
    kinds: list[str] = []
    for node in graph.nodes:
        wanted = ["number"] * len(node.arguments)
        if node.kind == "select":
            wanted[0] = "mask"
        elif node.kind == "product":
            wanted[1] = "matrix"
        came = [kinds[i] for i in node.arguments]
        if came != wanted:
            raise LoweringError(
                f"the cell '{cell.name}' as data: {node} wanted {', '.join(wanted)}, got {', '.join(came)}; "
                "less(a, b) stands inside select(...), a matrix inside product(...)"
            )
        kinds.append({"less": "mask", "matrix": "matrix"}.get(node.kind, "number"))
    if any(kinds[index] != "number" for index in graph.outputs.values()):
        raise LoweringError(f"the cell '{cell.name}' as data wanted numbers as its state")


def _check_constants(cell: Cell, graph: Graph) -> None:
    """Refuse arithmetic of constants that has no result, which plain numbers would tell only in use."""
    values: dict[int, Any] = {}
    for node in graph.nodes:
        if node.kind == "constant":
            values[node.index] = node.label
        elif node.arguments and all(i in values for i in node.arguments):
            try:
                values[node.index] = compute(node.kind, [values[i] for i in node.arguments])
            except (ArithmeticError, ValueError, TypeError) as error:
                raise LoweringError(f"the cell '{cell.name}' as data: {node} has no result ({error})") from None
        if node.kind in ROWWISE and node.arguments[0] in values:
            raise LoweringError(f"the cell '{cell.name}' as data: {node} looks along a row of a constant")
