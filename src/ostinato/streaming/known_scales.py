"""The scale by which a detector reads a series: that of training, never one of the values that it judges."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import Features, Panel, Scales
from ostinato.errors import DataError, OptionError, nearest

Floats = NDArray[np.float32]


def scale_of(features: Features, name: str | None) -> tuple[Floats, Floats]:
    """The offset and the scale [K] of a series: its own, or the one that all series share.

    A series that was not there in training is refused where each has a scale of its own: its own later values must
    not decide how the earlier ones are judged.
    """
    known = features.scales
    if name is not None and name in known:
        offset, scale = known[name]
    elif features.scope == "panel" or len(known) == 1 or features.scaling == "none":
        offset, scale = next(iter(known.values()))
    elif name is None:
        raise OptionError(
            f"the detector was trained on {len(known)} series; say by id= which one comes, {_some(known)}"
        )
    else:
        raise DataError(
            f"series '{name}' was not there in training, and each series has a scale of its own; "
            f"{nearest(name, known)}; or train with scope='panel'"
        )
    return np.array(offset, np.float32), np.array(scale, np.float32)


def scales_of(features: Features, panel: Panel) -> Scales:
    """The scales of all series of a panel, each by :func:`scale_of`."""
    pairs = [scale_of(features, name) for name in panel.ids]
    return Scales(np.stack([offset for offset, _ in pairs]), np.stack([scale for _, scale in pairs]))


def _some(names: Any) -> str:
    return "such as " + ", ".join(f"'{name}'" for name in list(names)[:3])
