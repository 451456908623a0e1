"""torch's own worker threads for the core: they spin for milliseconds after each of torch's operations.

Threads of our own would have to share the cores with them. A process without torch, and the child of a fork, use the
core's own.
"""

from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path

import torch

from ostinato.core import load_core
from ostinato.errors import OptionError

RUNTIMES = re.compile(r"lib(?:gomp|iomp5|omp)[-.\w]*\.so[.\d]*$")
ENTRIES = ("GOMP_parallel", "omp_get_thread_num", "omp_get_num_threads")


def share_threads() -> str | None:
    """Lend the core the threads of the OpenMP runtime that torch has loaded; the path of that runtime, if there is one.

    The environment variable ``OSTINATO_THREADS=own`` keeps to the core's own threads.
    """
    wish = os.environ.get("OSTINATO_THREADS", "")
    if wish not in ("", "own", "torch"):
        raise OptionError(f"the environment variable OSTINATO_THREADS wanted 'own' or 'torch', got {wish!r:.40}")
    home = str(Path(torch.__file__).parent)
    found = loaded_runtimes()
    # Other packages bring runtimes of their own; only torch's threads are awake when our turn comes.
    found = [path for path in found if path.startswith((home + os.sep, home + ".libs" + os.sep))] or found
    if wish == "own" or len(found) != 1:
        return None
    try:
        library = ctypes.CDLL(found[0], mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        entries = [ctypes.cast(getattr(library, name), ctypes.c_void_p).value for name in ENTRIES]
    except (OSError, AttributeError):
        return None
    load_core().lend_openmp(*entries)
    return found[0]


def loaded_runtimes() -> list[str]:
    """The files of the OpenMP runtimes that this process has loaded; none where the system does not tell."""
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    paths = {line.partition("/")[1] + line.partition("/")[2] for line in lines if "/" in line}
    return sorted(path for path in paths if RUNTIMES.search(path))
