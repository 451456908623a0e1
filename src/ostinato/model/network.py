"""A network as a whole: embed, body, pooling, head, joined by an architecture that is plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ostinato.errors import OptionError, ShapeError, nearest
from ostinato.heads.classify import loss_beside, mixed
from ostinato.heads.forecast import Forecast, Forecasted
from ostinato.heads.forecast_numbers import UNMOVED
from ostinato.heads.nodes import Nodes
from ostinato.layers import Dropout, Pooling, TreeFold
from ostinato.layers.series_steps import ahead_of
from ostinato.layers.stored import stored_weights
from ostinato.model.embeds import EMBEDS, Series
from ostinato.model.parts import HEADS, PARTS, check_series, check_trees, made, made_beside, made_body, stored
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

    >>> from ostinato.model import build
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

    A head with ``whole = True`` sees whole sequences, and the batch with their lengths and targets; one with
    ``ties = True`` is given the ``table`` of the embedding, None where there is none; one with
    ``mixes = True`` is told what the bag says.
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
        self.embed = made("embed", EMBEDS, parts["embed"])
        self.enter, self.body = made_body(dict(parts["body"]), self.embed.width)
        self.folds = isinstance(self.body, TreeFold)
        self.pool = Pooling(parts["pool"], self.body.width) if parts.get("pool") else None
        width = self.body.width if self.pool is None else self.pool.width
        head = dict(parts["head"])
        # What a forecast also sees: what was read at its step, of which nothing is dropped.
        self.skips = bool(head.pop("skip", False))
        self.leave = Dropout(head.pop("dropout", 0.0) if self.skips else 0.0)
        width += self.embed.width if self.skips else 0
        if getattr(HEADS.get(str(head.get("kind"))), "ties", False):
            head["table"] = getattr(getattr(self.embed, "table", None), "weight", None)
        self.head = made("head", HEADS, {"inputs": width, **head})
        self.whole = bool(getattr(self.head, "whole", False))
        mixes = getattr(self.head, "mixes", False)
        if self.whole and (self.pool is not None or (parts.get("beside") and not mixes)):
            raise OptionError(f"a head of the kind '{head['kind']}' answers at every step; leave out pool and beside")
        self.foretells = isinstance(self.head, Forecast)
        check_series(parts, self.foretells, isinstance(self.embed, Series), self.skips)
        check_trees(parts, self.folds, isinstance(self.head, Nodes))
        self.share, self.beside = made_beside(parts.get("beside"), parts["head"])

    def load_state_dict(self, *given: Any, **options: Any) -> Any:
        """Take weights; a head that shares the embedding's table shares what stands there now."""
        told = super().load_state_dict(*given, **options)
        if hasattr(self.head, "tie"):
            self.head.tie(self.embed.table.weight)
        return told

    def description(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The network as data for a file, a stream or an export: a manifest and the weights by name."""
        return {"kind": "network", "architecture": stored(self.architecture)}, stored_weights(self)

    def depths(self) -> list[list[nn.Parameter]]:
        """The weights from the top down: what answers, each layer of the body, what reads."""
        beside = [] if self.beside is None else [*self.beside.parameters()]
        pool = [] if self.pool is None else [*self.pool.parameters()]
        body = self.body.depths() if hasattr(self.body, "depths") else [[*self.body.parameters()]]
        return [[*self.head.parameters(), *pool, *beside], *body, [*self.embed.parameters()]]

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
        # The end of a window is no beginning for a direction that comes from the other side.
        onward = None if self.body.bidirectional else last
        if self.whole:
            scores = self.head(activity.y, **self._others(batch))
            loss, measures = self.head.loss(scores, batch), self.head.measure(scores, batch)
            return Step(loss, onward, self.head.count(batch), measures, activity)
        features, target, weight = self._pooled(activity), batch.target, batch.weight
        if self.pool is None and batch.lengths is not None:
            valid = valid_steps(batch.lengths, target.shape[1])
            features, target = features[valid], target[valid]
            weight = None if weight is None else weight[:, None].expand(valid.shape)[valid]
        scores = self.head(features)
        if self.beside is not None:
            return self._both(batch, activity, scores, target, weight)
        masked = {"mask": batch.mask} if self.foretells else {}
        loss = self.head.loss(scores, target, weight=weight, **masked)
        return Step(loss, onward, target.numel(), self.head.measure(scores, target, **masked), activity)

    def _others(self, batch: Batch | Tensor) -> dict[str, Any]:
        """What a head that sees whole sequences is told of the bag beside it; nothing where there is none."""
        return {} if self.beside is None else {"other": self.beside(batch), "share": self.share}

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
        loss, mixture = loss_beside(self.head, scores, self.beside(batch), self.share, target, weight)
        return Step(loss, None, target.numel(), self.head.measure(mixture, target), activity)

    @torch.inference_mode()
    def decode(self, batch: Batch | Tensor) -> Any:
        """The head's answer for a batch: probabilities [B, N], or [B, T, N] without pooling, or at a forest's nodes."""
        features, _ = self.features(batch)
        if self.whole:
            return self.head.decode(features, getattr(batch, "lengths", None), **self._others(batch))
        if self.beside is not None:
            return mixed(self.head(features), self.beside(batch), self.share)
        answer: Tensor = self.head.decode(features)
        return answer


def _units(head: Forecast, batch: Batch) -> dict[str, Tensor | None]:
    """The size and the place of the series of a batch, as a head takes them."""
    if batch.part is None:
        return {}
    # Kinds that are never negative take no offset, not even one of zeros.
    shift = None if head.kind in UNMOVED else batch.part.offset[:, None]
    return {"scale": batch.part.scale[:, None], "shift": shift}
