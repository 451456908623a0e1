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
from ostinato.cells.noise import Mask
from ostinato.errors import OptionError, nearest
from ostinato.state import State

RECURRENT = ("dense", "diagonal", "none")
ARGUMENTS = ("x", "u", "s", "p", "e")


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
    sees: tuple[str, ...] = ()
    heads: int = 1
    projected: str | None = None
    inputs: tuple[str, ...] = ()
    noise: Mapping[str, Mask] = field(default_factory=dict)
    seen_through: str | None = None
    candidate: str | None = None
    per_child: tuple[str, ...] = ()
    trained: bool = True

    def __call__(self, x: Gates, u: Gates | None, s: State, p: Gates | None = None, e: Gates | None = None) -> State:
        """One step: the input's share of each gate, the state's share, the previous state, the declared names, and
        what else comes in at this step.

        Raises :class:`~ostinato.errors.OptionError` when the function forgets a part of the state or invents one.
        """
        given = {"x": x, "u": u, "s": s, "p": p, "e": e}
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

    def shapes(self, inputs: int, hidden: int, shown: int | None = None) -> dict[str, tuple[int, ...]]:
        """The weights of one layer and direction: name to shape, in the order of files.

        >>> from ostinato.cells import gru
        >>> gru.shapes(12, 32)
        {'W': (96, 12), 'b': (96,), 'R': (96, 32), 'br': (96,)}

        W [G H, D] and b [G H] act on the input, R on the shown part of the state ([N H, P] dense, [N H, H / heads] in
        blocks, [N H] diagonal; N of the G gates see it), br [N H] is the recurrent bias; named parameters are [H],
        named matrices [H, H], the projection [P, H]. Gates lie in the order of ``gates``. ``shown`` is P, the width of
        the shown part, where the cell projects it; half of H unless said.
        """
        rows, seeing = len(self.gates) * hidden, len(self.sees) * hidden
        width = self.widths(hidden, shown)[self.output]
        shapes: dict[str, tuple[int, ...]] = {"W": (rows, inputs), "b": (rows,)}
        if self.recurrent != "none":
            shapes["R"] = (seeing,) if self.recurrent == "diagonal" else (seeing, width // self.heads)
            if self.recurrent_bias:
                shapes["br"] = (seeing,)
        shapes.update(dict.fromkeys(self.parameters, (hidden,)))
        shapes.update({name: (width if name == self.projected else hidden, hidden) for name in self.matrices})
        return shapes

    def widths(self, hidden: int, shown: int | None = None) -> dict[str, int]:
        """The width of each part of the state: H, but for a shown part that is projected.

        >>> from ostinato.cells import lstm
        >>> lstm.widths(32)
        {'h': 32, 'c': 32}

        Raises :class:`~ostinato.errors.OptionError` for a width that the cell cannot have.
        """
        if hidden % self.heads:
            raise OptionError(
                f"hidden of {self.name} wanted a multiple of its {self.heads} heads, got {hidden}; "
                f"the next one is {hidden + -hidden % self.heads}"
            )
        if shown is not None and self.projected is None and shown != hidden:
            raise OptionError(f"{self.name} shows what it remembers, {hidden} wide; it has no projection to {shown}")
        widths = dict.fromkeys(self.state, hidden)
        if self.projected is not None:
            widths[self.output] = max(1, hidden // 2) if shown is None else shown
        return widths

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
    sees: str | None = None,
    heads: int = 1,
    projected: str | None = None,
    inputs: str = "",
    noise: Mapping[str, Mask] | None = None,
    candidate: str | None = None,
    per_child: str = "",
    trained: bool = True,
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
    ``s`` (the previous state), ``p`` (declared constants, per-unit parameters [H] and matrices [H, H]) and ``e`` (what
    else comes in at each step: ``inputs`` and ``noise``), by these names.

    ``output`` is the part that is shown and that R multiplies; the first one unless said. ``sees`` lists the gates that
    R makes something for, all unless said: ``u`` has these only. ``heads`` cuts R into so many blocks on a diagonal.
    ``projected`` names the matrix [P, H] whose product is the new shown part. ``inputs`` are names that are given at
    every step besides x, such as a time gap; ``noise`` maps names to :class:`~ostinato.cells.Mask`. ``initial`` maps a
    weight or one gate of it (``"b.f"``) to a rule; ``chrono`` maps a gate to +1 (keeps) or -1 (lets in) for
    initialisation from a time scale. ``candidate`` is the gate that makes new content. ``per_child`` lists what a tree
    has once for each child: a gate (``"f"``) or only the state's share of one (``"u.n"``). With ``trained=False`` the
    weights are drawn once and stay: layers ask for no gradients of them.

    Names that are declared wrongly raise :class:`~ostinato.errors.OptionError`.
    """
    parts, names = tuple(state.split()), tuple(gates.split())
    declared = {**(constants or {}), **(parameters or {}), **(matrices or {})}

    def declare(function: Callable[..., State]) -> Cell:
        arguments = tuple(inspect.signature(function).parameters)
        seeing = names if sees is None else tuple(sees.split())
        made = Cell(
            name=function.__name__,
            state=parts,
            gates=names,
            function=function,
            output=parts[0] if output is None and parts else output or "",
            recurrent=recurrent,
            recurrent_bias=recurrent_bias,
            constants=dict(constants or {}),
            parameters=dict(parameters or {}),
            matrices=dict(matrices or {}),
            initial=dict(initial or {}),
            chrono=dict(chrono or {}),
            arguments=arguments,
            sees=seeing if recurrent != "none" else (),
            heads=heads,
            projected=projected,
            inputs=tuple(inputs.split()),
            noise=dict(noise or {}),
            candidate=candidate,
            per_child=tuple(per_child.split()),
            trained=trained,
        )
        _check(made, declared)
        _check_extras(made, sees)
        _check_initial(made)
        object.__setattr__(made, "__doc__", function.__doc__)
        return made

    return declare


def _check(made: Cell, declared: Mapping[str, Any]) -> None:
    title, arguments, recurrent = made.name, made.arguments, made.recurrent
    for what, words in (("state", made.state), ("gates", made.gates)):
        if not words or len(set(words)) != len(words) or not all(w.isidentifier() for w in words):
            raise OptionError(f"cell '{title}': {what} wanted different names like \"h c\", got {' '.join(words)!r}")
    reserved = {"W", "R", "b", "br"} & set(declared)
    if reserved:
        raise OptionError(f"cell '{title}': the names W, R, b and br are taken, choose others for {sorted(reserved)}")
    if made.output not in made.state:
        raise OptionError(
            f"cell '{title}': output wanted a part of the state, got '{made.output}'; "
            f"{nearest(made.output, made.state)}"
        )
    if recurrent not in RECURRENT:
        raise OptionError(f"cell '{title}': recurrent got '{recurrent}'; {nearest(recurrent, RECURRENT)}")
    wrong = [a for a in arguments if a not in ARGUMENTS]
    if wrong:
        raise OptionError(f"cell '{title}': the function takes x, u, s, p and e by these names, got '{wrong[0]}'")
    if recurrent == "none" and "u" in arguments:
        raise OptionError(f"cell '{title}': with recurrent=\"none\" there is no u; leave it out of the function")
    if recurrent != "none" and "u" not in arguments:
        raise OptionError(f"cell '{title}': the function ignores u; declare recurrent=\"none\" if that is meant")
    if declared and "p" not in arguments:
        raise OptionError(f"cell '{title}': {', '.join(declared)} declared, but the function does not take p")


def _check_extras(made: Cell, sees: str | None) -> None:
    """What a cell declares beyond its gates and its state."""
    title = made.name
    if sees is not None and made.recurrent == "none":
        raise OptionError(f"cell '{title}': with recurrent=\"none\" no gate sees the state; leave out sees")
    seeing = [gate for gate in made.gates if gate in made.sees]
    if made.recurrent != "none" and (not seeing or tuple(seeing) != made.sees):
        raise OptionError(
            f"cell '{title}': sees wanted some of the gates {' '.join(made.gates)} in their order, "
            f"got {' '.join(made.sees)!r}"
        )
    if isinstance(made.heads, bool) or not isinstance(made.heads, int) or made.heads < 1:
        raise OptionError(f"cell '{title}': heads wanted a whole number of at least 1, got {made.heads!r}")
    if made.heads > 1 and (made.recurrent != "dense" or made.projected):
        raise OptionError(f"cell '{title}': heads cut R into blocks; that wants recurrent=\"dense\" and no projection")
    if made.projected is not None and (made.projected not in made.matrices or made.recurrent == "diagonal"):
        raise OptionError(
            f"cell '{title}': projected wanted a named matrix of a cell that is not diagonal, got '{made.projected}'; "
            f"{nearest(made.projected, made.matrices)}"
        )
    if not isinstance(made.trained, bool):
        raise OptionError(f"cell '{title}': trained wanted True or False, got {made.trained!r}")
    extras = (*made.inputs, *made.noise)
    if len(set(extras)) != len(extras) or not all(name.isidentifier() for name in extras):
        raise OptionError(f"cell '{title}': inputs and noise wanted different names, got {' '.join(extras)!r}")
    if bool(extras) != ("e" in made.arguments):
        raise OptionError(
            f"cell '{title}': the function takes e exactly where inputs or noise are declared, got "
            f"{', '.join(made.arguments)} and {' '.join(extras) or 'neither'}"
        )
    if made.candidate is not None and made.candidate not in made.gates:
        raise OptionError(
            f"cell '{title}': candidate got the gate '{made.candidate}'; {nearest(made.candidate, made.gates)}"
        )
    for word in made.per_child:
        gate = word.removeprefix("u.")
        if gate not in made.gates or (word != gate and gate not in made.sees):
            raise OptionError(
                f"cell '{title}': per_child wanted gates, or 'u.' and a gate that sees the state, got '{word}'"
            )


def _check_initial(made: Cell) -> None:
    for weight in made.initial:
        name, _, gate = weight.partition(".")
        known = made.sees if name in ("R", "br") else made.gates
        if name not in ("W", "R", "b", "br") or (gate and gate not in known):
            raise OptionError(
                f"cell '{made.name}': initial got '{weight}'; "
                f"wanted W, R, b or br, alone or with a gate like 'b.{made.gates[0]}'"
            )
    for gate in made.chrono:
        if gate not in made.gates:
            raise OptionError(f"cell '{made.name}': chrono got the gate '{gate}'; {nearest(gate, made.gates)}")
