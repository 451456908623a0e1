"""Floor 3: the primitives that run a cell through time and over trees, and the engines that do it."""

from __future__ import annotations

from ostinato.ops.backend import ENGINES, Choice, Engine, choose, named_engine, use_engine, wished_engine
from ostinato.ops.call import Call, checked_call, zero_state
from ostinato.ops.fold import fold, fold_shapes
from ostinato.ops.noise import Noise
from ostinato.ops.operator import register
from ostinato.ops.recurrence import recur
from ostinato.ops.torch_operations import register_tensors

register_tensors()

__all__ = [
    "ENGINES",
    "Call",
    "Choice",
    "Engine",
    "Noise",
    "checked_call",
    "choose",
    "fold",
    "fold_shapes",
    "named_engine",
    "recur",
    "register",
    "use_engine",
    "wished_engine",
    "zero_state",
]
