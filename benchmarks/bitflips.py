"""Every single flipped bit and every truncation of a small model file is detected."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SENTENCE = "every flipped bit and every truncation of a model file of at most 4 KB is refused"


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One file, all its bits."""
    return {"all-bits": measure}


def measure() -> dict[str, Any]:
    """Flip each bit, cut at each byte, and count what is still accepted."""
    import numpy as np

    from ostinato import artifact
    from ostinato.errors import ArtifactError

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.safetensors"
        tensors = {"W": np.arange(600, dtype=np.float32).reshape(20, 30), "b": np.ones(20, dtype=np.float32)}
        artifact.write(path, tensors, {"kind": "model", "task": "text-classifier", "words": ["on", "off"] * 40})
        whole = path.read_bytes()
        assert len(whole) <= 4096, len(whole)

        def accepted(damaged: bytes) -> int:
            path.write_bytes(damaged)
            try:
                artifact.read(path)
            except ArtifactError:
                return 0
            return 1

        flips = sum(
            accepted(whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :])
            for at in range(len(whole))
            for bit in range(8)
        )
        cuts = sum(accepted(whole[:length]) for length in range(len(whole)))
        assert accepted(whole) == 1
    return {"bytes": len(whole), "flips": 8 * len(whole), "flips_accepted": flips, "cuts_accepted": cuts}


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """What went unnoticed."""
    return {name: {k: r[k] for k in ("flips", "flips_accepted", "cuts_accepted")} for name, r in results.items()}
