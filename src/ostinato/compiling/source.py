"""The C++ source of one cell as a library of its own, and all that its machine code depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from ostinato.cells import Cell
from ostinato.compiling.compiler import Compiler
from ostinato.errors import CompileError, LoweringError, OptionError, nearest
from ostinato.lowering import Lowered, cpp_cell, lowered

DTYPES = {"float32": "float", "float64": "double"}
# The name that every cell has in its library; nothing that a user or a file wrote stands in the source.
STRUCT = "user_cell"
SOURCE, LIBRARY = "cell.cc", "cell.so"
FLAGS = ("-std=c++17", "-O3", "-fPIC", "-shared", "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden", "-w")


@dataclass(frozen=True)
class Plugin:
    """What is compiled: the lowered cell, the files for the compiler, its arguments, and the core that loads it."""

    lowered: Lowered
    files: Mapping[str, str]
    arguments: tuple[str, ...]
    target: str
    core: ModuleType

    def key(self, compiler: Compiler) -> str:
        """64 hexadecimal digits over all that the machine code depends on."""
        facts = [self.lowered.digest, self.core.abi, self.target, compiler.command, compiler.version, self.arguments]
        return hashlib.sha256(json.dumps([facts, sorted(self.files.items())]).encode()).hexdigest()


def checked_dtype(dtype: object) -> str:
    """The name of a type of numbers that kernels exist for.

    >>> checked_dtype("float32")
    'float32'

    torch's own types are understood. Any other raises :class:`~ostinato.errors.OptionError`.
    """
    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise OptionError(f"a kernel's dtype got '{name:.40}'; {nearest(name, DTYPES)}")
    return name


def write_plugin(cell: Cell, dtype: str, core: ModuleType) -> Plugin:
    """The library of a cell as source, for the CPU target that the core uses.

    Raises :class:`~ostinato.errors.CompileError` with the operation that no kernel can be made of.
    """
    try:
        step = lowered(cell)
        written = cpp_cell(step, STRUCT)
    except LoweringError as error:
        raise CompileError(str(error)) from None
    lines = [
        f"#define OSTINATO_REAL {DTYPES[dtype]}",
        f"#define OSTINATO_CELL {STRUCT}",
        '#include "plugin_begin.inl"',
        written,
        '#include "plugin_end.inl"',
        "",
    ]
    arguments = (*FLAGS, *core.target_flags, "-o", LIBRARY, SOURCE)
    return Plugin(step, {**core.headers, SOURCE: "\n".join(lines)}, arguments, core.target, core)
