"""Kernels by cell and type: the core's own, or compiled on first use; what failed is remembered with its reason."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeAlias

from ostinato.cells import BUILT_IN, Cell, find
from ostinato.compiling.building import Built, build, load_kept
from ostinato.compiling.compiler import SECONDS, SECONDS_AHEAD, find_compiler
from ostinato.compiling.source import Plugin, checked_dtype, write_plugin
from ostinato.compiling.telling import tell_once
from ostinato.core import load_core
from ostinato.errors import CompileError, OptionError, OstinatoError
from ostinato.lowering import Lowered, lowered
from ostinato.lowering.rebuild import origin_of


@dataclass(frozen=True)
class Kernel:
    """The machine code of one cell for this machine's CPU target and one type of numbers.

    ``address`` is what the core is called with (an ``ostinato_kernel``), ``keep`` how many values it keeps for each
    unit and step for the way back. ``gates``, ``parts`` and ``parameters`` are the declared names in the order of the
    arrays; ``digest`` names the arithmetic. ``path`` is the library that was loaded, None for a built-in cell and for
    one that is not kept; ``seconds`` is how long compiling took, 0 where it had been done before. ``source`` is
    the cell. ``staged`` says whether the step has stages, ``apart`` for how many gates R and br are handed over gate by
    gate, 0 where they are one piece.
    """

    address: int
    cell: str
    dtype: str
    target: str
    gates: tuple[str, ...]
    parts: tuple[str, ...]
    parameters: tuple[str, ...]
    output: str
    recurrent: str
    keep: int
    digest: str
    output_index: int
    staged: bool
    apart: int
    path: str | None = None
    seconds: float = 0.0
    source: Cell = field(kw_only=True, repr=False, compare=False)

    def __str__(self) -> str:
        if self.path is None and not self.seconds:
            came = "built in"
        else:
            came = f"compiled in {self.seconds:.1f} s" if self.seconds else "compiled before"
            came += f", kept as {self.path}" if self.path is not None else ", for this process only"
        return f"the cell '{self.cell}' for {self.target}, {self.dtype}: {came}"


# The type of numbers and the CPU target that a kernel is for; tests and measurements change the target.
Kind: TypeAlias = tuple[str, str]


@dataclass
class _Known:
    """What this process found out: kernels and reasons by cell and kind, machine code or why there is none by key."""

    # A kernel's cell and its library stay for good: tensors may wait for their way back.
    kernels: dict[Cell, dict[Kind, Kernel]] = field(default_factory=dict)
    reasons: weakref.WeakKeyDictionary[Cell, dict[Kind, str]] = field(default_factory=weakref.WeakKeyDictionary)
    built: dict[str, Built] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    # One thread at a time compiles. Those that only look something up do not wait.
    lock: threading.Lock = field(default_factory=threading.Lock)


_known = _Known()
_NONE: Mapping[Kind, Any] = {}


def _after_fork() -> None:
    # The thread that held it is not in the child.
    _known.lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def kernel_of(cell: str | Cell, dtype: object = "float32") -> Kernel:
    """The kernel of a cell: the core's own for a built-in one, for any other compiled on first use.

    >>> kernel_of("gru").gates
    ('r', 'z', 'n')

    Raises :class:`~ostinato.errors.CompileError` with the reason where there is none, at once when asked again: a cell
    that no kernel can be made of, one from a file that is not trusted, no compiler, ``OSTINATO_JIT=0``. It may take
    seconds and prints a line when it compiles; while another tool traces Python code, ask :func:`kernel_if_ready`.
    """
    cell, core = find(cell), _core()
    kind = checked_dtype(dtype), core.target
    known = _known.kernels.get(cell, _NONE).get(kind)
    if known is not None:
        return known
    if BUILT_IN.get(cell.name) is cell:
        return _built_in(cell, kind, core)
    check_allowed(cell)
    _check_reason(cell, kind)
    try:
        return _obtained(cell, kind, core, SECONDS)
    except CompileError as error:
        _known.reasons.setdefault(cell, {})[kind] = str(error)
        raise


def kernel_if_ready(cell: str | Cell, dtype: object = "float32") -> Kernel | None:
    """The kernel of a cell where that takes no compiling: built in, in use already, or kept by an earlier process.

    >>> kernel_if_ready("gru").cell
    'gru'

    None otherwise, whatever the reason; nothing is printed.
    """
    cell, dtype = find(cell), checked_dtype(dtype)
    try:
        core = _core()
        kind = dtype, core.target
        known = _known.kernels.get(cell, _NONE).get(kind)
        if known is not None:
            return known
        if BUILT_IN.get(cell.name) is cell:
            return _built_in(cell, kind, core)
        check_allowed(cell)
        _check_reason(cell, kind)
        plugin, compiler = write_plugin(cell, dtype, core), find_compiler()
        with _known.lock:
            built = load_kept(plugin, compiler)
            return None if built is None else _remember(cell, kind, plugin, plugin.key(compiler), built)
    except CompileError:
        return None


def kernel_expected(cell: str | Cell, dtype: object = "float32") -> bool:
    """Whether :func:`kernel_of` will have a kernel, as far as that can be told without compiling.

    >>> kernel_expected("gru")
    True
    """
    cell, dtype = find(cell), checked_dtype(dtype)
    if kernel_if_ready(cell, dtype) is not None:
        return True
    try:
        core = _core()
        check_allowed(cell)
        _check_reason(cell, (dtype, core.target))
        write_plugin(cell, dtype, core)
        find_compiler()
    except CompileError:
        return False
    return True


def compile(cell: str | Cell, dtype: object = "float32") -> Kernel:
    """Compile a cell ahead of its first use, and keep it for later processes; the kernel says what was done.

    The compiler has two minutes here, where on first use it has half of one.

    >>> print(compile("lstm"))
    the cell 'lstm' for ..., float32: built in

    What failed before is tried again. Raises :class:`~ostinato.errors.CompileError` with the reason as
    :func:`kernel_of` does.
    """
    cell, core = find(cell), _core()
    kind = checked_dtype(dtype), core.target
    _known.reasons.pop(cell, None)
    _known.failed.clear()
    if kind in _known.kernels.get(cell, _NONE) or BUILT_IN.get(cell.name) is cell:
        return kernel_of(cell, dtype)
    check_allowed(cell)
    return _obtained(cell, kind, core, SECONDS_AHEAD)


def check_allowed(cell: Cell) -> None:
    """Raise unless this cell may be compiled: it came from no file or from a trusted one, and nobody forbids it."""
    origin = origin_of(cell)
    if origin is not None and not origin.trusted:
        raise CompileError(f"the cell '{cell.name}' came from a file; load with trust_cell=True to compile it")
    wish = os.environ.get("OSTINATO_JIT", "")
    if wish == "0":
        raise CompileError("the environment variable OSTINATO_JIT=0 forbids to compile cells")
    if wish not in ("", "1"):
        raise CompileError(f"the environment variable OSTINATO_JIT wanted 0 or 1, got {wish!r:.40}")


def _check_reason(cell: Cell, kind: Kind) -> None:
    reason = _known.reasons.get(cell, _NONE).get(kind)
    if reason is not None:
        raise CompileError(reason)


def _built_in(cell: Cell, kind: Kind, core: ModuleType) -> Kernel:
    """The core's kernel of a built-in cell."""
    rows = [row for row in core.cells() if row.name == cell.name]
    address = rows[0].kernel(kind[0]) if rows else 0
    if not address:
        raise CompileError(f"the compiled core has no kernel of the cell '{cell.name}'")
    return _kept(cell, kind, lowered(cell), Built(address, None, 0.0))


def _obtained(cell: Cell, kind: Kind, core: ModuleType, seconds: float) -> Kernel:
    """The kernel of a user's cell that this process has not met: kept, or compiled now."""
    plugin = write_plugin(cell, kind[0], core)
    try:
        compiler = find_compiler()
    except CompileError as error:
        tell_once(f"cells of your own run by the plain loop, many times slower: {error}")
        raise
    key = plugin.key(compiler)
    with _known.lock:
        # An equal cell, or another thread, may have been first.
        if key in _known.failed:
            raise CompileError(_known.failed[key])
        built = _known.built.get(key)
        if built is None:
            try:
                built = build(plugin, compiler, cell.name, kind[0], seconds)
            except CompileError as error:
                _known.failed[key] = str(error)
                tell_once(f"the cell '{cell.name}' runs by the plain loop, many times slower: {error}")
                raise
        return _remember(cell, kind, plugin, key, built)


def _core() -> ModuleType:
    try:
        return load_core()
    except OptionError:
        # A wish that cannot be met is no reason to take another way in silence.
        raise
    except OstinatoError as error:
        raise CompileError(str(error)) from None


def _remember(cell: Cell, kind: Kind, plugin: Plugin, key: str, built: Built) -> Kernel:
    # Whoever meets it next has not waited for the compiler.
    _known.built[key] = Built(built.address, built.path, 0.0)
    return _kept(cell, kind, plugin.lowered, built)


def _kept(cell: Cell, kind: Kind, step: Lowered, built: Built) -> Kernel:
    kernel = Kernel(
        address=built.address,
        cell=cell.name,
        dtype=kind[0],
        target=kind[1],
        gates=cell.gates,
        parts=cell.state,
        parameters=tuple(cell.parameters),
        output=cell.output,
        recurrent=cell.recurrent,
        keep=step.keep,
        digest=step.digest,
        output_index=step.output_index,
        staged=step.staged,
        apart=len(cell.sees) if step.staged or cell.recurrent == "diagonal" else 0,
        path=built.path,
        seconds=built.seconds,
        source=cell,
    )
    _known.kernels.setdefault(cell, {})[kind] = kernel
    return kernel
