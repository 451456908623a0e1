"""Several networks of one architecture that answer as one: a plan of each, and their answers together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ostinato.artifact import Artifact
from ostinato.errors import PlanError
from ostinato.plan.network import Plan
from ostinato.plan.steps import Join, Mean, Recur, Step

_MEMBER = re.compile(r"members\.(\d{1,3})\.(.+)")


def member_of(stored: Artifact) -> list[Artifact]:
    """The networks of a file, each with its own tensors: one, or those called "members.0.", "members.1." and so on."""
    options = stored.manifest.get("options")
    count = options.get("members", 1) if isinstance(options, dict) else 1
    if count == 1:
        return [stored]
    if type(count) is not int or not 1 < count <= len(stored.tensors):
        raise PlanError(f"{count!r:.40} networks cannot come from {len(stored.tensors)} tensors")
    parts: list[dict[str, Any]] = [{} for _ in range(count)]
    for name, tensor in stored.tensors.items():
        found = _MEMBER.fullmatch(name)
        if found is None or int(found[1]) >= count:
            raise PlanError(f"the tensor '{name:.60}' belongs to none of {count} networks")
        parts[int(found[1])][found[2]] = tensor
    return [replace(stored, tensors=part) for part in parts]


def together(plans: Sequence[Plan]) -> Plan:
    """One plan of several, which read the same and whose answers are averaged; parameters of forecasts stand in a row.

    The mean of parameters is not that of the quantiles which they mean.
    """
    first = plans[0]
    if len(plans) == 1:
        return first
    inputs, steps = {*first.numbers, *first.ids}, []
    for place, plan in enumerate(plans):
        steps += [_renamed(step, f"member{place}.", inputs) for step in plan.steps]
    ((shown, value),) = first.outputs.items()
    width = first.step(value).width
    reads = tuple(f"member{place}.{value}" for place in range(len(plans)))
    foretells = first.series is not None and first.series.forecast is not None
    last: Step = Join(reads, "together", width * len(plans)) if foretells else Mean(reads, "together", width)
    return replace(first, steps=(*steps, last), outputs={shown: last.writes})


def _renamed(step: Step, before: str, inputs: set[str]) -> Step:
    reads = tuple(name if name in inputs else before + name for name in step.reads)
    if isinstance(step, Recur):
        step = replace(step, state={part: before + name for part, name in step.state.items()})
    return replace(step, reads=reads, writes=before + step.writes)
