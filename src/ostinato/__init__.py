"""Recurrent networks: write a cell's equations once, and derive everything else from them.

>>> import ostinato as ost
>>> ost.cells.find("gru").gates
('r', 'z', 'n')

A name is imported when it is first used, so that ``import ostinato`` is cheap and needs no torch.
"""

from __future__ import annotations

import importlib
import typing

from ostinato.cells.operations import TEACHERS
from ostinato.errors import needs

# A cell that is called with tensors learns to compute with them: cells themselves know nothing above them.
TEACHERS["torch"] = lambda: importlib.import_module("ostinato.ops")

# A public name and the module that has it; a module is its own.
_PLACES = {
    "AnomalyDetector": "tasks",
    "DataError": "errors",
    "Forecaster": "tasks",
    "Forest": "forest",
    "IntentParser": "tasks",
    "LanguageModel": "tasks",
    "OptionError": "errors",
    "OstinatoError": "errors",
    "RemainingLife": "tasks",
    "Seq2Seq": "tasks",
    "Sequences": "sequence",
    "SeriesClassifier": "tasks",
    "SeriesRegressor": "tasks",
    "State": "state",
    "Tagger": "tasks",
    "TextClassifier": "tasks",
    "Translator": "tasks",
    "TreeClassifier": "tasks",
    "artifact": "artifact",
    "cell": "cells",
    "cells": "cells",
    "certificates": "certificates",
    "certify": "certificates",
    "compile": "compiling",
    "compiling": "compiling",
    "data": "data",
    "errors": "errors",
    "from_keras": "importing",
    "from_onnx": "importing",
    "from_torch": "importing",
    "heads": "heads",
    "importing": "importing",
    "layers": "layers",
    "load": "tasks",
    "lowering": "lowering",
    "model": "model",
    "nn": "nn",
    "ops": "ops",
    "plan": "plan",
    "save": "artifact",
    "stream": "streaming",
    "streaming": "streaming",
    "tasks": "tasks",
    "train": "train",
}

if typing.TYPE_CHECKING:
    from ostinato import (
        artifact,
        cells,
        certificates,
        compiling,
        data,
        errors,
        heads,
        importing,
        layers,
        lowering,
        model,
        nn,
        ops,
        plan,
        streaming,
        tasks,
        train,
    )
    from ostinato.artifact import save
    from ostinato.cells import cell
    from ostinato.certificates import certify
    from ostinato.compiling import compile
    from ostinato.errors import DataError, OptionError, OstinatoError
    from ostinato.forest import Forest
    from ostinato.importing import from_keras, from_onnx, from_torch
    from ostinato.sequence import Sequences
    from ostinato.state import State
    from ostinato.streaming import stream
    from ostinato.tasks import (
        AnomalyDetector,
        Forecaster,
        IntentParser,
        LanguageModel,
        RemainingLife,
        Seq2Seq,
        SeriesClassifier,
        SeriesRegressor,
        Tagger,
        TextClassifier,
        Translator,
        TreeClassifier,
        load,
    )

__all__ = [
    "AnomalyDetector",
    "DataError",
    "Forecaster",
    "Forest",
    "IntentParser",
    "LanguageModel",
    "OptionError",
    "OstinatoError",
    "RemainingLife",
    "Seq2Seq",
    "Sequences",
    "SeriesClassifier",
    "SeriesRegressor",
    "State",
    "Tagger",
    "TextClassifier",
    "Translator",
    "TreeClassifier",
    "artifact",
    "cell",
    "cells",
    "certificates",
    "certify",
    "compile",
    "compiling",
    "data",
    "errors",
    "from_keras",
    "from_onnx",
    "from_torch",
    "heads",
    "importing",
    "layers",
    "load",
    "lowering",
    "model",
    "nn",
    "ops",
    "plan",
    "save",
    "stream",
    "streaming",
    "tasks",
    "train",
]


def __getattr__(name: str) -> typing.Any:
    """Import a public name when it is first used."""
    if name == "__version__":
        from importlib.metadata import version

        return version("ostinato")
    if name not in _PLACES:
        raise AttributeError(f"module 'ostinato' has no attribute '{name}'")
    # Whatever a module of ours lacks is in this extra; the message has the command that installs it.
    module = needs(f"ostinato.{_PLACES[name]}", "train")
    value = module if name == _PLACES[name] else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return sorted({*globals(), *__all__, "__version__"})
