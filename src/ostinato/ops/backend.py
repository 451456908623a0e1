"""Chooses the engine of a call, can be told which, and explains the choice and every refusal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from torch import Tensor

from ostinato.errors import EngineError, OptionError, nearest
from ostinato.ops import cpu, library, reference
from ostinato.ops.call import Call
from ostinato.state import State


@dataclass(frozen=True)
class Engine:
    """One way to run a cell through time: it says what it refuses, and runs the rest."""

    name: str
    refusal: Callable[[Call], str | None]
    run: Callable[[Call], tuple[Tensor, State]]


@dataclass(frozen=True)
class Choice:
    """Which engine runs a call, and why the ones before it do not.

    >>> print(Choice("reference", {"torch": "torch has no fused layer for the cell 'mine'"}))
    reference (not torch: torch has no fused layer for the cell 'mine')
    """

    engine: str
    refusals: Mapping[str, str]

    def __str__(self) -> str:
        why = "; ".join(f"not {name}: {reason}" for name, reason in self.refusals.items())
        return f"{self.engine} ({why})" if why else self.engine


# In the order of preference; a new engine is one file and one line here.
ENGINES: tuple[Engine, ...] = tuple(Engine(e.NAME, e.refusal, e.run) for e in (cpu, library, reference))

_wish: ContextVar[str | None] = ContextVar("engine", default=None)


@contextmanager
def use_engine(name: str) -> Iterator[None]:
    """Run everything inside the block by one engine; what it cannot serve raises.

    >>> with use_engine("reference"):
    ...     wished_engine()
    'reference'
    """
    named_engine(name)
    token = _wish.set(name)
    try:
        yield
    finally:
        _wish.reset(token)


def wished_engine() -> str | None:
    """The engine asked for by :func:`use_engine` or the environment variable ``OSTINATO_ENGINE``, if any."""
    return _wish.get() or os.environ.get("OSTINATO_ENGINE") or None


def choose(call: Call, engine: str | None = None) -> Choice:
    """The engine for a call: the one that was asked for, or the first that does not refuse.

    Raises :class:`~ostinato.errors.EngineError` with the reason when the one asked for refuses.
    """
    asked = engine or wished_engine()
    if asked is not None:
        reason = named_engine(asked).refusal(call)
        if reason is not None:
            raise EngineError(f"the engine '{asked}' was asked for but cannot serve this call: {reason}")
        return Choice(asked, {})
    refusals: dict[str, str] = {}
    for candidate in ENGINES:
        reason = candidate.refusal(call)
        if reason is None:
            return Choice(candidate.name, refusals)
        refusals[candidate.name] = reason
    raise EngineError(f"no engine can serve this call: {refusals}")


def named_engine(name: str) -> Engine:
    """The engine of a name; an unknown one names the nearest."""
    for engine in ENGINES:
        if engine.name == name:
            return engine
    raise OptionError(f"unknown engine '{name}'; {nearest(name, [e.name for e in ENGINES])}")
