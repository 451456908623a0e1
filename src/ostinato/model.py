"""A network as a whole: embed, body, pooling, head, joined by an architecture that is plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ostinato.artifact import Artifact
from ostinato.errors import ArtifactError, OptionError, OstinatoError, ShapeError, nearest
from ostinato.heads.classify import Classify
from ostinato.heads.forecast import FORECASTS, Forecast, Forecasted
from ostinato.heads.forecast_numbers import UNMOVED
from ostinato.heads.nodes import Nodes
from ostinato.heads.regress import Regress
from ostinato.layers import (
    Bag,
    Dropout,
    Hybrid,
    LockedDropout,
    Pooling,
    Recurrent,
    SeriesSteps,
    TreeFold,
    WordEmbedding,
)
from ostinato.layers.series_steps import Joined, ahead_of
from ostinato.layers.stored import stored_weights
from ostinato.lowering.rebuild import cell_from_data, stored_cell
from ostinato.sequence import valid_steps

if TYPE_CHECKING:
    from ostinato.data.batch import Batch


@dataclass(frozen=True)
class Activity:
    """What the recurrent body showed at each step of a batch: y [B, T, D], with its lengths and resets."""

    y: Tensor
    lengths: Tensor | None = None
    reset: Tensor | None = None


@dataclass(frozen=True)
class Step:
    """What one batch gave: the loss to descend, the state to go on from, how many examples, sums to report.

    ``activity`` is what penalties on the body's outputs look at; a model without it cannot be trained with them.
    """

    loss: Tensor
    state: Any
    count: int
    measures: dict[str, Tensor]
    activity: Activity | None = None


class Model(nn.Module):
    """Embeds a batch, runs it through a recurrent body, pools it or not, and hands it to a head.

    >>> model = build({
    ...     "embed": {"kind": "numbers", "width": 3},
    ...     "body": {"cell": "gru", "hidden": 4},
    ...     "pool": ["last"],
    ...     "head": {"kind": "classify", "classes": 2},
    ... })
    >>> model.decode(torch.zeros(5, 7, 3)).shape
    torch.Size([5, 2])

    Without pooling the head answers at every step. ``architecture`` says it all: :func:`build` makes the same network
    from it. A body of the kind "hybrid" has convolutions beside the recurrence; one of the kind "tree" folds forests,
    for a head of the kind "nodes". The optional part ``beside`` is a :class:`~ostinato.layers.Bag` with a ``share`` of
    the answer: it learns from its own loss, and the probabilities of both are mixed,
    p = (1 - share) p_network + share p_bag.
    """

    def __init__(self, architecture: Mapping[str, Any]) -> None:
        super().__init__()
        parts = dict(architecture)
        for name in parts:
            if name not in PARTS:
                raise OptionError(f"an architecture has no part '{name}'; {nearest(name, PARTS)}")
        for name in ("embed", "body", "head"):
            if name not in parts:
                raise OptionError(f"an architecture wanted the part '{name}', got {', '.join(parts) or 'none'}")
        self.architecture = parts
        self.embed = _made("embed", EMBEDS, parts["embed"])
        self.enter, self.body = _body(dict(parts["body"]), self.embed.width)
        self.folds = isinstance(self.body, TreeFold)
        self.pool = Pooling(parts["pool"], self.body.width) if parts.get("pool") else None
        width = self.body.width if self.pool is None else self.pool.width
        head = dict(parts["head"])
        # What a forecast also sees: what was read at its step, of which nothing is dropped.
        self.skips = bool(head.pop("skip", False))
        self.leave = Dropout(head.pop("dropout", 0.0) if self.skips else 0.0)
        width += self.embed.width if self.skips else 0
        self.head = _made("head", HEADS, {"inputs": width, **head})
        self.foretells = isinstance(self.head, Forecast)
        _check_series(parts, self.foretells, isinstance(self.embed, _Series), self.skips)
        _check_trees(parts, self.folds, isinstance(self.head, Nodes))
        self.share, self.beside = _beside(parts.get("beside"), parts["head"])

    def description(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The network as data for a file, a stream or an export: a manifest and the weights by name."""
        return {"kind": "network", "architecture": stored(self.architecture)}, stored_weights(self)

    def features(self, batch: Batch | Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """What the head sees, [B, width], [B, T, width] or [N, width] for a forest, and the body's last state."""
        if self.folds:
            return self._folded(batch, state)
        activity, last = self._shown(batch, state)
        return self._pooled(activity), last

    def _folded(self, batch: Batch | Tensor, state: Any) -> tuple[Tensor, Any]:
        """What the body shows at every node of a forest, and the state of every node."""
        forest = getattr(batch, "forest", None)
        if forest is None:
            raise ShapeError("a body of the kind 'tree' wanted a batch with a forest, got one without")
        y, states = self.body(self.enter(self.embed(batch)), forest, state)
        return y, states

    def _shown(self, batch: Batch | Tensor, state: Any) -> tuple[Activity, Any]:
        """What the body shows at every step, and its last state."""
        lengths, reset = getattr(batch, "lengths", None), getattr(batch, "reset", None)
        y, last = self.body(self.enter(self.embed(batch)), state, lengths=lengths, reset=reset)
        return Activity(y, lengths, reset), last

    def _pooled(self, activity: Activity) -> Tensor:
        return activity.y if self.pool is None else self.pool(activity.y, activity.lengths)

    def loss(self, batch: Batch, state: Any = None) -> Step:
        """The training loss of a batch with targets, and sums of what a report shows."""
        if batch.target is None:
            raise ShapeError("a loss wanted a batch with targets, got one without")
        if self.folds:
            y, _ = self._folded(batch, state)
            scores, roots = self.head(y), batch.forest.roots  # type: ignore[union-attr]
            loss = self.head.loss(scores, batch.target, roots)
            return Step(loss, None, len(batch), self.head.measure(scores, batch.target, roots), Activity(y[None]))
        if self.foretells and self.pool is None:
            return self._foretold(batch, state)
        activity, last = self._shown(batch, state)
        features, target, weight = self._pooled(activity), batch.target, batch.weight
        if self.pool is None and batch.lengths is not None:
            valid = valid_steps(batch.lengths, target.shape[1])
            features, target = features[valid], target[valid]
            weight = None if weight is None else weight[:, None].expand(valid.shape)[valid]
        scores = self.head(features)
        if self.beside is not None:
            return self._both(batch, activity, scores, target, weight)
        loss = self.head.loss(scores, target, weight)
        # The end of a window is no beginning for a direction that comes from the other side.
        onward = None if self.body.bidirectional else last
        return Step(loss, onward, target.numel(), self.head.measure(scores, target), activity)

    def ahead(self, batch: Batch, state: Any = None) -> tuple[Tensor, Activity, Any]:
        """What a forecast sees for each step after a window [B, h, width], what the body showed, and its last state.

        Without a future in the batch, that is for every step of the window but its first.
        """
        joined = self.embed.joined(batch)
        y, last = self.body(self.enter(joined.x), state, lengths=joined.lengths)
        features = self.leave(ahead_of(y, joined))
        if self.skips:
            features = torch.cat([features, ahead_of(joined.x, joined).to(features.dtype)], -1)
        return features, Activity(y, joined.lengths), last

    def _foretold(self, batch: Batch, state: Any) -> Step:
        """The step of a network that forecasts; the loss is in units of each series' scale."""
        assert batch.target is not None
        features, activity, last = self.ahead(batch, state)
        parameters, target, mask = self.head(features), batch.target, batch.mask
        if batch.future is None:
            target, mask = target[:, 1:], None if mask is None else mask[:, 1:]
        scale = None
        if self.head.kind == "negative_binomial" and batch.part is not None:
            # Counts are whole numbers in their own units only.
            scale = batch.part.scale[:, None]
            target = (target * scale).round()
        loss = self.head.loss(parameters, target, mask, scale=scale, weight=batch.weight)
        return Step(loss, last, target.numel(), self.head.measure(parameters, target, mask, scale=scale), activity)

    @torch.inference_mode()
    def foresee(self, batch: Batch, levels: Sequence[float] = ()) -> Forecasted:
        """The forecast of a batch in the units of its data: means [B, h, K] and quantiles [B, h, K, L]."""
        answer: Forecasted = self.head.decode(self.ahead(batch)[0], levels, **_units(self.head, batch))
        return answer

    @torch.inference_mode()
    def draw(self, batch: Batch, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n draws of each step after the windows of a batch, each by itself: [B, n, h, K], in the units of its data."""
        drawn: Tensor = self.head.sample(self.ahead(batch)[0], n, generator, **_units(self.head, batch))
        return drawn.transpose(0, 1)

    def _both(self, batch: Batch, activity: Activity, scores: Tensor, target: Tensor, weight: Tensor | None) -> Step:
        """The step of a network with a bag beside it: two losses to train, that of the mixture to measure."""
        assert self.beside is not None
        other = self.beside(batch)
        mixture = _mixed(scores.detach(), other.detach(), self.share)
        if self.training:
            # Each learns by itself: what was mixed before the loss would leave the harder work to the other.
            loss = self.head.loss(scores, target, weight) + _PULL * self.head.loss(other, target, weight)
        else:
            # A class that both are sure to be wrong has the probability 0, whose logarithm is no loss to average.
            loss = self.head.loss(mixture.clamp(min=torch.finfo(mixture.dtype).tiny).log(), target, weight)
        return Step(loss, None, target.numel(), self.head.measure(mixture, target), activity)

    @torch.inference_mode()
    def decode(self, batch: Batch | Tensor) -> Tensor:
        """The head's answer for a batch: probabilities [B, N], or [B, T, N] without pooling, or at a forest's nodes."""
        features, _ = self.features(batch)
        if self.beside is not None:
            return _mixed(self.head(features), self.beside(batch), self.share)
        answer: Tensor = self.head.decode(features)
        return answer


class _Words(WordEmbedding):
    """Reads a batch of words."""

    def forward(self, batch: Batch) -> Tensor:  # type: ignore[override]
        if batch.table is None:
            raise ShapeError("an embedding of words wanted a batch of texts, got one without a table of words")
        return super().forward(batch.inputs, batch.table.words, batch.table.grams, batch.table.offsets)


class _Bag(Bag):
    """Reads the words of a batch whatever their order."""

    def forward(self, batch: Batch) -> Tensor:  # type: ignore[override]
        if batch.table is None or batch.lengths is None:
            raise ShapeError("a bag of words wanted a batch of texts, got one without a table of words")
        return super().forward(batch.inputs, batch.lengths, *batch.table)


class _Ids(nn.Module):
    """Reads a batch of whole numbers [B, T], a vector for each."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.table, self.width = nn.Embedding(count, width), width

    def forward(self, batch: Batch | Tensor) -> Tensor:
        vectors: Tensor = self.table(batch if isinstance(batch, Tensor) else batch.inputs)
        return vectors


class _Numbers(nn.Module):
    """Reads a batch of numbers [B, T, D] as they are."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, batch: Batch | Tensor) -> Tensor:
        numbers: Tensor = batch if isinstance(batch, Tensor) else batch.inputs
        return numbers


class _Series(SeriesSteps):
    """Reads a batch of series."""

    def forward(self, batch: Batch | Tensor) -> Tensor:  # type: ignore[override]
        if isinstance(batch, Tensor):
            return super().forward(batch).x
        return super().forward(batch.inputs, batch.lengths, None, *_constants(batch)).x

    def joined(self, batch: Batch) -> Joined:
        """The steps of a window and those ahead; without a future, each step of the window before the next."""
        if batch.future is not None:
            return super().forward(batch.inputs, batch.lengths, batch.future, *_constants(batch))
        # The sequence of a window whose own steps are foretold is one step shorter.
        seen, known = batch.inputs[:, :-1, : self.observed], batch.inputs[:, 1:, self.observed :]
        lengths = None if batch.lengths is None else (batch.lengths - 1).clamp(min=0)
        return super().forward(torch.cat([seen, known], -1), lengths, None, *_constants(batch))


def _constants(batch: Batch) -> tuple[Tensor | None, Tensor | None]:
    return (None, None) if batch.part is None else (batch.part.static, batch.part.categories)


# The bag's gradient is by far the longer one. Made small, it leaves clipping by norm to the network; the steps of
# optimizers that scale each weight's gradient (all but sgd) stay as they are.
_PULL = 0.02

PARTS = ("embed", "body", "pool", "head", "beside")
EMBEDS: dict[str, Any] = {"words": _Words, "ids": _Ids, "numbers": _Numbers, "series": _Series}
HEADS: dict[str, Any] = {"classify": Classify, "nodes": Nodes, "regress": Regress, **FORECASTS}
BODIES = ("sequence", "tree", "hybrid")


def _units(head: Forecast, batch: Batch) -> dict[str, Tensor | None]:
    """The size and the place of the series of a batch, as a head takes them."""
    if batch.part is None:
        return {}
    # Kinds that are never negative take no offset, not even one of zeros.
    shift = None if head.kind in UNMOVED else batch.part.offset[:, None]
    return {"scale": batch.part.scale[:, None], "shift": shift}


def build(architecture: Mapping[str, Any], *, trust_cell: bool = False) -> Model:
    """The network of an architecture, its weights fresh; the body's ``cell`` is a name or your own ``@cell``.

    From a file it may also be a cell as data (:func:`stored`): the plain loop runs it, and it is compiled only where
    ``trust_cell`` says that the file may decide what this machine compiles.
    """
    parts = dict(architecture)
    body = parts.get("body")
    if isinstance(body, Mapping) and isinstance(body.get("cell"), Mapping):
        parts["body"] = {**body, "cell": cell_from_data(body["cell"], trusted=trust_cell)}
    return Model(parts)


def restored(stored: Artifact, source: str, *, trust_cell: bool = False) -> Model | Recurrent:
    """The network of a verified file of the kind "network": a :class:`Model`, or the layers alone.

    Raises :class:`~ostinato.errors.ArtifactError` where the file's parts do not fit each other.
    """
    parts = stored.manifest.get("architecture")
    try:
        if not isinstance(parts, Mapping):
            raise OptionError(f"an architecture wanted parts by name, got {type(parts).__name__}")
        headless = "head" not in parts
        if headless:
            parts = {**parts, "head": {"kind": "classify", "classes": 2}}
        with torch.device("meta"):
            network = build(parts, trust_cell=trust_cell)
        weights = {name: torch.from_numpy(array) for name, array in stored.tensors.items()}
        if not headless:
            network.load_state_dict(weights, assign=True)
            return network.eval()
        body: Recurrent = network.body
        body.load_state_dict({name.removeprefix("body."): weight for name, weight in weights.items()}, assign=True)
        return body.eval()
    except (OstinatoError, RuntimeError, TypeError, ValueError, KeyError) as error:
        raise ArtifactError(f"{source} cannot be used as a network: {error}") from error


def stored(architecture: Mapping[str, Any]) -> dict[str, Any]:
    """The architecture as plain data for a file; :func:`build` takes it back.

    >>> stored({"body": {"cell": "gru", "hidden": 4}})
    {'body': {'cell': 'gru', 'hidden': 4}}

    A cell that is not built in becomes its declaration and its graph, or raises
    :class:`~ostinato.errors.LoweringError` where it is no graph of the operations of cells.
    """
    body = architecture["body"]
    return {**architecture, "body": {**body, "cell": stored_cell(body["cell"])}}


def _made(part: str, kinds: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    chosen = dict(options)
    kind = chosen.pop("kind", None)
    if kind not in kinds:
        raise OptionError(f"{part} got the kind {kind!r}; {nearest(str(kind), kinds)}")
    try:
        return kinds[kind](**chosen)
    except TypeError as error:
        raise OptionError(f"{part} of kind '{kind}' cannot be made: {error}") from error


def _beside(options: Mapping[str, Any] | None, head: Mapping[str, Any]) -> tuple[float, _Bag | None]:
    """The bag that answers beside the network, and its share of the answer."""
    if options is None:
        return 0.0, None
    chosen = dict(options)
    share = chosen.pop("share", None)
    if not isinstance(share, float) or not 0.0 < share < 1.0:
        raise OptionError(f"beside wanted a share between 0 and 1, got {share!r}")
    try:
        return share, _Bag(**chosen, classes=head["classes"])
    except TypeError as error:
        raise OptionError(f"beside cannot be made: {error}") from error


def _mixed(scores: Tensor, other: Tensor, share: float) -> Tensor:
    """The mixture of what two sets of scores say: probabilities [B, N]."""
    # In mixed precision the network's scores are of half size, and the bag's never.
    mixture: Tensor = torch.lerp(scores.to(other.dtype).softmax(-1), other.softmax(-1), share)
    return mixture


def _check_series(parts: Mapping[str, Any], foretells: bool, series: bool, skips: bool) -> None:
    """Refuse a forecast of what is no series, and a way past the body where there is none."""
    if skips and (not foretells or parts.get("pool")):
        raise OptionError("skip is for a forecast at every step; leave it out")
    if foretells and not parts.get("pool") and not series:
        raise OptionError("a forecast at every step wanted an embed of the kind 'series'; or pool the steps to one")


def _check_trees(parts: Mapping[str, Any], folds: bool, nodes: bool) -> None:
    """Refuse parts that a network for trees has no use for, and parts of one in a network for sequences."""
    if folds != nodes:
        raise OptionError("a body of the kind 'tree' and a head of the kind 'nodes' belong together; give both or none")
    for name in ("pool", "beside"):
        if folds and parts.get(name):
            raise OptionError(f"a body of the kind 'tree' answers at its nodes; leave out the part '{name}'")


def _body(options: dict[str, Any], width: int) -> tuple[nn.Module, Any]:
    """The noise on what enters, and the recurrent stack or the fold; ``locked`` keeps one mask over time."""
    kind = options.pop("kind", "sequence")
    if kind not in BODIES:
        raise OptionError(f"body got the kind {kind!r}; {nearest(str(kind), BODIES)}")
    noise = LockedDropout if options.pop("locked", False) else Dropout
    enter = noise(options.pop("enter_dropout", 0.0))
    cell, hidden = options.pop("cell"), options.pop("hidden")
    try:
        if kind == "tree":
            return Dropout(enter.share), TreeFold(cell, width, hidden, **options)
        between = options.pop("dropout", 0.0)
        layer: Any = Hybrid if kind == "hybrid" else Recurrent
        return enter, layer(cell, width, hidden, dropout=noise(between) if between else 0.0, **options)
    except TypeError as error:
        raise OptionError(f"body cannot be made: {error}") from error
