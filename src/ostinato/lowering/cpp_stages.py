"""The C++ of a step in stages: for each phase one function over a row, with a loop over its vectors for each stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ostinato.cells.operations import ROWWISE
from ostinato.lowering.cpp import expression
from ostinato.lowering.graph import Graph, Node
from ostinato.lowering.keeping import row_valued
from ostinato.lowering.kernel import Lowered
from ostinato.lowering.stages import MULTIPLIED, Plan, Stage, staged

# Where a leaf of each kind is found: at a pointer for each name, vector by vector.
POINTERS = {"state": "state", "parameter": "parameter", "given": "given", "gradient": "gradient"}
BEGIN = {"row_sum": "constant<V>(0)", "row_mean": "constant<V>(0)", "row_max": "constant<V>(-__builtin_inf())"}


def staged_struct(step: Lowered, name: str, facts: Sequence[str]) -> str:
    """The struct of a cell whose step has products or looks along rows inside.

    Its functions do one phase for one row; between phases the core multiplies: ``FORWARD_AFTER``, ``INFER_AFTER`` and
    ``BACKWARD_AFTER`` say which group of products follows which phase, -1 before the first, -2 never.
    """
    derived, groups = step.derivation, step.derivation.groups
    projected, shown = step.blueprint.projected, step.blueprint.output
    graphs = {"forward": derived.forward, "infer": derived.infer, "backward": derived.backward}
    plans = {title: staged(graph, groups, projected, shown) for title, graph in graphs.items()}
    numbers = {matrix: place for place, matrix in enumerate(step.matrices)}
    most = {
        "NEAR": max(len(plan.near) for plan in plans.values()),
        "FAR": max(len(plan.far) for plan in plans.values()),
        "SUMS": max(len(plan.sums) for plan in plans.values()),
        "KEEP_ROWS": derived.keep_rows,
        "MATRICES": len(step.matrices),
        "GROUPS": len(groups),
        "PROJECTED": next((g for g, group in enumerate(groups) if projected in group.matrices), -1),
    }
    lines = [f"struct {name} {{", *facts]
    lines += [f"  static constexpr int {fact} = {value};" for fact, value in most.items()]
    lines += [
        _array("GROUP_SIZE", [len(group.matrices) for group in groups]),
        _array("GROUP_SHOWN", [int(group.shown) for group in groups]),
        _array("GROUP_MATRICES", [numbers[matrix] for group in groups for matrix in group.matrices]),
    ]
    for title, plan in plans.items():
        lines.append(f"  static constexpr int {title.upper()}_PHASES = {len(plan.phases)};")
        lines.append(_array(f"{title.upper()}_AFTER", [plan.after.get(group, -2) for group in range(len(groups))]))
    for title, plan in plans.items():
        lines += _Writer(step, graphs[title], plan).function(title)
    return "\n".join([*lines, "};"])


def _array(name: str, numbers: Sequence[int]) -> str:
    # An array of nothing is no C++.
    listed = ", ".join(map(str, numbers)) or "0"
    return f"  static constexpr int32_t {name}[] = {{{listed}}};"


class _Writer:
    def __init__(self, step: Lowered, graph: Graph, plan: Plan) -> None:
        self.step, self.graph, self.plan = step, graph, plan
        self.alike = row_valued(graph.nodes)
        self.places = {kind: {label: n for n, label in enumerate(names)} for kind, names in step.names.items()}
        self.places["gradient"] = self.places["state"]
        # What is kept anyway need not be set aside.
        kept = {index: name for name, index in graph.outputs.items() if name.startswith("keep.")}
        self.kept = {index: int(name.removeprefix("keep.")) for index, name in kept.items()}

    def function(self, title: str) -> list[str]:
        """One pass, phase by phase."""
        lines = [
            "  template <class V>",
            f"  static OSTINATO_INLINE void {title}(int phase, const row_of<V>& r) {{",
            "    constexpr int64_t L = kLanes<V>;",
        ]
        for phase, (first, last) in enumerate(self.plan.phases):
            inner: list[str] = []
            known: set[int] = set()
            for place in range(first, last):
                inner += self._stage(self.plan.stages[place], known, place + 1 == last)
            lines += [f"    if (phase == {phase}) {{", *(f"      {line}" for line in inner), "    }"]
        return [*lines, "  }"]

    def _stage(self, stage: Stage, known: set[int], ends: bool) -> list[str]:
        nodes = self.graph.nodes
        before: list[str] = []
        self._rows(stage.rows, known, before)
        units, loads = set(stage.units), list[int]()
        roots = [*stage.outputs.values(), *(nodes[i].arguments[0] for i in stage.sums)]
        for index in (*(i for unit in stage.units for i in nodes[unit].arguments), *roots):
            if self.alike[index]:
                self._rows([index], known, before)
            elif index not in units and index not in loads and nodes[index].kind != "matrix":
                loads.append(index)
        before += [f"V a{index} = {BEGIN[nodes[index].kind]};" for index in stage.sums]
        loop = [f"const V v{index} = {self._loaded(nodes[index])};" for index in sorted(loads)]
        for index in stage.units:
            node = nodes[index]
            kind = "auto" if node.kind == "less" else "V"
            loop.append(f"const {kind} v{index} = {expression(node, [self._name(i) for i in node.arguments])};")
        for index in stage.sums:
            inside = self._name(nodes[index].arguments[0])
            if nodes[index].kind == "row_max":
                loop.append(f"a{index} = maximum(a{index}, r.inside(w, {inside}, constant<V>(-__builtin_inf())));")
            else:
                loop.append(f"a{index} = a{index} + r.inside(w, {inside});")
        apart = [index for index in stage.aside if index not in self.kept]
        loop += [f"store({self._aside(index)}, {self._name(index)});" for index in apart]
        stored = [line for name, index in stage.outputs.items() for line in self._stored(name, index)]
        # What is stored for a whole row stands after the loop.
        rows = [line for line in stored if "r.keep_row" in line]
        loop += [line for line in stored if "r.keep_row" not in line]
        after = []
        for index in stage.sums:
            reduced = "largest(a{0})" if nodes[index].kind == "row_max" else "total(a{0})"
            scale = " * r.share" if nodes[index].kind == "row_mean" else ""
            after.append(f"const V n{index} = {reduced.format(index)}{scale};")
            known.add(index)
            if index in self.plan.sums:
                after.append(f"r.sums[{self.plan.sums[index]}] = n{index}[0];")
        if not loop:
            return [*before, *rows, *after]
        head = "for (int64_t w = 0; w < r.vectors; ++w) {"
        return [*before, *rows, head, *(f"  {line}" for line in loop), "}", *after]

    def _rows(self, indices: Iterable[int], known: set[int], lines: list[str]) -> None:
        """Values that a whole row shares, each computed once in a phase."""
        waiting = list(indices)[::-1]
        while waiting:
            index = waiting[-1]
            node = self.graph.nodes[index]
            missing = [i for i in node.arguments if i not in known] if node.kind not in ROWWISE else []
            if index in known:
                waiting.pop()
            elif missing:
                waiting.extend(missing)
            else:
                waiting.pop()
                known.add(index)
                if node.kind == "kept_row":
                    value = f"broadcast<V>(r.keep_row + {node.label})"
                elif node.kind in ROWWISE:
                    value = f"broadcast<V>(r.sums + {self.plan.sums[index]})"
                else:
                    value = expression(node, [f"n{i}" for i in node.arguments])
                lines.append(f"const {'auto' if node.kind == 'less' else 'V'} n{index} = {value};")

    def _name(self, index: int) -> str:
        return f"n{index}" if self.alike[index] else f"v{index}"

    def _loaded(self, node: Node) -> str:
        if node.index in self.plan.near or node.index in self.plan.far:
            return f"load<V>({self._aside(node.index)})"
        if node.kind == "constant":
            return expression(node, [])
        if node.kind == "input":
            return f"load<V>(r.x + place<V, G>({self.places['input'][str(node.label)]}, w))"
        if node.kind == "kept":
            return f"load<V>(r.keep + (w * KEEP + {node.label}) * L)"
        if node.kind in MULTIPLIED:
            group, j = self.plan.where[node.index]
            if node.kind == "back":
                return f"load<V>(r.result[{group}] + w * L)"
            return f"load<V>(r.result[{group}] + place<V, GROUP_SIZE[{group}]>({j}, w))"
        return f"load<V>(r.{POINTERS[node.kind]}[{self.places[node.kind][str(node.label)]}] + w * L)"

    def _aside(self, index: int) -> str:
        if index in self.kept:
            return f"r.keep + (w * KEEP + {self.kept[index]}) * L"
        if index in self.plan.near:
            return f"r.near + {self.plan.near[index]} * r.width + w * L"
        return f"r.far + {self.plan.far[index]} * r.width + w * L"

    def _stored(self, name: str, index: int) -> list[str]:
        kind, _, label = name.partition(".")
        value = self._name(index)
        if kind == "keep":
            return [f"store(r.keep + (w * KEEP + {label}) * L, {value});"]
        if kind == "row":
            return [f"r.keep_row[{label}] = {value}[0];"]
        if kind == "operand":
            return [f"store(r.operand[{label}] + w * L, r.inside(w, {value}));"]
        if kind == "dq":
            group, _, j = label.partition(".")
            return [f"store(r.dq[{group}] + place<V, GROUP_SIZE[{group}]>({j}, w), r.inside(w, {value}));"]
        if kind == "dx" and label in self.places["input"]:
            return [f"store(r.dx + place<V, G>({self.places['input'][label]}, w), r.inside(w, {value}));"]
        if kind == "ds" and label in self.places["state"]:
            return [f"store(r.gradient[{self.places['state'][label]}] + w * L, r.inside(w, {value}));"]
        if kind == "dp" and label in self.places["parameter"]:
            to = f"r.dparameter[{self.places['parameter'][label]}] + w * L"
            return [f"store({to}, load<V>({to}) + r.inside(w, {value}));"]
        return [f"store(r.out[{self.places['state'][name]}] + w * L, {value});"]
