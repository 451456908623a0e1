"""What a recurrent network remembers between steps, and maps over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ostinato.errors import ShapeError


class State:
    """The named parts that a cell remembers; it cannot be changed, only replaced.

    >>> s = State(h=1.0, c=2.0)
    >>> s.c
    2.0
    >>> map_state(lambda part: part * 10, s)
    State(h=10.0, c=20.0)

    The parts are of any one kind: tensors or arrays [B, H], numbers, or symbols.
    """

    __slots__ = ("_parts",)

    def __init__(self, **parts: Any) -> None:
        if not parts:
            raise ShapeError("a State wanted at least one named part, got none; write State(h=...)")
        object.__setattr__(self, "_parts", parts)

    def __getattr__(self, name: str) -> Any:
        # Copying and unpickling ask before there are parts.
        if name == "_parts":
            raise AttributeError(name)
        if name in self._parts:
            return self._parts[name]
        raise AttributeError(f"this state has the parts {', '.join(self._parts)}, not '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a State cannot be changed; make a new one")

    def __getitem__(self, name: str) -> Any:
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def keys(self) -> tuple[str, ...]:
        """The names of the parts, in the order of the cell's declaration."""
        return tuple(self._parts)

    def items(self) -> tuple[tuple[str, Any], ...]:
        """Pairs of name and part, in the order of the cell's declaration."""
        return tuple(self._parts.items())

    def __repr__(self) -> str:
        return f"State({', '.join(f'{name}={part!r}' for name, part in self._parts.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (dict(self._parts),))


def _rebuild(parts: dict[str, Any]) -> State:
    return State(**parts)


def map_state(fn: Callable[..., Any], state: Any, *others: Any) -> Any:
    """Apply a function to each part of a state, however states are nested in tuples.

    >>> map_state(lambda a, b: a + b, (State(h=1), State(h=2)), (State(h=10), State(h=20)))
    (State(h=11), State(h=22))

    ``None`` stays ``None``. States that are mapped together need the same parts.
    """
    if state is None:
        return None
    if isinstance(state, State):
        for other in others:
            if not isinstance(other, State) or other.keys() != state.keys():
                raise ShapeError(f"states to be joined need the same parts; got {state!r} and {other!r}")
        return State(**{name: fn(part, *(o[name] for o in others)) for name, part in state.items()})
    if isinstance(state, tuple | list):
        if any(len(o) != len(state) for o in others):
            raise ShapeError(
                f"states to be joined need the same length; got {len(state)} and {[len(o) for o in others]}"
            )
        return tuple(map_state(fn, *parts) for parts in zip(state, *others, strict=True))
    return fn(state, *others)


def flatten_state(state: Any, prefix: str = "") -> dict[str, Any]:
    """A nested state as flat names and parts, for files.

    >>> flatten_state((State(h=1, c=2), State(h=3)))
    {'0.h': 1, '0.c': 2, '1.h': 3}
    """
    if state is None:
        return {}
    if isinstance(state, State):
        return {f"{prefix}{name}": part for name, part in state.items()}
    if isinstance(state, tuple | list):
        flat: dict[str, Any] = {}
        for index, member in enumerate(state):
            flat.update(flatten_state(member, f"{prefix}{index}."))
        return flat
    raise ShapeError(f"a state is a State or a tuple of them, got {type(state).__name__}")


def unflatten_state(flat: dict[str, Any]) -> Any:
    """The inverse of :func:`flatten_state`.

    >>> unflatten_state({'0.h': 1, '0.c': 2, '1.h': 3})
    (State(h=1, c=2), State(h=3))
    """
    if not flat:
        return None
    if all("." not in name for name in flat):
        return State(**flat)
    members: dict[int, dict[str, Any]] = {}
    for name, part in flat.items():
        head, _, rest = name.partition(".")
        members.setdefault(int(head), {})[rest] = part
    return tuple(unflatten_state(members[index]) for index in sorted(members))
