"""From a model file, or a network at hand, to its plan."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from ostinato import artifact
from ostinato.artifact import Artifact
from ostinato.cells import Cell, find
from ostinato.data.labels import Labels
from ostinato.data.language.tokens import Tokens
from ostinato.data.words import Vocabulary
from ostinato.errors import ArtifactError, OstinatoError, PlanError, nearest
from ostinato.lowering.blueprint import Blueprint
from ostinato.lowering.rebuild import cell_from_data
from ostinato.lowering.variants import resting
from ostinato.lowering.varied import varied
from ostinato.plan import series
from ostinato.plan.members import member_of, together
from ostinato.plan.network import Answers, Plan
from ostinato.plan.program import Ids
from ostinato.plan.steps import (
    Adaptive,
    Affine,
    Array,
    Bag,
    Join,
    LogSoftmax,
    Lookup,
    Mix,
    Norm,
    Pool,
    Recur,
    Softmax,
    Step,
    Sum,
)

# What acts in training only, and what a finished network does not read any more.
_TRAINING = (
    "enter_dropout",
    "locked",
    "dropout",
    "input_dropout",
    "output_dropout",
    "weight_drop",
    "timescale",
    "engine",
)
_INSIDE = ("layer_norm", "zoneout", "clip", "recurrent_dropout", "state_dropout")
_BODY = ("kind", "cell", "hidden", "layers", "bidirectional", "projection", "residual", "norm", *_INSIDE, *_TRAINING)
_TASKS = ("text-classifier", "tagger", "language-model", *series.TASKS)
# Why others have no plan, unless it is that they do not go step by step.
_WHOLE = {"intent-parser": "it answers a request as a whole; ask it by 'ostinato predict'"}
# Models that read texts, word by word.
_READERS = ("text-classifier", "tagger")
_EPSILON = 1e-5
# What the numbers that a head of some kind makes are called.
_SHOWN = {
    "classify": "probabilities",
    "tag": "probabilities",
    "language": "log_probabilities",
    "point": "y",
    "regress": "y",
}
_UNITS = (("shift", (0.0,)), ("scale", (1.0,)))
_REACH = 25.0


def plan_of(source: Any) -> Plan:
    """The plan of a model file (a path), of a file that was read, or of a network or layer at hand.

    Raises :class:`~ostinato.errors.PlanError` for what has no plan, and :class:`~ostinato.errors.ArtifactError` for a
    file that cannot be read.
    """
    if isinstance(source, str | os.PathLike):
        return plan_of(artifact.read(source))
    if isinstance(source, Artifact):
        return _planned(source)
    described = getattr(source, "description", None)
    if not callable(described):
        raise PlanError(
            f"a plan wanted a model file, a trained model, or a layer of ostinato.layers, got {type(source).__name__}"
        )
    manifest, tensors = described()
    return _planned(artifact.sealed(tensors, manifest))


def _planned(stored: Artifact) -> Plan:
    manifest = stored.manifest
    kind, task = manifest.get("kind"), manifest.get("task")
    if kind not in ("model", "network"):
        raise PlanError(f"a plan wanted a model, got a {kind}; go on training from it, then save the model")
    if task not in (None, *_TASKS):
        known = ", ".join(f"'{name}'" for name in _TASKS)
        usual = "trees are no streams" if str(task).startswith("tree") else "it does not go step by step"
        why = _WHOLE.get(str(task), usual)
        raise PlanError(f"a model of the task '{task}' has no plan: {why}; known: {known}")
    try:
        return together([_Reader(one).plan() for one in member_of(stored)])
    except OstinatoError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ArtifactError(f"the model cannot be laid out as steps: {type(error).__name__}: {error}") from error


class _Reader:
    """Reads one model, tensor by tensor; what is left over at the end is refused."""

    def __init__(self, stored: Artifact) -> None:
        self.manifest, self.tensors, self.digest = stored.manifest, dict(stored.tensors), stored.digest
        self.parts: Mapping[str, Any] = stored.manifest["architecture"]
        self.numbers: dict[str, int] = {}
        self.ids: dict[str, Ids] = {}
        self.steps: list[Step] = []

    def plan(self) -> Plan:
        """The whole network, from its inputs to its answers."""
        unknown = set(self.parts) - {"embed", "body", "pool", "head", "beside"}
        if unknown:
            raise PlanError(f"an architecture has no part {sorted(unknown)[0]!r}")
        self.entered = value = self.embed(self.parts["embed"])
        value = self.body(dict(self.parts["body"]), value)
        if self.parts.get("pool"):
            value = self.pool(list(self.parts["pool"]), value)
        outputs = {"y": value.writes}
        if "head" in self.parts:
            shown = _SHOWN.get(self.parts["head"]["kind"], "parameters")
            outputs = {shown: self.head(self.parts["head"], value).writes}
        if self.tensors:
            raise PlanError(f"the model has tensors that no step reads: {', '.join(sorted(self.tensors)[:5])}")
        task = self.manifest.get("task")
        vocabulary = Vocabulary.from_dict(self.manifest["vocabulary"]) if task in _READERS else None
        answers = self.answers() if "labels" in self.manifest else None
        reading, steps = series.reading_of(self.manifest), tuple(self.steps)
        tokens = self.tokens() if task == "language-model" else None
        return Plan(self.numbers, self.ids, steps, outputs, self.digest, task, vocabulary, answers, reading, tokens)

    def answers(self) -> Answers:
        fields = {name: value for name, value in self.manifest["labels"].items() if name != "kind"}
        labels = Labels.from_dict(fields)
        outside = self.manifest["options"].get("out_of_scope")
        if len(labels) != self.parts["head"]["classes"] or (outside is not None and outside not in labels.names):
            raise PlanError(
                f"the network has {self.parts['head']['classes']} classes and the file {len(labels)} labels"
            )
        return Answers(labels.names, outside, float(self.manifest.get("threshold", 0.0)))

    def tokens(self) -> Tokens:
        """What a language model reads and writes, one name for each id of its network."""
        tokens = Tokens.from_dict(self.manifest["tokens"])
        head = self.parts["head"]
        if head["kind"] != "language" or self.parts["embed"]["kind"] != "ids":
            raise PlanError("a language model reads ids and has a head of the kind 'language'")
        if not tokens.size == head["tokens"] == self.ids["words"].count:
            raise PlanError(f"the network has {head['tokens']} tokens and the file {tokens.size}")
        return tokens

    def take(self, name: str, *shape: int | None) -> Array:
        """One tensor, floating point of the shape that is wanted; None stands for any length."""
        if name not in self.tensors:
            raise PlanError(f"the model has no tensor '{name}'; {nearest(name, self.tensors)}")
        array = self.tensors.pop(name)
        fits = array.ndim == len(shape) and all(w in (None, n) for w, n in zip(shape, array.shape, strict=True))
        if not fits or array.dtype.kind != "f":
            raise PlanError(f"the tensor '{name}' wanted numbers {list(shape)}, got {array.dtype} {list(array.shape)}")
        if not np.isfinite(array).all():
            raise PlanError(f"the tensor '{name}' holds what is not a finite number; train the model anew")
        return array

    def add(self, step: Step) -> Step:
        self.steps.append(step)
        return step

    def embed(self, options: Mapping[str, Any]) -> Step:
        kind = options["kind"]
        if kind == "series":
            return self.series(options)
        width = options["width"]
        if kind == "numbers":
            self.numbers["x"] = _width(width)
            return Step((), "x", width)
        if kind not in ("ids", "words"):
            raise PlanError(f"embed got the kind {kind!r}; {nearest(str(kind), ('numbers', 'ids', 'words'))}")
        table = self.take("embed.table.weight" if kind == "ids" else "embed.words.weight", None, width)
        self.ids["words"] = Ids(len(table))
        value = self.add(Lookup(("words",), "embedded", width, table, self.ids["words"]))
        if kind == "words" and options["pieces"]:
            pieces = self.take("embed.pieces.weight", None, width)
            self.ids["pieces"] = Ids(len(pieces), many=True)
            other = self.add(Lookup(("pieces",), "spelt", width, pieces, self.ids["pieces"]))
            value = self.add(Sum((value.writes, other.writes), "word", width))
        return value

    def series(self, options: Mapping[str, Any]) -> Step:
        """A step of a series: its columns, what says that nothing is observed any more, and what never changes."""
        flag = bool(options.get("flagged", True))
        width = _width(options["observed"] + options["ahead"] + options.get("static", 0) + flag)
        self.numbers["x"] = width
        value = Step((), "x", width)
        parts = [value]
        for place, count in enumerate(options.get("categories", ())):
            name, wide = f"category{place}", _width(options.get("vector", 8))
            table = self.take(f"embed.vectors.{place}.weight", _width(count + 1), wide)
            self.ids[name] = Ids(len(table))
            parts.append(self.add(Lookup((name,), f"{name}_vector", wide, table, self.ids[name])))
        if len(parts) == 1:
            return value
        return self.add(Join(tuple(part.writes for part in parts), "entered", sum(part.width for part in parts)))

    def body(self, options: dict[str, Any], below: Step) -> Step:
        kind = options.get("kind", "sequence")
        if kind == "hybrid":
            raise PlanError(
                "this network has convolutions beside its recurrence, which see steps that have not come yet: it has "
                "no plan; train it with convolution=0, for a stream with bidirectional=False too"
            )
        if kind != "sequence":
            raise PlanError("a network over trees has no plan: a tree is no stream")
        for name in options:
            if name not in _BODY:
                raise PlanError(f"body has no option '{name}'; {nearest(name, _BODY)}")
        cell = _cell(options)
        hidden, layers = options["hidden"], options.get("layers")
        count = (1 if layers is None else _width(layers)) if isinstance(hidden, int) else len(hidden)
        # Before a list of so many is made.
        if count > len(self.tensors):
            raise PlanError(f"{count} layers cannot come from {len(self.tensors)} tensors")
        widths = [hidden] * count if isinstance(hidden, int) else list(hidden)
        for layer, width in enumerate(widths):
            ways = 2 if options.get("bidirectional") else 1
            outputs = [self.direction(cell, options, below, layer, way, width) for way in range(ways)]
            value: Step = outputs[0]
            if ways == 2:
                names = tuple(step.writes for step in outputs)
                value = self.add(Join(names, f"layer{layer}", sum(step.width for step in outputs)))
            below = self.after(options, below, value, layer, len(widths))
        return below

    def direction(self, cell: Cell, options: Mapping[str, Any], below: Step, layer: int, way: int, hidden: int) -> Step:
        shown = options.get("projection") if cell.projected is not None else None
        shapes = cell.shapes(below.width, _width(hidden), shown)
        weights = {name: self.take(f"body.layers.{layer}.{way}.{name}", *shape) for name, shape in shapes.items()}
        name = f"layer{layer}" + ("_reverse" if way else "_forward" if options.get("bidirectional") else "")
        given = {}
        for extra in cell.inputs:
            given[extra] = extra
            self.numbers.setdefault(extra, 1)
        drawn = Blueprint.of(cell)
        state = {part: f"{name}.{part}" for part in cell.state}
        width = cell.widths(hidden, shown)[cell.output]
        reads = (below.writes,)
        return self.add(Recur(reads, name, width, drawn, weights, below.width, hidden, bool(way), state, given))

    def after(self, options: Mapping[str, Any], below: Step, value: Step, layer: int, layers: int) -> Step:
        """What happens to a layer's output before the next layer sees it."""
        projection = options.get("projection")
        if projection is not None and f"body.projections.{layer}.weight" in self.tensors:
            place = f"body.projections.{layer}"
            weight = self.take(f"{place}.weight", projection, value.width)
            bias = self.take(f"{place}.bias", projection)
            value = self.add(Affine((value.writes,), f"projected{layer}", projection, weight, bias))
        if options.get("residual") and layer > 0:
            value = self.add(Sum((value.writes, below.writes), f"residual{layer}", value.width))
        if options.get("norm") and layer < layers - 1:
            gain = self.take(f"body.norms.{layer}.weight", value.width)
            shift = self.take(f"body.norms.{layer}.bias", value.width)
            value = self.add(Norm((value.writes,), f"normed{layer}", value.width, gain, shift, _EPSILON))
        return value

    def pool(self, kinds: list[str], value: Step) -> Step:
        weights: dict[str, Array] = {}
        width = value.width
        if "attention" in kinds:
            weights = {
                "A": self.take("pool.score.0.weight", width, width),
                "a": self.take("pool.score.0.bias", width),
                "v": self.take("pool.score.2.weight", 1, width),
            }
        pools = []
        for kind in kinds:
            if kind not in ("last", "mean", "max", "attention"):
                raise PlanError(f"unknown pooling '{kind}'")
            held = weights if kind == "attention" else {}
            pools.append(self.add(Pool((value.writes,), f"pool_{kind}", width, kind, held)))
        if len(pools) == 1:
            return pools[0]
        return self.add(Join(tuple(step.writes for step in pools), "pooled", width * len(pools)))

    def head(self, options: Mapping[str, Any], value: Step) -> Step:
        kind = options["kind"]
        if kind == "language":
            return self.language(options, value)
        if kind == "regress":
            return self.regress(options, value)
        if kind not in ("classify", "tag"):
            return self.forecast(options, value)
        if kind == "tag":
            _check_tags(options)
        classes, layer = _width(options["classes"]), "scores" if kind == "classify" else "emissions"
        weight = self.take(f"head.{layer}.weight", classes, value.width)
        bias = self.take(f"head.{layer}.bias", classes)
        scores = self.add(Affine((value.writes,), "scores", classes, weight, bias))
        shares = self.add(Softmax((scores.writes,), "shares", classes))
        if not self.parts.get("beside"):
            return shares
        other = self.bag(self.parts["beside"], classes)
        mixed = Mix((shares.writes, other.writes), "mixed", classes, float(self.parts["beside"]["share"]))
        return self.add(mixed)

    def regress(self, options: Mapping[str, Any], value: Step) -> Step:
        """Numbers in the units of the targets: shift + scale (V f + a), as one map."""
        shift, scale = (np.array(options.get(name, usual), np.float64) for name, usual in _UNITS)
        outputs = _width(len(scale))
        if scale.shape != shift.shape or not (np.isfinite(shift).all() and np.isfinite(scale).all()):
            raise PlanError("a head of numbers wanted a finite shift and a finite scale for each of them")
        weight = self.take("head.values.weight", outputs, value.width) * scale[:, None]
        bias = self.take("head.values.bias", outputs) * scale + shift
        return self.add(Affine((value.writes,), "numbers", outputs, weight, bias))

    def forecast(self, options: Mapping[str, Any], value: Step) -> Step:
        """The parameters of a forecast, those of one target after another; it may see what is read at its step."""
        from ostinato.heads.forecast_numbers import KINDS, parameters_of

        if options["kind"] not in KINDS:
            known = ("classify", "regress", *KINDS)
            raise PlanError(f"head got the kind {options['kind']!r:.40}; {nearest(str(options['kind']), known)}")
        if options.get("skip"):
            names = (value.writes, self.entered.writes)
            value = self.add(Join(names, "seen", value.width + self.entered.width))
        outputs = _width(_width(options["outputs"]) * parameters_of(options))
        weight = self.take("head.numbers.weight", outputs, value.width)
        return self.add(Affine((value.writes,), "foretold", outputs, weight, self.take("head.numbers.bias", outputs)))

    def language(self, options: Mapping[str, Any], value: Step) -> Step:
        """log p of every token, by a map of its own, by the embedding's table, or in groups."""
        tokens = _width(options["tokens"])
        if options.get("cutoffs"):
            borders = [_width(border) for border in options["cutoffs"]]
            first = self.take("head.adaptive.head.weight", borders[0] + len(borders), value.width)
            groups = []
            for k, size in enumerate(np.diff([*borders, tokens]).tolist()):
                inner = self.take(f"head.adaptive.tail.{k}.0.weight", None, value.width)
                groups.append((inner, self.take(f"head.adaptive.tail.{k}.1.weight", size, len(inner))))
            return self.add(Adaptive((value.writes,), "logs", tokens, first, tuple(groups)))
        if options.get("tied"):
            table = next(step.table for step in self.steps if isinstance(step, Lookup))
            if "head.projection.weight" in self.tensors:
                weight = self.take("head.projection.weight", table.shape[1], value.width)
                value = self.add(Affine((value.writes,), "turned", len(weight), weight, None))
            if table.shape != (tokens, value.width):
                raise PlanError(f"tied scores wanted an embedding [{tokens}, {value.width}], got {list(table.shape)}")
            scores = Affine((value.writes,), "scores", tokens, table, self.take("head.bias", tokens))
        else:
            weight = self.take("head.scores.weight", tokens, value.width)
            scores = Affine((value.writes,), "scores", tokens, weight, self.take("head.scores.bias", tokens))
        return self.add(LogSoftmax((self.add(scores).writes,), "logs", tokens))

    def bag(self, options: Mapping[str, Any], classes: int) -> Step:
        """The scores of the bag beside the network, as probabilities."""
        tables = {"words": self.take("beside.words", self.ids["words"].count, classes)}
        if options["pieces"]:
            tables["pieces"] = self.take("beside.pieces", options["pieces"], classes)
            self.ids.setdefault("pieces", Ids(options["pieces"], many=True))
        if options["pairs"]:
            tables["pairs"] = self.take("beside.pairs", options["pairs"], classes)
            self.ids["pairs"] = self.ids["edges"] = Ids(options["pairs"])
        reads = tuple(name for name in ("words", "pieces", "pairs", "edges") if name in self.ids)
        bias = self.take("beside.bias", classes)
        scores = self.add(Bag(reads, "bag", classes, tables, bias, _REACH))
        return self.add(Softmax((scores.writes,), "bag_shares", classes))


def _check_tags(options: Mapping[str, Any]) -> None:
    """Refuse tags of which the last one decides what the first one is."""
    if options.get("field", "softmax") == "softmax" and options.get("allowed") is None:
        return
    kind = "they are one sequence, a crf" if options.get("field") == "crf" else "they keep to a scheme of spans"
    raise PlanError(
        f"the tags of this model have no plan: {kind}, and which one is best is known at its end; ask it by 'ostinato "
        "predict', or train it with field='softmax' and scheme='none', for a stream with bidirectional=False too"
    )


def _cell(options: Mapping[str, Any]) -> Cell:
    """The cell of a body at rest: with what acts inside its loop, and without noise."""
    cell = cell_from_data(options["cell"]) if isinstance(options["cell"], Mapping) else find(options["cell"])
    asked = {name: options[name] for name in _INSIDE if options.get(name) is not None}
    return resting(varied(cell, **asked))


def _width(number: Any) -> int:
    if type(number) is not int or not 1 <= number <= 1 << 24:
        raise PlanError(f"a width wanted a whole number from 1 on, got {number!r:.40}")
    return number
