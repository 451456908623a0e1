"""The C++ of one step, for vectors of any width: straight-line code in which every value has a numbered name.

No name of a cell's gates, state or parameters reaches the text: those may come from a file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from ostinato.cells import BUILT_IN, Cell
from ostinato.errors import LoweringError
from ostinato.lowering.graph import Graph, Node
from ostinato.lowering.kernel import Lowered, lowered
from ostinato.lowering.sources import source_digest

INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
# The array that each kind of leaf is read from.
ARRAYS = {
    **{"input": "x", "recurrent": "u", "state": "s", "parameter": "p", "given": "e"},
    **{"kept": "keep", "gradient": "d"},
}


def cpp_cell(step: Lowered, name: str) -> str:
    """The struct ``name`` with ``forward``, ``infer`` and ``backward`` of one step.

    >>> from ostinato.cells import elman
    >>> print(cpp_cell(lowered(elman), "elman"))
    struct elman {
      static constexpr int G = 1;
      static constexpr int S = 1;
      static constexpr int OUTPUT = 0;
      static constexpr int P = 0;
      static constexpr int E = 0;
      static constexpr int KEEP = 1;
      static constexpr bool STAGED = false;
      static constexpr bool DENSE = true;
      static constexpr bool SAME = true;
      template <class V>
      static OSTINATO_INLINE void forward(const V* x, const V* u, const V*, const V*, const V*, V* out, V* keep) {
        const V v0 = x[0];
        const V v1 = u[0];
        const V v2 = v0 + v1;
        const V v3 = tanh(v2);
        out[0] = v3;
        keep[0] = v3;
      }
      template <class V>
      static OSTINATO_INLINE void infer(const V* x, const V* u, const V*, const V*, const V*, V* out) {
        const V v0 = x[0];
        const V v1 = u[0];
        const V v2 = v0 + v1;
        const V v3 = tanh(v2);
        out[0] = v3;
      }
      template <class V>
      static OSTINATO_INLINE void backward(const V* keep, const V*, const V*, const V* d, V* dx, V* du, V* ds, V*) {
        const V v0 = d[0];
        const V v1 = constant<V>(0x1.0000000000000p+0);
        const V v2 = keep[0];
        const V v3 = v2 * v2;
        const V v4 = v1 - v3;
        const V v5 = v0 * v4;
        const V v6 = constant<V>(0x0.0p+0);
        dx[0] = v5;
        du[0] = v5;
        ds[0] = v6;
      }
    };

    Everything is read before anything is written, so outputs may lie where inputs lay. Each pass reads at constant
    places: x and u by gate, s, out and d by part, p by vector, e by what is given, keep by kept value. The operations
    ``sigmoid``, ``tanh``, ``select``, ... and ``constant<V>`` are found where the text is included.
    """
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name):
        raise LoweringError(f"a struct's name wanted ASCII letters and digits, got {name!r}")
    if step.staged:
        # That writer takes words from this one.
        from ostinato.lowering.cpp_stages import staged_struct

        return staged_struct(step, name, facts_of(step))
    derived = step.derivation
    places = {kind: {label: place for place, label in enumerate(names)} for kind, names in step.names.items()}
    places["gradient"] = places["state"]
    places["kept"] = {str(place): place for place in range(step.keep)}
    out = {part: f"out[{place}]" for place, part in enumerate(step.state)}
    keep = {f"keep.{place}": f"keep[{place}]" for place in range(step.keep)}
    gradients = {
        f"{array}.{label}": f"{array}[{place}]"
        for array, kind in (("dx", "input"), ("du", "recurrent"), ("ds", "state"), ("dp", "parameter"))
        for label, place in places[kind].items()
    }
    lines = [f"struct {name} {{", *facts_of(step)]
    lines += _function("forward", "x u s p e", "out keep", derived.forward, places, {**out, **keep})
    lines += _function("infer", "x u s p e", "out", derived.infer, places, out)
    lines += _function("backward", "keep p e d", "dx du ds dp", derived.backward, places, gradients)
    return "\n".join([*lines, "};"])


def facts_of(step: Lowered) -> list[str]:
    """The numbers of a cell that the core's loops are made for."""
    facts = {
        **{"G": len(step.gates), "S": len(step.state), "OUTPUT": step.output_index},
        **{"P": len(step.parameters), "E": len(step.given), "KEEP": step.keep},
    }
    switches = {"STAGED": step.staged, "DENSE": step.dense, "SAME": step.same}
    lines = [f"  static constexpr int {fact} = {value};" for fact, value in facts.items()]
    return lines + [f"  static constexpr bool {fact} = {str(value).lower()};" for fact, value in switches.items()]


def cpp_cells(cells: Mapping[str, Cell] = BUILT_IN) -> str:
    """The text of ``kernels.inc``: the structs of all cells that lower, and a macro that lists them."""
    texts, listed = [], []
    for name, cell in cells.items():
        try:
            step = lowered(cell)
        except LoweringError:
            continue
        texts.append(f"// {' '.join(step.gates)} -> {' '.join(step.state)}\n{cpp_cell(step, name)}\n")
        listed.append(f"X({name})")
    header = f"// Written by python -m ostinato.lowering; edit the cells instead.\n// {source_digest()}\n"
    return "\n".join([header, *texts, f"#define OSTINATO_CELLS(X) {' '.join(listed)}\n"])


def _function(
    name: str,
    reads: str,
    writes: str,
    graph: Graph,
    places: Mapping[str, Mapping[str, int]],
    targets: Mapping[str, str],
) -> list[str]:
    used = {ARRAYS[node.kind] for node in graph.nodes if node.kind in ARRAYS}
    used |= {target.partition("[")[0] for target in targets.values()}
    arguments = [f"const V*{_named(array, used)}" for array in reads.split()]
    arguments += [f"V*{_named(array, used)}" for array in writes.split()]
    return [
        "  template <class V>",
        f"  static OSTINATO_INLINE void {name}({', '.join(arguments)}) {{",
        *(f"    {_line(node, places)}" for node in graph.nodes),
        *(f"    {target} = v{graph.outputs[output]};" for output, target in targets.items()),
        "  }",
    ]


def _named(array: str, used: set[str]) -> str:
    """A parameter's name, or none where it is not used, so that strict compilers are silent."""
    return f" {array}" if array in used else ""


def _line(node: Node, places: Mapping[str, Mapping[str, int]]) -> str:
    kind = "auto" if node.kind == "less" else "V"
    return f"const {kind} v{node.index} = {_value(node, places)};"


def _value(node: Node, places: Mapping[str, Mapping[str, int]]) -> str:
    if node.kind in ARRAYS:
        return f"{ARRAYS[node.kind]}[{places[node.kind][str(node.label)]}]"
    return expression(node, [f"v{i}" for i in node.arguments])


def expression(node: Node, operands: Sequence[str]) -> str:
    """The C++ of one operation or constant."""
    if node.kind == "constant":
        return f"constant<V>({number(float(node.label))})"
    if node.kind in INFIX:
        return f" {INFIX[node.kind]} ".join(operands)
    if node.kind == "negate":
        return f"-{operands[0]}"
    return f"{node.kind}({', '.join(operands)})"


def number(value: float) -> str:
    """A C++ literal that is read back as the same double.

    >>> number(3.0), number(float("-inf"))
    ('0x1.8000000000000p+1', '-__builtin_inf()')
    """
    if math.isnan(value):
        return '__builtin_nan("")'
    if math.isinf(value):
        return "__builtin_inf()" if value > 0 else "-__builtin_inf()"
    return value.hex()
