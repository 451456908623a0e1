"""What is known while the steps of a network are written down as a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ostinato.plan.program import Draft, Ids


@dataclass
class Scene:
    """What is known while steps are written down: the draft, the ids that come in, values by name, new states."""

    draft: Draft
    ids: Mapping[str, Ids]
    values: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)


def affine(scene: Scene, value: int, weight: Any, bias: Any, name: str) -> int:
    """V x + a of a value, with V [outputs, inputs]; ``bias`` may be None."""
    draft = scene.draft
    start = None if bias is None else draft.weight(bias, f"{name}_bias")
    return draft.product(value, draft.hold(np.asarray(weight, np.float64).T, f"{name}_weight"), start)
