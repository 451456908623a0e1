"""Floor 6: what a trained network computes, as data, without torch: what streams run and exporters write."""

from __future__ import annotations

from ostinato.plan.expansion import expand, program_of
from ostinato.plan.network import Answers, Plan
from ostinato.plan.program import Draft, Ids, Part, Program, Value
from ostinato.plan.reading import plan_of
from ostinato.plan.series import Reading
from ostinato.plan.steps import (
    Adaptive,
    Affine,
    Bag,
    Join,
    LogSoftmax,
    Lookup,
    Mean,
    Mix,
    Norm,
    Pool,
    Recur,
    Softmax,
    Step,
    Sum,
)

__all__ = [
    "Adaptive",
    "Affine",
    "Answers",
    "Bag",
    "Draft",
    "Ids",
    "Join",
    "LogSoftmax",
    "Lookup",
    "Mean",
    "Mix",
    "Norm",
    "Part",
    "Plan",
    "Pool",
    "Program",
    "Reading",
    "Recur",
    "Softmax",
    "Step",
    "Sum",
    "Value",
    "expand",
    "plan_of",
    "program_of",
]
