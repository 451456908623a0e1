"""Files written whole or not at all: to a temporary name beside the target, synced, renamed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ostinato.errors import OstinatoError, OutputError

_UNTOUCHED = "what stood there is untouched"
_TROUBLE = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file of this size is not allowed",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "writing is not permitted in this directory",
    errno.EPERM: "writing is not permitted in this directory",
}
# Some file systems cannot sync a directory, or do not let everybody open it; renaming is atomic there too.
_UNSYNCABLE = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EBADF)


def replace_file(path: str | os.PathLike[str], data: bytes | bytearray, *, private: bool = False) -> None:
    """Put a file with these bytes at a path, in one step: a reader, or a crash, meets the old file or the new one.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     replace_file(f"{folder}/a.bin", b"new")
    ...     Path(folder, "a.bin").read_bytes()
    b'new'

    A symbolic link stays and its target is replaced; the permissions of an older file are kept, unless ``private`` asks
    for a file that this user alone can read and write from its first moment on. Whatever prevents it is
    an :class:`~ostinato.errors.OutputError`, and no temporary file remains.
    """
    target = _target(path)
    _sweep(target)
    try:
        _write_beside(target, data, keep=True, private=private)
    except OSError as error:
        raise OutputError(
            f"cannot write {os.fspath(path)} ({len(data):,} bytes): {_why(error)}; {_UNTOUCHED}"
        ) from None
    try:
        _sync_directory(target.parent)
    except OSError as error:
        raise OutputError(f"{os.fspath(path)} is written, but may not survive a power cut: {_why(error)}") from None


@contextlib.contextmanager
def new_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write in parts, as a block; it stands at the path when the block ends well, and nowhere otherwise.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with new_file(f"{folder}/a.bin") as file:
    ...         _ = file.write(b"new")
    ...     Path(folder, "a.bin").read_bytes()
    b'new'
    """
    target = _target(path)
    _sweep(target)
    temporary = target.with_name(f"{_prefix(target)}{secrets.token_hex(6)}.tmp")
    try:
        with open(temporary, "x+b") as file:
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, target)
        _sync_directory(target.parent)
    except OSError as error:
        if isinstance(error, OstinatoError):
            raise
        raise OutputError(f"cannot write {os.fspath(path)}: {_why(error)}; {_UNTOUCHED}") from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def probe_output(path: str | os.PathLike[str]) -> None:
    """Find out whether a file can be written at a path, before hours of work depend on it.

    >>> probe_output("/no/such/place/m.safetensors")
    Traceback (most recent call last):
    ostinato.errors.OutputError: cannot write /no/such/place/m.safetensors: there is no directory /no/such/place; ...

    It really creates a small file beside the target and removes it; what stands at the path is untouched.
    """
    target = _target(path)
    try:
        _write_beside(target, b"ostinato", keep=False)
    except OSError as error:
        raise OutputError(f"cannot write {os.fspath(path)}: {_why(error)}; {_UNTOUCHED}") from None


def _target(path: str | os.PathLike[str]) -> Path:
    """The file that is meant, links followed; refused where no file can be."""
    name = os.fspath(path)
    where = f"cannot write {name}"
    if "\0" in name:
        raise OutputError(f"a path cannot hold a NUL character, got {name!r}")
    target = Path(os.path.realpath(name))
    try:
        if target.is_dir() or name.endswith(os.sep):
            raise OutputError(f"{where}: it is a directory; name a file in it")
        if not target.parent.exists():
            raise OutputError(f"{where}: there is no directory {target.parent}; make it first")
        if not target.parent.is_dir():
            raise OutputError(f"{where}: {target.parent} is not a directory")
        if target.exists():
            if not stat.S_ISREG(target.stat().st_mode):
                raise OutputError(f"{where}: it is not an ordinary file")
            # Renaming would replace it all the same, but somebody meant it to stay.
            if not os.access(target, os.W_OK):
                raise OutputError(f"{where}: the file is write-protected")
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{where}: {_why(error)}") from None
    return target


def _write_beside(target: Path, data: bytes | bytearray, *, keep: bool, private: bool = False) -> None:
    """Write a temporary file and rename it to the target, or remove it."""
    temporary = target.with_name(f"{_prefix(target)}{secrets.token_hex(6)}.tmp")
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if private else 0o666)
    try:
        try:
            # The lock tells a file that is being written from one that a killed process left.
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not private:
                with contextlib.suppress(OSError):
                    os.fchmod(file, stat.S_IMODE(target.stat().st_mode))
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
            if keep:
                os.replace(temporary, target)
        finally:
            os.close(file)
    finally:
        # Gone already where all went well; also gone after Ctrl-C.
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _prefix(target: Path) -> str:
    # Names have at most 255 bytes, and up to 4 of them make a character.
    return f".{target.name[:50]}."


def _sweep(target: Path) -> None:
    """Remove temporary files of this target that killed processes left behind."""
    with contextlib.suppress(OSError):
        for left in target.parent.glob("*.tmp"):
            if left.name.startswith(_prefix(target)) and len(left.name) == len(_prefix(target)) + 16:
                with contextlib.suppress(OSError):
                    file = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        os.unlink(left)
                    finally:
                        os.close(file)


def _sync_directory(directory: Path) -> None:
    try:
        file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        if error.errno not in _UNSYNCABLE:
            raise


def _why(error: OSError) -> str:
    return _TROUBLE.get(error.errno or 0, error.strerror or str(error))
