"""Every error that ostinato raises on purpose: what was wanted, what came, and what to do."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType


class OstinatoError(Exception):
    """Anything that ostinato refuses; catch it to catch them all."""


class ShapeError(OstinatoError, ValueError):
    """A tensor does not have the shape, the type or the device that the call needs."""


class OptionError(OstinatoError, ValueError):
    """An option is unknown, out of range, or does not apply here."""


class DataError(OstinatoError, ValueError):
    """The data cannot be used as they are; the message names the place."""


class ArtifactError(OstinatoError, ValueError):
    """A model file or a checkpoint is damaged, foreign, or from a later version."""


class OutputError(OstinatoError, OSError):
    """Something cannot be written where it was asked for; what stood there is untouched."""


class PlanError(OstinatoError, ValueError):
    """A network cannot be laid out as steps, or cannot run step by step; the message says which part and why."""


class StreamError(OstinatoError, ValueError):
    """A stream was given what it cannot take; its state is what it was before."""


class ExportError(OstinatoError, RuntimeError):
    """A network cannot be exported, or what was made differs from the network; nothing was written."""


class LoweringError(OstinatoError, TypeError):
    """A cell's function does what no graph of elementwise operations can hold."""


class CompileError(OstinatoError, RuntimeError):
    """A cell has no compiled kernel here; the message is the reason, fit to stand in an engine's refusal."""


class EngineError(OstinatoError, RuntimeError):
    """The engine that was asked for cannot serve this call; the message says why."""


class NotFittedError(OstinatoError, ValueError, AttributeError):
    """The model was asked for an answer before it was trained or loaded."""


class MissingExtraError(OstinatoError, ImportError):
    """A feature needs packages that are not installed; the message has the command."""


class DivergedError(OstinatoError, ArithmeticError):
    """Training cannot go on: the loss or the weights are no longer finite numbers."""


class Interrupted(OstinatoError):
    """Training was stopped by the user; the work is saved and the message says how to go on."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown word: the nearest known one, and all of them.

    >>> nearest("lable", ["text", "label"])
    "did you mean 'label'? known: 'text', 'label'"
    """
    words = [str(k) for k in known]
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    if not close:
        folded = {w.casefold(): w for w in words}
        close = [folded[word.casefold()]] if word.casefold() in folded else []
    listed = ", ".join(f"'{w}'" for w in words[:20]) + (", ..." if len(words) > 20 else "")
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"{hint}known: {listed or 'none'}"


def needs(module: str, extra: str) -> ModuleType:
    """Import a package of an optional extra, or a module of ours that needs one, or say which command installs it.

    >>> needs("json", "train").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing, wanted = (error.name or module).split(".")[0], module.split(".")[0]
        if missing == "ostinato" or wanted not in (missing, "ostinato"):
            raise
        raise MissingExtraError(
            f"this needs the package '{missing}', which is not installed; "
            f"install it with: pip install 'ostinato[{extra}]'",
            name=missing,
        ) from error
