"""The C++ programs of this folder: how each is compiled, and how it is run."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ostinato.cells import BUILT_IN
from ostinato.lowering.cpp import cpp_cells
from ostinato.lowering.table import cell_table
from tests.core.machines import FLAGS, HERE, NUMERICS, SANITIZERS, TARGETS, Machine, Target, compiler, processor
from tests.house.tree import ROOT

HERE_ARE = Path(__file__).parent
CSRC = ROOT / "csrc"

# Each is a file <name>.cc here, and is run in every place that machines.py lists. False: it includes what it tests, and
# is compiled for one target. True: it is linked with the whole core, all targets in it, and the core chooses among them
# as it always does; OSTINATO_TARGET says which.
PROGRAMS = {
    "vectors": False,
    "math": False,
    "dispatch": True,
    "engine": True,
    "engine_cells": True,
    "engine_memory": True,
    "engine_stages": True,
    "engine_threads": True,
    "stream": True,
}

# A core with a few kernels of each kind: all of them would keep a compiler busy for minutes under each sanitizer.
CELLS = {name: BUILT_IN[name] for name in ("elman", "elman_relu", "lstm", "gru", "gru_reset_before", "lstm_projected")}


@dataclass(frozen=True)
class Program:
    """A compiled program."""

    path: Path
    target: Target

    def run(self, *words: str, on: Machine = HERE, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run it on a machine with words and standard input; whether it went well is in what comes back."""
        environment = os.environ | {"OSTINATO_TARGET": self.target.name}
        command = [*on.command, str(self.path), *words]
        return subprocess.run(command, input=given, env=environment, capture_output=True, timeout=3600)


def compiled(name: str, target: Target, folder: Path, *, sanitize: bool, command: str = "") -> Program:
    """Compile a program for a target into a folder, with the target's compiler or another one."""
    command = command or compiler(target)
    # A compiler takes half the time for what is checked and not measured; the loops are those that are shipped.
    shared = [command, *FLAGS, *((*SANITIZERS, "-O1") if sanitize else ()), f"-I{CSRC}", f"-I{HERE_ARE}"]
    own = ["-O3", *NUMERICS, *target.flags, f"-DOSTINATO_TARGET={target.name}", f"-DOSTINATO_BYTES={target.bytes}"]
    # An emulator has no libraries of the other processor: they go into the program.
    link = ["-pthread", *(["-static"] if target.processor != processor() else [])]
    main = HERE_ARE / f"{name}.cc"
    program = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    if PROGRAMS[name] and program.exists():
        # One program for all targets.
        return Program(program, target)
    if PROGRAMS[name]:
        _call([*shared, str(main), *map(str, _core(target, folder, shared)), "-o", str(program), *link])
    else:
        _call([*shared, *own, str(main), "-o", str(program), *link])
    return Program(program, target)


def _core(target: Target, folder: Path, shared: list[str]) -> list[Path]:
    """The objects of the whole core but its Python door, for the processor of a target; made once in a folder."""
    generated = folder / "generated"
    if not generated.is_dir():
        generated.mkdir(parents=True)
        for file, text in (("cells.inc", cell_table(CELLS)), ("kernels.inc", cpp_cells(CELLS))):
            (generated / file).write_text(text, encoding="utf-8")
    objects = []
    for source in sorted(CSRC.glob("*.cc")):
        chosen = TARGETS.get(source.stem.removeprefix("target_"))
        if source.stem.startswith("bind") or (chosen and chosen.processor != target.processor):
            continue
        made = folder / f"{source.stem}.o"
        objects.append(made)
        if not made.exists():
            own = ["-O3", *NUMERICS, *chosen.flags] if chosen else []
            _call([*shared, *own, "-pthread", f"-I{generated}", "-c", str(source), "-o", str(made)])
    return objects


def _call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
