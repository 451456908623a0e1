"""The declaration of a recurrent cell: its names as data, its mathematics as one pure function."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from operator import attrgetter
from typing import Any

from ostinato.cells.initial import Constant, Initial, Orthogonal, Uniform, Xavier
from ostinato.errors import OptionError, nearest
from ostinato.state import State

RECURRENT = ("dense", "diagonal", "none")


class Gates:
    """One value for each gate of a cell, read as attributes.

    >>> Gates(i=1.0, f=2.0).f
    2.0
    """

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"no '{name}' is declared here; {nearest(name, self.__dict__)}")

    def __repr__(self) -> str:
        return f"Gates({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


@dataclass(frozen=True, eq=False)
class Cell:
    """A recurrent cell: one step of a network, written once.

    Made by :func:`cell`. Calling it computes one step with whatever it is given: numbers, tensors, symbols.

    >>> from ostinato.cells import lstm
    >>> lstm.gates, lstm.state
    (('i', 'f', 'g', 'o'), ('h', 'c'))
    >>> zero = Gates(i=0.0, f=0.0, g=0.0, o=0.0)
    >>> lstm(zero, zero, State(h=0.0, c=1.0)).c
    0.5
    """

    name: str
    state: tuple[str, ...]
    gates: tuple[str, ...]
    function: Callable[..., State]
    output: str
    recurrent: str = "dense"
    recurrent_bias: bool = False
    constants: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, Initial] = field(default_factory=dict)
    matrices: Mapping[str, Initial] = field(default_factory=dict)
    initial: Mapping[str, Initial] = field(default_factory=dict)
    chrono: Mapping[str, int] = field(default_factory=dict)
    arguments: tuple[str, ...] = ("x", "u", "s")

    def __call__(self, x: Gates, u: Gates | None, s: State, p: Gates | None = None) -> State:
        """One step: the input's share of each gate, the state's share, the previous state, the declared names.

        Raises :class:`~ostinato.errors.OptionError` when the function forgets a part of the state or invents one.
        """
        given = {"x": x, "u": u, "s": s, "p": p}
        new = self.function(*(given[name] for name in self.arguments))
        if not isinstance(new, State) or set(new) != set(self.state):
            came = ", ".join(new) if isinstance(new, State) else type(new).__name__
            raise OptionError(f"cell '{self.name}' wanted State({', '.join(self.state)}) back, got {came}")
        return State(**{part: new[part] for part in self.state})

    def __repr__(self) -> str:
        return f"<cell {self.name}: state {' '.join(self.state)}, gates {' '.join(self.gates)}>"

    def __copy__(self) -> Cell:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Cell:
        return self

    def __reduce__(self) -> Any:
        # A cell that was made from data is made from them again.
        made_again = getattr(self.function, "made_again", None)
        return made_again or (_imported, (self.function.__module__, self.function.__qualname__))

    def shapes(self, inputs: int, hidden: int) -> dict[str, tuple[int, ...]]:
        """The weights of one layer and direction: name to shape, in the order of files.

        >>> from ostinato.cells import gru
        >>> gru.shapes(12, 32)
        {'W': (96, 12), 'b': (96,), 'R': (96, 32), 'br': (96,)}

        W [G H, D] and b [G H] act on the input, R on the state ([G H, H] dense, [G H] diagonal), br [G H] is the
        recurrent bias; named parameters are [H], named matrices [H, H]. Gates lie in the order of ``gates``.
        """
        rows = len(self.gates) * hidden
        shapes: dict[str, tuple[int, ...]] = {"W": (rows, inputs), "b": (rows,)}
        if self.recurrent != "none":
            shapes["R"] = (rows, hidden) if self.recurrent == "dense" else (rows,)
            if self.recurrent_bias:
                shapes["br"] = (rows,)
        shapes.update(dict.fromkeys(self.parameters, (hidden,)))
        shapes.update(dict.fromkeys(self.matrices, (hidden, hidden)))
        return shapes

    def initial_of(self, weight: str, hidden: int) -> Initial:
        """The rule that fills a weight, or one gate's part of it (``"b.f"``), before training."""
        if weight in self.initial:
            return self.initial[weight]
        name = weight.partition(".")[0]
        if name in self.initial:
            return self.initial[name]
        declared = {**self.parameters, **self.matrices}
        if name in declared:
            return declared[name]
        edge = 1 / math.sqrt(hidden)
        recurrent = Orthogonal() if self.recurrent == "dense" else Uniform(-edge, edge)
        return {"W": Xavier(), "R": recurrent}.get(name, Constant(0.0))


def _imported(module: str, name: str) -> Any:
    """Where a pickled cell is found again: the module that declares it."""
    return attrgetter(name)(import_module(module))


def cell(
    *,
    state: str,
    gates: str,
    output: str | None = None,
    recurrent: str = "dense",
    recurrent_bias: bool = False,
    constants: Mapping[str, float] | None = None,
    parameters: Mapping[str, Initial] | None = None,
    matrices: Mapping[str, Initial] | None = None,
    initial: Mapping[str, Initial] | None = None,
    chrono: Mapping[str, int] | None = None,
) -> Callable[[Callable[..., State]], Cell]:
    """Turn a function of a few lines into a cell that every floor can use.

    >>> from ostinato.cells import sigmoid, tanh
    >>> @cell(state="h", gates="z n")
    ... def minimal(x, u, s):
    ...     z = sigmoid(x.z + u.z)
    ...     return State(h=(1 - z) * s.h + z * tanh(x.n + u.n))
    >>> minimal
    <cell minimal: state h, gates z n>

    The function takes any of ``x`` (the input's share of each gate, W x + b), ``u`` (the state's share, R h + br),
    ``s`` (the previous state) and ``p`` (declared constants, per-unit parameters [H] and matrices [H, H]), by these
    names. ``output`` is the part that is shown and that R multiplies; the first one unless said. ``initial`` maps a
    weight or one gate of it (``"b.f"``) to a rule; ``chrono`` maps a gate to +1 (keeps) or -1 (lets in) for
    initialisation from a time scale. Names that are declared wrongly raise
    :class:`~ostinato.errors.OptionError`.
    """
    parts, names = tuple(state.split()), tuple(gates.split())
    declared = {**(constants or {}), **(parameters or {}), **(matrices or {})}

    def declare(function: Callable[..., State]) -> Cell:
        title = function.__name__
        arguments = tuple(inspect.signature(function).parameters)
        _check(title, parts, names, declared, arguments, output, recurrent)
        _check_initial(title, names, initial or {}, chrono or {})
        made = Cell(
            name=title,
            state=parts,
            gates=names,
            function=function,
            output=output or parts[0],
            recurrent=recurrent,
            recurrent_bias=recurrent_bias,
            constants=dict(constants or {}),
            parameters=dict(parameters or {}),
            matrices=dict(matrices or {}),
            initial=dict(initial or {}),
            chrono=dict(chrono or {}),
            arguments=arguments,
        )
        object.__setattr__(made, "__doc__", function.__doc__)
        return made

    return declare


def _check(
    title: str,
    parts: tuple[str, ...],
    gates: tuple[str, ...],
    declared: Mapping[str, Any],
    arguments: tuple[str, ...],
    output: str | None,
    recurrent: str,
) -> None:
    for what, words in (("state", parts), ("gates", gates)):
        if not words or len(set(words)) != len(words) or not all(w.isidentifier() for w in words):
            raise OptionError(f"cell '{title}': {what} wanted different names like \"h c\", got {' '.join(words)!r}")
    reserved = {"W", "R", "b", "br"} & set(declared)
    if reserved:
        raise OptionError(f"cell '{title}': the names W, R, b and br are taken, choose others for {sorted(reserved)}")
    if output is not None and output not in parts:
        raise OptionError(
            f"cell '{title}': output wanted a part of the state, got '{output}'; {nearest(output, parts)}"
        )
    if recurrent not in RECURRENT:
        raise OptionError(f"cell '{title}': recurrent got '{recurrent}'; {nearest(recurrent, RECURRENT)}")
    wrong = [a for a in arguments if a not in ("x", "u", "s", "p")]
    if wrong:
        raise OptionError(f"cell '{title}': the function takes x, u, s and p by these names, got '{wrong[0]}'")
    if recurrent == "none" and "u" in arguments:
        raise OptionError(f"cell '{title}': with recurrent=\"none\" there is no u; leave it out of the function")
    if recurrent != "none" and "u" not in arguments:
        raise OptionError(f"cell '{title}': the function ignores u; declare recurrent=\"none\" if that is meant")
    if declared and "p" not in arguments:
        raise OptionError(f"cell '{title}': {', '.join(declared)} declared, but the function does not take p")


def _check_initial(
    title: str, gates: tuple[str, ...], initial: Mapping[str, Initial], chrono: Mapping[str, int]
) -> None:
    for weight in initial:
        name, _, gate = weight.partition(".")
        if name not in ("W", "R", "b", "br") or (gate and gate not in gates):
            raise OptionError(
                f"cell '{title}': initial got '{weight}'; "
                f"wanted W, R, b or br, alone or with a gate like 'b.{gates[0]}'"
            )
    for gate in chrono:
        if gate not in gates:
            raise OptionError(f"cell '{title}': chrono got the gate '{gate}'; {nearest(gate, gates)}")
