"""The list of networks that every exporter is held to: all cells, all shapes of networks, a model of each task."""

from __future__ import annotations

import functools
from typing import Any

import torch

import ostinato as ost
from ostinato.cells import BUILT_IN
from ostinato.layers import Recurrent
from ostinato.model import build
from ostinato.plan import Plan, plan_of
from tests.streaming.live_models import CAUSAL, case
from tests.streaming.watched import detector
from tests.tasks.series_sets import waves

TEXTS = ["turn on the light", "light on please", "stop it", "please stop now"]
LABELS = ["light", "light", "halt", "halt"]
POOLS = (["last"], ["mean"], ["max"], ["attention"], ["last", "mean", "max", "attention"])
STACKS: dict[str, tuple[str, dict[str, Any]]] = {
    "residual and norm": ("gru", {"layers": 3, "residual": True, "norm": True}),
    "projection": ("lstm", {"layers": 2, "projection": 3}),
    "projection inside": ("lstm_projected", {"layers": 2, "projection": 3}),
    "derived stack": ("mgu", {"layers": 2, "residual": True, "norm": True}),
    "layer norm": ("lstm", {"layer_norm": "gates"}),
    "layer norm of a gru": ("gru", {"layer_norm": "gates"}),
    "zoneout": ("gru", {"zoneout": 0.1}),
    "clip": ("lstm", {"clip": 0.5}),
    "dropout": ("lstm", {"recurrent_dropout": 0.2, "state_dropout": 0.3}),
}
BOTH_WAYS = ("elman_relu", "lstm", "lstm_peephole", "gru", "gru_reset_before", "mgu", "slstm", "cfc", "minlstm")


def layer(cell: Any, inputs: int = 5, hidden: int = 8, **options: Any) -> Recurrent:
    """A layer whose weights are all different from where they start, biases too."""
    made = Recurrent(cell, inputs, hidden, **options).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in made.parameters():
            weight += 0.1 * torch.randn(weight.shape, generator=generator)
    return made


def network(pool: list[str], **body: Any) -> Any:
    """A network that reads ids and answers once, or without pooling at every step."""
    parts = {
        "embed": {"kind": "ids", "count": 11, "width": 4},
        "body": {"cell": "gru", "hidden": 6, **body},
        **({"pool": pool} if pool else {}),
        "head": {"kind": "classify", "classes": 3},
    }
    return build(parts).eval()


def language(head: dict[str, Any], count: int, width: int) -> Any:
    """A network that reads ids and says how likely each is to come next."""
    parts = {
        "embed": {"kind": "ids", "count": count, "width": width},
        "body": {"cell": "lstm", "hidden": 6},
        "head": {"kind": "language", "tokens": count, **head},
    }
    return build(parts).eval()


@functools.cache
def classifier(bag: float, buckets: int, **options: Any) -> Any:
    """A text classifier that saw four sentences."""
    fixed = {"hidden": 6, "embedding": 4, "epochs": 3, "holdout": 0, "device": "cpu", **options}
    model = ost.TextClassifier(bag=bag, buckets=buckets, **fixed)
    return model.fit(TEXTS, LABELS, progress=False)


@functools.cache
def tagger(**options: Any) -> Any:
    """A tagger that saw four sentences, and tags each word by itself."""
    fixed = {"hidden": 6, "embedding": 4, "epochs": 3, "holdout": 0, "device": "cpu", "buckets": 30, **options}
    rows = [(text.split(), [label] * len(text.split())) for text, label in zip(TEXTS, LABELS, strict=True)]
    return ost.Tagger(field="softmax", min_count=1, **fixed).fit(rows, progress=False)


# One of each task on series, and what reads or answers in a way of its own.
SERIES = (
    *("classifier", "classifier, attention", "classifiers that answer as one", "regressor", "life"),
    *("forecaster, student", "forecaster, quantiles", "forecaster, told what a series is"),
)


def series(name: str) -> Any:
    """A model of series that streams."""
    return case(name).model


def both_ways() -> Any:
    """A classifier of series that reads them in both directions."""
    options = {**CAUSAL, "bidirectional": True, "pooling": "last+mean+max"}
    return ost.SeriesClassifier(**options).fit(*waves(), progress=False)


MODELS: dict[str, Any] = {
    **{name: functools.partial(layer, name) for name in BUILT_IN},
    **{what: functools.partial(layer, cell, 5, 6, **options) for what, (cell, options) in STACKS.items()},
    **{
        f"{name} both ways": functools.partial(layer, name, layers=2, bidirectional=True, norm=True)
        for name in BOTH_WAYS
    },
    "ids": functools.partial(network, []),
    **{"ids, " + "+".join(pool): functools.partial(network, pool) for pool in POOLS},
    "ids both ways": functools.partial(network, ["last", "max"], bidirectional=True),
    **{
        f"text, bag {bag}, buckets {buckets}": functools.partial(classifier, bag, buckets, bidirectional=False)
        for bag in (0.0, 0.5)
        for buckets in (0, 30)
    },
    "ids, fewer than the embedding is wide": functools.partial(language, {}, 5, 8),
    "language": functools.partial(language, {}, 11, 4),
    "language, tied": functools.partial(language, {"tied": True}, 11, 4),
    "language, in groups": functools.partial(language, {"cutoffs": [4, 7]}, 11, 4),
    **{name: functools.partial(series, name) for name in SERIES},
    "detector": functools.partial(detector, 3),
    "series both ways": both_ways,
    "tags": functools.partial(tagger, bidirectional=False),
    "tags both ways": functools.partial(tagger),
    "text both ways": functools.partial(classifier, 0.5, 30, bidirectional=True),
}


@functools.cache
def plan(name: str) -> Plan:
    """The plan of a member of the list."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return plan_of(source(name))


@functools.cache
def source(name: str) -> Any:
    """The network of a member of the list."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MODELS[name]()


STEPPING = tuple(name for name in MODELS if "both ways" not in name)
