"""Floor 8: whole tasks, from a file of examples to a model that answers; thin over the floors below."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from ostinato.errors import ArtifactError, nearest, needs

if TYPE_CHECKING:
    from ostinato.tasks.anomaly_detector import AnomalyDetector
    from ostinato.tasks.anomaly_report import AnomalyEvaluation
    from ostinato.tasks.evaluation import Evaluation
    from ostinato.tasks.forecast_evaluation import ForecastEvaluation
    from ostinato.tasks.forecaster import Forecaster
    from ostinato.tasks.intent_parser import IntentParser
    from ostinato.tasks.intent_report import IntentEvaluation
    from ostinato.tasks.language_model import LanguageModel
    from ostinato.tasks.language_report import LanguageReport
    from ostinato.tasks.number_report import NumberReport
    from ostinato.tasks.remaining_life import RemainingLife
    from ostinato.tasks.seq2seq import Seq2Seq
    from ostinato.tasks.seq2seq_report import Seq2SeqReport
    from ostinato.tasks.series_classifier import SeriesClassifier
    from ostinato.tasks.series_regressor import SeriesRegressor
    from ostinato.tasks.tag_report import TagEvaluation
    from ostinato.tasks.tagger import Tagger
    from ostinato.tasks.text_classifier import TextClassifier
    from ostinato.tasks.translator import Translator
    from ostinato.tasks.tree_classifier import TreeClassifier

__all__ = [
    "AnomalyDetector",
    "AnomalyEvaluation",
    "Evaluation",
    "ForecastEvaluation",
    "Forecaster",
    "IntentEvaluation",
    "IntentParser",
    "LanguageModel",
    "LanguageReport",
    "NumberReport",
    "RemainingLife",
    "Seq2Seq",
    "Seq2SeqReport",
    "SeriesClassifier",
    "SeriesRegressor",
    "TagEvaluation",
    "Tagger",
    "TextClassifier",
    "Translator",
    "TreeClassifier",
    "load",
]

# A task's name in model files and on the command line, and the class that knows it.
TASKS = {
    "anomaly-detector": ("ostinato.tasks.anomaly_detector", "AnomalyDetector"),
    "forecaster": ("ostinato.tasks.forecaster", "Forecaster"),
    "intent-parser": ("ostinato.tasks.intent_parser", "IntentParser"),
    "language-model": ("ostinato.tasks.language_model", "LanguageModel"),
    "remaining-life": ("ostinato.tasks.remaining_life", "RemainingLife"),
    "seq2seq": ("ostinato.tasks.seq2seq", "Seq2Seq"),
    "series-classifier": ("ostinato.tasks.series_classifier", "SeriesClassifier"),
    "series-regressor": ("ostinato.tasks.series_regressor", "SeriesRegressor"),
    "tagger": ("ostinato.tasks.tagger", "Tagger"),
    "text-classifier": ("ostinato.tasks.text_classifier", "TextClassifier"),
    "translator": ("ostinato.tasks.translator", "Translator"),
    "tree-classifier": ("ostinato.tasks.tree_classifier", "TreeClassifier"),
}

# Looked up when used: the options of a task must be readable without numpy.
_HOMES = {
    "AnomalyDetector": "anomaly_detector",
    "AnomalyEvaluation": "anomaly_report",
    "Evaluation": "evaluation",
    "ForecastEvaluation": "forecast_evaluation",
    "Forecaster": "forecaster",
    "IntentEvaluation": "intent_report",
    "IntentParser": "intent_parser",
    "LanguageModel": "language_model",
    "LanguageReport": "language_report",
    "NumberReport": "number_report",
    "RemainingLife": "remaining_life",
    "Seq2Seq": "seq2seq",
    "Seq2SeqReport": "seq2seq_report",
    "SeriesClassifier": "series_classifier",
    "SeriesRegressor": "series_regressor",
    "TagEvaluation": "tag_report",
    "Tagger": "tagger",
    "TextClassifier": "text_classifier",
    "Translator": "translator",
    "TreeClassifier": "tree_classifier",
}


def load(path: str | os.PathLike[str], *, trust_cell: bool = False) -> Any:
    """Read a model from its file, whatever its task; all of the file is verified and nothing in it is run.

    >>> load("intents.safetensors")
    Traceback (most recent call last):
    ostinato.errors.ArtifactError: there is no file intents.safetensors; ...

    A cell of one's own is in the file as a graph of operations, and the plain loop runs it. ``trust_cell=True`` allows
    to compile it; a file without such a cell needs no trust.
    """
    from ostinato import artifact

    source = os.fsdecode(path)
    stored = artifact.read(path)
    if stored.manifest["kind"] == "network":
        needs("torch", "train")
        from ostinato.model import restored

        return restored(stored, source, trust_cell=trust_cell)
    if stored.manifest["kind"] != "model":
        raise ArtifactError(
            f"{source} is a {stored.manifest['kind']}, wanted a model; go on training from it, then save the model"
        )
    task = stored.manifest.get("task")
    if not isinstance(task, str) or task not in TASKS:
        raise ArtifactError(
            f"{source} is a model of the task {task!r:.40}, which is not known; {nearest(str(task), TASKS)}"
        )
    module, name = TASKS[task]
    return getattr(importlib.import_module(module), name).from_artifact(stored, source, trust_cell=trust_cell)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"ostinato.tasks.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'ostinato.tasks' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
