"""The parts of an architecture by their kinds, and what does not go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from ostinato.errors import OptionError, nearest
from ostinato.heads.classify import Classify
from ostinato.heads.forecast import FORECASTS
from ostinato.heads.joint import Joint
from ostinato.heads.language import Language
from ostinato.heads.nodes import Nodes
from ostinato.heads.regress import Regress
from ostinato.heads.tag import Tag
from ostinato.layers import Dropout, Hybrid, LockedDropout, Recurrent, TreeFold
from ostinato.lowering.rebuild import stored_cell
from ostinato.model.embeds import BatchBag

PARTS = ("embed", "body", "pool", "head", "beside")
HEADS: dict[str, Any] = {
    "classify": Classify,
    "joint": Joint,
    "language": Language,
    "nodes": Nodes,
    "regress": Regress,
    "tag": Tag,
    **FORECASTS,
}
BODIES = ("sequence", "tree", "hybrid")


def stored(architecture: Mapping[str, Any]) -> dict[str, Any]:
    """The architecture as plain data for a file; :func:`build` takes it back.

    >>> stored({"body": {"cell": "gru", "hidden": 4}})
    {'body': {'cell': 'gru', 'hidden': 4}}

    A cell that is not built in becomes its declaration and its graph, or raises
    :class:`~ostinato.errors.LoweringError` where it is no graph of the operations of cells.
    """
    body = architecture["body"]
    return {**architecture, "body": {**body, "cell": stored_cell(body["cell"])}}


def made(part: str, kinds: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The part of the kind that its options name, made with the rest of them."""
    chosen = dict(options)
    kind = chosen.pop("kind", None)
    if kind not in kinds:
        raise OptionError(f"{part} got the kind {kind!r}; {nearest(str(kind), kinds)}")
    try:
        return kinds[kind](**chosen)
    except TypeError as error:
        raise OptionError(f"{part} of kind '{kind}' cannot be made: {error}") from error


def made_beside(options: Mapping[str, Any] | None, head: Mapping[str, Any]) -> tuple[float, BatchBag | None]:
    """The bag that answers beside the network, and its share of the answer."""
    if options is None:
        return 0.0, None
    chosen = dict(options)
    share = chosen.pop("share", None)
    if not isinstance(share, float) or not 0.0 < share < 1.0:
        raise OptionError(f"beside wanted a share between 0 and 1, got {share!r}")
    try:
        return share, BatchBag(**chosen, classes=head["classes"])
    except TypeError as error:
        raise OptionError(f"beside cannot be made: {error}") from error


def check_series(parts: Mapping[str, Any], foretells: bool, series: bool, skips: bool) -> None:
    """Refuse a forecast of what is no series, and a way past the body where there is none."""
    if skips and (not foretells or parts.get("pool")):
        raise OptionError("skip is for a forecast at every step; leave it out")
    if foretells and not parts.get("pool") and not series:
        raise OptionError("a forecast at every step wanted an embed of the kind 'series'; or pool the steps to one")


def check_trees(parts: Mapping[str, Any], folds: bool, nodes: bool) -> None:
    """Refuse parts that a network for trees has no use for, and parts of one in a network for sequences."""
    if folds != nodes:
        raise OptionError("a body of the kind 'tree' and a head of the kind 'nodes' belong together; give both or none")
    for name in ("pool", "beside"):
        if folds and parts.get(name):
            raise OptionError(f"a body of the kind 'tree' answers at its nodes; leave out the part '{name}'")


def made_body(options: dict[str, Any], width: int) -> tuple[nn.Module, Any]:
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
