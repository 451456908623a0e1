"""The equations of a cell for readers, as LaTeX and as plain text: derived, so that they say what is computed.

Gates keep their names. A gate names the first value that is made of it alone and either squashes it or is used more
than once; the parts of the new state name themselves; any other value that is used more than once gets a free letter.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence

from ostinato.cells import Cell, find
from ostinato.cells.operations import UNARY
from ostinato.lowering.graph import Graph, Node
from ostinato.lowering.notation import LATEX, ONE, PRODUCT, SUM, TEXT, Notation, Written
from ostinato.lowering.trace import trace

FREE_LETTERS = "vwyqkmel"
SQUASHING = tuple(kind for kind in UNARY if kind != "softplus")
# A value of more operations than this gets a name, so that lines stay readable.
LONGEST = 40


def latex(cell: str | Cell) -> str:
    r"""The cell's equations, aligned for LaTeX; ``\odot`` multiplies unit by unit.

    >>> print(latex("lstm"))
    \begin{aligned}
    i_t &= \sigma(W_i x_t + b_i + R_i h_{t-1}) \\
    f_t &= \sigma(W_f x_t + b_f + R_f h_{t-1}) \\
    o_t &= \sigma(W_o x_t + b_o + R_o h_{t-1}) \\
    g_t &= \tanh(W_g x_t + b_g + R_g h_{t-1}) \\
    c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
    h_t &= o_t \odot \tanh(c_t)
    \end{aligned}
    """
    lines = [f"{name} &= {value}" for name, value in _equations(find(cell), LATEX)]
    return "\n".join([r"\begin{aligned}", " \\\\\n".join(lines), r"\end{aligned}"])


def text(cell: str | Cell) -> str:
    """The cell's equations as plain text, one a line.

    >>> print(text("gru"))
    r = σ(W_r x + b_r + R_r h₋₁ + b'_r)
    z = σ(W_z x + b_z + R_z h₋₁ + b'_z)
    n = tanh(W_n x + b_n + r ⊙ (R_n h₋₁ + b'_n))
    h = (1 - z) ⊙ n + z ⊙ h₋₁

    h₋₁ is the state before the step, and ⊙ multiplies unit by unit.
    """
    equations = _equations(find(cell), TEXT)
    width = max(_width(name) for name, _ in equations)
    return "\n".join(f"{name}{' ' * (width - _width(name))} = {value}" for name, value in equations)


def _width(word: str) -> int:
    """How many columns a word takes: a tilde stands above its letter."""
    return sum(not unicodedata.combining(letter) for letter in word)


def _equations(cell: Cell, notation: Notation) -> list[tuple[str, str]]:
    """Names and values, each after those it is made of."""
    graph = trace(cell)
    names = _named(graph, cell, notation)
    formula = _Formula(cell, graph, notation, names)
    equations = [(name, formula.values[index][0]) for index, name in sorted(names.items())]
    for part in cell.state:
        # Two parts may be one value, and a part may be a leaf.
        symbol = notation.now(notation.name(part))
        if names.get(graph.outputs[part]) != symbol:
            equations.append((symbol, formula.words[graph.outputs[part]][0]))
    return equations


def _named(graph: Graph, cell: Cell, notation: Notation) -> dict[int, str]:
    """What each value that gets a line of its own is called."""
    uses = [0] * len(graph.nodes)
    for node in graph.nodes:
        for index in node.arguments:
            uses[index] += 1
    words: dict[int, str] = {}
    for part, index in graph.outputs.items():
        if graph.nodes[index].arguments:
            words.setdefault(index, notation.name(part))
    letters = [letter for letter in FREE_LETTERS if letter not in {*cell.gates, *cell.state, *cell.parameters, *"xb"}]
    letters += [f"v_{number}" for number in range(len(graph.nodes))]
    taken: set[str] = set()
    gates: list[set[str]] = []
    sizes: list[int] = []
    # What is made of parameters alone is the same at all times.
    moving: list[bool] = []
    for node in graph.nodes:
        still = node.kind in ("parameter", "constant", "matrix")
        moving.append(any(moving[index] for index in node.arguments) if node.arguments else not still)
        if node.kind == "input" and uses[node.index] > 1 and cell.recurrent == "none":
            # What the gate is made of stands in several places: the gate is this.
            words[node.index] = notation.name(str(node.label))
            taken.add(str(node.label))
        made_of = {str(node.label)} if node.kind in ("input", "recurrent") else set()
        made_of |= {gate for index in node.arguments for gate in gates[index]}
        size = (1 if node.arguments or made_of else 0) + sum(sizes[index] for index in node.arguments)
        shared = (uses[node.index] > 1 and size > 1 and node.kind != "less") or size > LONGEST
        if node.index not in words and node.arguments:
            if len(made_of - taken) == len(made_of) == 1 and (shared or node.kind in SQUASHING):
                (gate,) = made_of
                taken.add(gate)
                symbol = notation.name(gate)
                words[node.index] = notation.tilde(symbol) if gate in cell.state else symbol
            elif shared:
                words[node.index] = notation.name(letters.pop(0))
        known = node.index in words
        gates.append(set() if known else made_of)
        sizes.append(0 if known else size)
    return {index: notation.now(word) if moving[index] else word for index, word in words.items()}


class _Formula:
    """Writes the values of a graph in one notation, stopping at what has a name."""

    def __init__(self, cell: Cell, graph: Graph, notation: Notation, names: Mapping[int, str]) -> None:
        self.cell, self.graph, self.notation, self.names = cell, graph, notation, names
        # What each value is made of, and how it stands where it is used: by its name if it has one.
        self.values: list[Written] = []
        self.words: list[Written] = []
        # Whether a value is the same for all units.
        self.numbers: list[bool] = []
        for node in graph.nodes:
            self.values.append(self._value(node))
            self.words.append((names[node.index], ONE) if node.index in names else self.values[-1])
            inner = [self.numbers[index] for index in node.arguments]
            self.numbers.append(all(inner) if inner else node.kind == "constant")

    def _value(self, node: Node) -> Written:
        if not node.arguments:
            return self._leaf(node)
        given = [self.words[index] for index in node.arguments]
        if node.kind in _RULES:
            return _RULES[node.kind](self, node, given)
        function = self.notation.functions[node.kind]
        return function + self.notation.enclosed(", ".join(word for word, _ in given)), ONE

    def held(self, written: Written, least: int) -> str:
        """An expression in brackets, unless it holds together tightly enough."""
        return written[0] if written[1] >= least else self.notation.enclosed(written[0])

    def _leaf(self, node: Node) -> Written:
        notation, name = self.notation, str(node.label)
        if node.kind == "constant":
            number = f"{node.label:g}" if float(f"{node.label:g}") == node.label else repr(node.label)
            return notation.number(number), SUM if number.startswith("-") else ONE
        if node.kind == "input":
            x = notation.now("x")
            return f"{self._below('W', name)} {x} + {self._below('b', name)}", SUM
        if node.kind == "recurrent":
            shown = notation.before(notation.name(self.cell.output))
            pattern = notation.times if self.cell.recurrent == "diagonal" else "{} {}"
            share = pattern.format(self._below("R", name), shown)
            bias = [self._below("b'", name)] if self.cell.recurrent_bias else []
            return " + ".join([share, *bias]), SUM if bias else PRODUCT
        if node.kind == "state":
            return notation.before(notation.name(name)), ONE
        # A parameter of a gate is often called by a letter and the gate.
        if len(name) > 1 and name[1:] in self.cell.gates:
            return self._below(name[0], name[1:]), ONE
        return notation.name(name), ONE

    def _below(self, symbol: str, gate: str) -> str:
        """A weight's symbol with its gate; the gate is left out where there is only one."""
        if len(self.cell.gates) == 1 and symbol in ("W", "b", "R", "b'"):
            return symbol
        return self.notation.below(symbol, self.notation.name(gate))


def _add(formula: _Formula, node: Node, given: Sequence[Written]) -> Written:
    right = formula.graph.nodes[node.arguments[1]]
    if right.kind == "negate" and right.index not in formula.names:
        return f"{given[0][0]} - {formula.held(formula.words[right.arguments[0]], PRODUCT)}", SUM
    return f"{given[0][0]} + {formula.held(given[1], ONE if given[1][0].startswith('-') else SUM)}", SUM


def _subtract(formula: _Formula, node: Node, given: Sequence[Written]) -> Written:
    return f"{given[0][0]} - {formula.held(given[1], PRODUCT)}", SUM


def _multiply(formula: _Formula, node: Node, given: Sequence[Written]) -> Written:
    left, right = node.arguments
    if left == right:
        return formula.notation.squared.format(formula.held(given[0], ONE)), ONE
    numbers = [formula.numbers[index] for index in node.arguments]
    order = (1, 0) if numbers[1] and not numbers[0] else (0, 1)
    pattern = formula.notation.beside if any(numbers) and not all(numbers) else formula.notation.times
    return pattern.format(*(formula.held(given[place], PRODUCT) for place in order)), PRODUCT


def _divide(formula: _Formula, node: Node, given: Sequence[Written]) -> Written:
    return formula.notation.quotient(given[0], given[1])


def _negate(formula: _Formula, node: Node, given: Sequence[Written]) -> Written:
    softplus = formula.graph.nodes[node.arguments[0]]
    if softplus.kind == "softplus" and softplus.index not in formula.names:
        inner = formula.graph.nodes[softplus.arguments[0]]
        if inner.kind == "negate" and inner.index not in formula.names:
            # -softplus(-v) is how a cell writes the logarithm of a gate without overflow.
            value, notation = formula.words[inner.arguments[0]][0], formula.notation
            gate = notation.functions["sigmoid"] + notation.enclosed(value)
            return notation.functions["log"] + notation.enclosed(gate), ONE
    return f"-{formula.held(given[0], PRODUCT)}", SUM


def _less(formula: _Formula, node: Node, given: Sequence[Written]) -> Written:
    return f"{given[0][0]} < {given[1][0]}", SUM


def _select(formula: _Formula, node: Node, given: Sequence[Written]) -> Written:
    mask, yes, no = (word for word, _ in given)
    return formula.notation.choice(mask, yes, no)


def _product(formula: _Formula, node: Node, given: Sequence[Written]) -> Written:
    return f"{given[1][0]} {formula.held(given[0], ONE)}", PRODUCT


def _sqrt(formula: _Formula, node: Node, given: Sequence[Written]) -> Written:
    return formula.notation.root(given[0][0])


def _absolute(formula: _Formula, node: Node, given: Sequence[Written]) -> Written:
    return formula.notation.magnitude(given[0][0])


_RULES: dict[str, Callable[[_Formula, Node, Sequence[Written]], Written]] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "negate": _negate,
    "less": _less,
    "select": _select,
    "product": _product,
    "sqrt": _sqrt,
    "absolute": _absolute,
}
