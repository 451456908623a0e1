"""Compile an exported C program and run it on trials, in a folder of its own, bounded in time and without a shell."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ostinato.errors import ExportError
from ostinato.exporting.c99_draft import Draft
from ostinato.exporting.c99_driver import driver_of
from ostinato.exporting.proof import Trial
from ostinato.plan.arithmetic import Array

NAMES = ("cc", "gcc", "clang")
WARNINGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror")
# A second for a million weights; whoever takes this long hangs.
SECONDS = 300.0
_SHOWN = 600


@dataclass(frozen=True)
class Compiler:
    """A C compiler: the words that start it, its options, and what starts a program that it made (an emulator)."""

    command: tuple[str, ...]
    options: tuple[str, ...] = ("-O1",)
    runner: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How it is called in reports."""
        return " ".join((os.path.basename(self.command[0]), *self.command[1:], *self.options))


def find_compiler() -> Compiler | None:
    """The C compiler that the environment variable ``CC`` names, or else the first of cc, gcc and clang; or None.

    Raises :class:`~ostinato.errors.ExportError` where ``CC`` names what is not there.
    """
    asked = os.environ.get("CC", "").strip()
    if asked:
        try:
            words = shlex.split(asked)
        except ValueError as error:
            raise ExportError(f"CC={asked!r} is no command: {error}") from None
        place = shutil.which(words[0])
        if place is None:
            raise ExportError(f"CC names {asked!r}, which is not there; unset it, or name a C compiler")
        return Compiler((place, *words[1:]))
    for name in NAMES:
        place = shutil.which(name)
        if place is not None:
            return Compiler((place,))
    return None


@dataclass(frozen=True)
class Run:
    """What a compiled program answered: outputs and states of each trial, [T, width], and its own test's verdict."""

    outputs: list[dict[str, Array]]
    states: list[dict[str, Array]]
    codes: list[Array]
    selftest: int
    raw: bytes


def run(draft: Draft, header: str, source: str, trials: Sequence[Trial], compiler: Compiler, folder: Path) -> Run:
    """Compile header and source with a driver, and run it on trials.

    Raises :class:`~ostinato.errors.ExportError` where it does not compile, or does not come to an end.
    """
    longest = {n: max((len(row) for trial in trials for row in trial.ids[n]), default=1) for n in draft.program.ids}
    texts = {f"{draft.name}.h": header, f"{draft.name}.c": source, "driver.c": driver_of(draft, longest)}
    try:
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="ascii")
    except OSError as error:
        raise ExportError(
            f"the exported program cannot be tried, since {folder} cannot be written: {error.strerror}; set TMPDIR to "
            "a folder with more room"
        ) from None
    program = folder / "driver"
    command = [*compiler.command, *WARNINGS, *compiler.options, f"{draft.name}.c", "driver.c", "-o", "driver"]
    _run(command, folder, b"", "the C compiler", timeout=SECONDS)
    raw = _run([*compiler.runner, str(program)], folder, _packed(draft, trials), "the exported program", SECONDS)
    return _unpacked(draft, trials, raw)


def _run(command: Sequence[str], folder: Path, given: bytes, what: str, timeout: float) -> bytes:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            input=given,
            capture_output=True,
            timeout=timeout,
            env={**os.environ, "LC_ALL": "C", "TMPDIR": str(folder)},
        )
    except subprocess.TimeoutExpired:
        raise ExportError(f"{what} was ended after {timeout:g} s; nothing was written") from None
    except OSError as error:
        raise ExportError(f"{what} {command[0]} does not run: {error.strerror}; nothing was written") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[:_SHOWN]
        raise ExportError(f"{what} {command[0]} fails with code {done.returncode}: {said}; nothing was written")
    return done.stdout


def _packed(draft: Draft, trials: Sequence[Trial]) -> bytes:
    """Trials as the driver reads them: 32-bit words."""
    program, parts = draft.program, [np.uint32(len(trials)).tobytes()]
    for trial in trials:
        parts.append(np.uint32(trial.steps).tobytes())
        parts += [np.asarray(trial.state[name], np.float32).tobytes() for name in program.state]
        for t in range(trial.steps):
            parts += [np.asarray(trial.numbers[name][t], np.float32).tobytes() for name in program.numbers]
            for name, ids in program.ids.items():
                row = np.asarray(trial.ids[name][t], np.int32)
                parts += [np.uint32(len(row)).tobytes()] if ids.many else []
                parts.append(row.tobytes())
    return b"".join(parts)


def _unpacked(draft: Draft, trials: Sequence[Trial], raw: bytes) -> Run:
    program = draft.program
    widths: Mapping[str, int] = {f"output {n}": draft.width(n) for n in program.outputs} | {
        f"state {n}": part.width for n, part in program.state.items()
    }
    each = 1 + sum(widths.values())
    words = np.frombuffer(raw, np.uint32)
    if len(words) != each * sum(trial.steps for trial in trials) + 1:
        raise ExportError(f"the exported program gave {len(words)} words, not all of its answers; nothing was written")
    outputs, states, codes, begin = [], [], [], 0
    for trial in trials:
        table = words[begin : begin + each * trial.steps].reshape(trial.steps, each)
        begin += table.size
        codes.append(table[:, 0].astype(np.int32))
        place, cut = 1, dict[str, Array]()
        for name, width in widths.items():
            cut[name] = np.ascontiguousarray(table[:, place : place + width]).view(np.float32)
            place += width
        outputs.append({n: cut[f"output {n}"] for n in program.outputs})
        states.append({n: cut[f"state {n}"] for n in program.state})
    return Run(outputs, states, codes, int(words[-1:].view(np.int32)[0]), raw)
