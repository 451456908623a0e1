"""Where compiled kernels are kept: a directory private to the user, written under a lock and by renaming."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostinato.errors import OutputError
from ostinato.output import replace_file

# An entry is a library and, written after it, its description; the rest are what killed processes left.
_OURS = re.compile(r"[0-9a-f]{64}\.(?:so|json|lock)|\.[0-9a-f]{50}\.[0-9a-f]{12}\.tmp")
_LARGEST_DESCRIPTION = 1 << 16


@dataclass(frozen=True)
class Entry:
    """One kernel that is kept: its key, how many bytes it takes, when it was compiled, and what is said about it."""

    key: str
    size: int
    date: float
    facts: Mapping[str, Any]


def cache_folder() -> Path:
    """The directory of compiled kernels: ``$OSTINATO_CACHE``, or ``ostinato/kernels`` in the user's caches.

    Raises :class:`~ostinato.errors.OutputError` where the user has no home. The directory need not be there yet.
    """
    asked = os.environ.get("OSTINATO_CACHE")
    if asked:
        return Path(os.path.abspath(asked))
    shared = os.environ.get("XDG_CACHE_HOME", "")
    # Its specification says that a relative path counts for nothing.
    if os.path.isabs(shared):
        return Path(shared, "ostinato", "kernels")
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        raise OutputError("there is no home directory to keep compiled kernels in; set OSTINATO_CACHE")
    return Path(home, ".cache", "ostinato", "kernels")


def open_cache(*, make: bool = True) -> Cache:
    """The cache, after making sure that nobody else can put a library into it; ``make`` makes what is missing.

    Raises :class:`~ostinato.errors.OutputError` where others can write, where it belongs to somebody else, or where it
    cannot be made.
    """
    folder = cache_folder()
    if make:
        try:
            for parent in reversed(folder.parents):
                if not parent.exists():
                    parent.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise OutputError(f"the cache {folder} cannot be made: {error.strerror}") from None
    if folder.exists() or folder.is_symlink():
        # What a link leads to is what counts.
        folder = Path(os.path.realpath(folder))
        check_private(folder)
    return Cache(folder)


def check_private(folder: Path) -> None:
    """Refuse a directory into which anybody but this user and root could put a file, now or by renaming what is above.

    Raises :class:`~ostinato.errors.OutputError` that names the place and what to do.
    """
    user = os.geteuid()
    try:
        for place in (folder, *folder.parents):
            told = place.stat()
            mode, inner = stat.S_IMODE(told.st_mode), place == folder
            if not stat.S_ISDIR(told.st_mode):
                raise OutputError(f"the cache {folder} is not a directory; set OSTINATO_CACHE to another place")
            if told.st_uid != user and (inner or told.st_uid != 0):
                raise OutputError(
                    f"the cache {folder} is refused: {place} belongs to another user (number {told.st_uid}), who could "
                    "put code there; set OSTINATO_CACHE to a directory of your own"
                )
            # Above it, a group is trusted: many systems give each user one, which may write in the home.
            if mode & (0o022 if inner else 0o002) and (inner or not mode & stat.S_ISVTX):
                raise OutputError(
                    f"the cache {folder} is refused: others can write into {place} and so put code there; make it "
                    f"yours with: chmod go-w {place}"
                )
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"the cache {folder} cannot be read: {error.strerror}") from None


class Cache:
    """Compiled kernels by key; :func:`open_cache` gives it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def library(self, key: str) -> Path:
        """Where the library of a key lies, if it is there."""
        return self.folder / f"{key}.so"

    def find(self, key: str) -> Path | None:
        """The library of a key, whole to the last bit; None if there is none, or if it may have been changed."""
        facts = self._facts(key)
        try:
            told = self.library(key).stat()
            if told.st_uid != os.geteuid() or told.st_mode & 0o022:
                return None
            content = self.library(key).read_bytes()
        except OSError:
            return None
        return self.library(key) if facts.get("sha256") == hashlib.sha256(content).hexdigest() else None

    def put(self, key: str, content: bytes, facts: Mapping[str, Any]) -> Path:
        """Keep a library; whoever looks meanwhile meets the old entry or none, never half of one.

        Raises :class:`~ostinato.errors.OutputError` where it cannot be written.
        """
        described = json.dumps({**facts, "sha256": hashlib.sha256(content).hexdigest()}, indent=1) + "\n"
        replace_file(self.library(key), content, private=True)
        try:
            replace_file(self.folder / f"{key}.json", described.encode(), private=True)
        except BaseException:
            self.remove(key)
            raise
        return self.library(key)

    def remove(self, key: str) -> None:
        """Forget a key, if that can be."""
        # Without its description a library counts for nothing.
        for path in (self.folder / f"{key}.json", self.library(key)):
            with contextlib.suppress(OSError):
                path.unlink()

    @contextlib.contextmanager
    def lock(self, key: str, seconds: float) -> Iterator[None]:
        """Let one process at a time work on a key; after so many seconds, or without locks, it goes on all the same.

        What is written by renaming is whole in any case; the lock saves work.
        """
        path = self.folder / f"{key}.lock"
        file = self._locked(path, time.monotonic() + seconds)
        try:
            yield
        finally:
            if file is not None:
                with contextlib.suppress(OSError):
                    path.unlink()
                os.close(file)

    def _locked(self, path: Path, end: float) -> int | None:
        while True:
            try:
                file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            except OSError:
                return None
            try:
                # Record locks belong to a process, so that a forked child does not hold its parent's.
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(file), os.stat(path)):
                    return file
            except (BlockingIOError, PermissionError, FileNotFoundError):
                # Held by another, or removed by the one who held it.
                pass
            except OSError:
                os.close(file)
                return None
            except BaseException:
                os.close(file)
                raise
            os.close(file)
            if time.monotonic() > end:
                return None
            time.sleep(0.05)

    def entries(self) -> list[Entry]:
        """What is kept, the newest first."""
        found = []
        for name in self._names():
            if name.endswith(".so"):
                key = name.removesuffix(".so")
                with contextlib.suppress(OSError):
                    told = self.library(key).stat()
                    found.append(Entry(key, told.st_size, told.st_mtime, self._facts(key)))
        return sorted(found, key=lambda entry: (-entry.date, entry.key))

    def clear(self) -> list[Entry]:
        """Remove every kernel, and nothing that is not ours; what was removed."""
        gone = self.entries()
        # Descriptions go first: without one, a library counts for nothing.
        for name in sorted(self._names(), key=lambda name: not name.endswith(".json")):
            path = self.folder / name
            with contextlib.suppress(OSError):
                if not name.endswith(".lock") or _is_free(path):
                    path.unlink()
        left = {entry.key for entry in self.entries()}
        return [entry for entry in gone if entry.key not in left]

    def _names(self) -> list[str]:
        """The names of ordinary files that this class wrote."""
        try:
            with os.scandir(self.folder) as places:
                return sorted(p.name for p in places if _OURS.fullmatch(p.name) and p.is_file(follow_symlinks=False))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise OutputError(f"the cache {self.folder} cannot be read: {error.strerror}") from None

    def _facts(self, key: str) -> dict[str, Any]:
        """What is said about a key; nothing if that is damaged."""
        try:
            with (self.folder / f"{key}.json").open("rb") as file:
                facts = json.loads(file.read(_LARGEST_DESCRIPTION))
        except (OSError, ValueError, RecursionError):
            return {}
        return facts if isinstance(facts, dict) else {}


def _is_free(lock: Path) -> bool:
    """Whether no process holds a lock."""
    file = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(file)
    return True
