"""The machine's C++ compiler: which one it is, and one run of it, bounded in time and without a shell."""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ostinato.errors import CompileError

NAMES = ("c++", "g++", "clang++")
# A cell takes some tenths of a second, the largest a few seconds, each of them more on a busy machine. Whoever takes
# this long hangs, or compiles a giant: on first use, and when it is asked for ahead.
SECONDS, SECONDS_AHEAD = 30.0, 120.0

_SECONDS_TO_ANSWER = 10.0
_INSTALLERS = {
    "apt-get": "apt-get install g++",
    "dnf": "dnf install gcc-c++",
    "apk": "apk add g++",
    "pacman": "pacman -S gcc",
    "zypper": "zypper install gcc-c++",
    "brew": "xcode-select --install",
}
# What the compiler had to say is shown from its start, where the cause stands.
_SHOWN = 500


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler: the words that start it, and what it says about itself."""

    command: tuple[str, ...]
    version: str


def find_compiler() -> Compiler:
    """The compiler that the environment variable ``CXX`` names, or else the first of c++, g++ and clang++.

    Raises :class:`~ostinato.errors.CompileError`, with the command that installs one, where there is none.
    """
    return _found(os.environ.get("CXX", "").strip(), os.environ.get("PATH", ""))


@functools.lru_cache(maxsize=8)
def _found(asked: str, path: str) -> Compiler:
    if asked:
        try:
            words = shlex.split(asked)
        except ValueError as error:
            raise CompileError(f"CXX={asked!r} is no command: {error}") from None
        place = shutil.which(words[0], path=path) if words else None
        if place is None:
            raise CompileError(f"CXX names {asked!r}, which is not there; unset it, or name a C++ compiler")
        return _asked_for_its_version((os.path.abspath(place), *words[1:]))
    for name in NAMES:
        place = shutil.which(name, path=path)
        if place is not None:
            return _asked_for_its_version((os.path.abspath(place),))
    raise CompileError(f"no C++ compiler is installed; install one with: {install_command()}")


def install_command() -> str:
    """What brings a C++ compiler to this machine."""
    if sys.platform == "darwin":
        return _INSTALLERS["brew"]
    return next((command for tool, command in _INSTALLERS.items() if shutil.which(tool)), _INSTALLERS["apt-get"])


def _asked_for_its_version(command: tuple[str, ...]) -> Compiler:
    try:
        told = subprocess.run(
            [*command, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS_TO_ANSWER,
            env=_environment(None),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CompileError(f"the C++ compiler {shlex.join(command)} does not run: {error}") from None
    if told.returncode:
        raise CompileError(f"the C++ compiler {shlex.join(command)} does not tell its version")
    return Compiler(command, told.stdout.decode(errors="replace").strip())


def run_compiler(compiler: Compiler, arguments: Sequence[str], folder: Path, seconds: float) -> None:
    """Run a compiler in a folder, which is also where its temporary files go.

    Raises :class:`~ostinato.errors.CompileError` with what it said when it fails, or when the time is up. Whatever ends
    it, Ctrl-C too, ends all the processes that it started.
    """
    said = folder / "said.txt"
    with said.open("wb") as output:
        try:
            # In a session of its own, so that all of it can be ended and Ctrl-C reaches it through us alone.
            process = subprocess.Popen(
                [*compiler.command, *arguments],
                cwd=folder,
                env=_environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise CompileError(f"the C++ compiler {compiler.command[0]} does not run: {error.strerror}") from None
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            ahead = "; ostinato.compile(cell) waits longer for it" if seconds < SECONDS_AHEAD else ""
            raise CompileError(f"the C++ compiler was ended after {seconds:g} s{ahead}") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if code:
        words = said.read_bytes()[: 4 * _SHOWN].decode(errors="replace").strip()
        told = f": {words[:_SHOWN]}" if words else " and says nothing"
        raise CompileError(f"the C++ compiler {compiler.command[0]} fails with code {code}{told}")


def _environment(folder: Path | None) -> dict[str, str]:
    changed = {"LC_ALL": "C"} | ({} if folder is None else {"TMPDIR": str(folder)})
    return {**os.environ, **changed}
