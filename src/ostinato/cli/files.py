"""What verbs check about their files: that nothing written replaces what is read, and that a model has answers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ostinato.errors import OptionError

_MODEL = ".safetensors"


def keep_apart(reads: Mapping[str, str | Path | None], writes: Mapping[str, str | Path | None]) -> None:
    """Refuse a file that would be written over one that is read, or over another that is written.

    >>> keep_apart({"DATA": "train.csv"}, {"--output": "m.safetensors", "--log": "./train.csv"})
    Traceback (most recent call last):
    ostinato.errors.OptionError: --log ./train.csv would overwrite DATA train.csv; name another file

    The keys are what the user calls the files; a path of None is a file that was not asked for.
    """
    taken = _given(reads)
    for name, path in _given(writes).items():
        for other, there in taken.items():
            if _same(path, there):
                raise OptionError(f"{name} {path} would overwrite {other} {there}; name another file")
        taken[name] = path


def load_model(path: str, *, trust_cell: bool) -> Any:
    """The model of a task; layers alone have no answers to give."""
    import ostinato

    model = ostinato.load(path, trust_cell=trust_cell)
    if not hasattr(model, "reads"):
        raise OptionError(
            f"{path} holds a network without a task, and so without labels; use it by: ostinato stream {path}"
        )
    if model.reads == "channels":
        raise OptionError(
            f"{path} is a detector of anomalies; use it by: ostinato detect {path} DATA, or ostinato stream {path}"
        )
    return model


def check_columns(text: str, label: str, kind: str = "text") -> None:
    """Refuse one column for two things.

    >>> check_columns("intent", "intent")
    Traceback (most recent call last):
    ostinato.errors.OptionError: --text and --label both name the column 'intent'; texts and labels are two columns
    """
    if text == label:
        raise OptionError(f"--{kind} and --label both name the column '{text}'; {kind}s and labels are two columns")


def beside(output: str, ending: str) -> Path:
    """A file that belongs to a model and lies beside it.

    >>> beside("models/intents.safetensors", ".png").name, beside("intents.v2", ".png").name
    ('intents.png', 'intents.v2.png')
    """
    path = Path(output)
    # Other endings stay: intents.v1 and intents.v2 are two models.
    return path.with_name(path.name.removesuffix(_MODEL) + ending) if path.name else path / ending


def _given(paths: Mapping[str, str | Path | None]) -> dict[str, str | Path]:
    # A path with a NUL is refused, in words, by whoever opens it.
    return {name: path for name, path in paths.items() if path is not None and "\0" not in str(path)}


def _same(path: str | Path, other: str | Path) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        # One of them is not there yet.
        return os.path.realpath(path) == os.path.realpath(other)
