"""From a cell's source to a loaded kernel: out of the cache, or compiled, kept if possible, and loaded."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ostinato.compiling.cache import Cache, open_cache
from ostinato.compiling.compiler import Compiler, run_compiler
from ostinato.compiling.source import LIBRARY, Plugin
from ostinato.compiling.telling import tell_once, told_work
from ostinato.errors import CompileError, OutputError

# Who waits for another process gives it this much time for all that is not compiling.
_GRACE = 2.0


@dataclass(frozen=True)
class Built:
    """A kernel in memory: its address, the file that stays (None if none does), the seconds that compiling took."""

    address: int
    path: str | None
    seconds: float


def build(plugin: Plugin, compiler: Compiler, name: str, dtype: str, seconds: float) -> Built:
    """Load the kernel of a source from the cache, or compile it and keep it there.

    Raises :class:`~ostinato.errors.CompileError` with the reason. What keeps the cache from being used is told once,
    and the kernel then serves this process only.
    """
    try:
        cache = open_cache()
    except OutputError as error:
        tell_once(f"compiled cells are not kept: {error}")
        return _compiled(plugin, compiler, name, dtype, seconds, None)
    kept = _loaded(plugin, compiler, cache)
    if kept is not None:
        return kept
    with cache.lock(plugin.key(compiler), seconds + _GRACE):
        # Whoever held the lock has done it, perhaps.
        kept = _loaded(plugin, compiler, cache)
        if kept is not None:
            return kept
        return _compiled(plugin, compiler, name, dtype, seconds, cache)


def load_kept(plugin: Plugin, compiler: Compiler) -> Built | None:
    """The kernel that an earlier process kept, loaded; None if there is none."""
    try:
        return _loaded(plugin, compiler, open_cache(make=False))
    except OutputError:
        return None


def _loaded(plugin: Plugin, compiler: Compiler, cache: Cache) -> Built | None:
    found = cache.find(plugin.key(compiler))
    if found is None:
        return None
    try:
        return Built(int(plugin.core.load_kernel(str(found))), str(found), 0.0)
    except ValueError:
        # It is damaged, though as it was written.
        return None


def _compiled(plugin: Plugin, compiler: Compiler, name: str, dtype: str, limit: float, cache: Cache | None) -> Built:
    core = plugin.core
    with _private_folder() as folder, told_work(f"compiling the cell '{name}' for {plugin.target}, {dtype}"):
        began = time.monotonic()
        try:
            for file, text in plugin.files.items():
                (folder / file).write_text(text, encoding="utf-8")
            run_compiler(compiler, plugin.arguments, folder, limit)
            content = (folder / LIBRARY).read_bytes()
        except OSError as error:
            raise CompileError(f"the source cannot be compiled in {folder}: {error.strerror}") from None
        seconds = time.monotonic() - began
        facts = {"cell": name, "dtype": dtype, "target": plugin.target, "abi": core.abi, "seconds": round(seconds, 2)}
        trouble = ""
        if cache is not None:
            try:
                kept = cache.put(plugin.key(compiler), content, facts)
                return Built(int(core.load_kernel(str(kept))), str(kept), seconds)
            except OutputError as error:
                trouble = str(error)
            except ValueError as error:
                # Libraries may not be run from there, as on a file system mounted noexec.
                trouble = f"{cache.folder}: {error}"
        try:
            # Once loaded, it needs its file no more.
            built = Built(int(core.load_kernel(str(folder / LIBRARY))), None, seconds)
        except ValueError as error:
            if cache is not None:
                cache.remove(plugin.key(compiler))
            raise CompileError(f"the compiled cell cannot be loaded: {error}") from None
    if trouble:
        tell_once(f"compiled cells are not kept: {trouble}")
    return built


@contextlib.contextmanager
def _private_folder() -> Iterator[Path]:
    """A new folder that only this user can read, gone afterwards whatever happens."""
    try:
        folder = tempfile.mkdtemp(prefix="ostinato-")
    except OSError as error:
        full = "; the disk is full" if error.errno == errno.ENOSPC else ""
        raise CompileError(f"there is no place for temporary files: {error.strerror}{full}") from None
    try:
        yield Path(os.path.realpath(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
