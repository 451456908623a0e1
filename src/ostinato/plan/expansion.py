"""From typed steps to a program: the arithmetic of each kind of step for one row and one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import singledispatch

from ostinato.errors import PlanError
from ostinato.plan.program import LOWEST, Draft, Ids, Program
from ostinato.plan.scene import Scene, affine
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
from ostinato.plan.unit import Unit


def program_of(
    steps: Sequence[Step],
    numbers: Mapping[str, int],
    ids: Mapping[str, Ids],
    outputs: Mapping[str, str],
    *,
    room: int = 0,
) -> Program:
    """The program of some steps: their inputs by name, and the name of each output's value.

    Tables of products may have ``room`` numbers each (see :class:`~ostinato.plan.program.Draft`).
    Raises :class:`~ostinato.errors.PlanError` for what runs backwards in time.
    """
    scene = Scene(Draft(room=room), ids)
    for name, width in numbers.items():
        scene.values[name] = scene.draft.number(name, width)
    for step in steps:
        scene.values[step.writes] = expand(step, scene)
    return scene.draft.program(scene.after, {name: scene.values[value] for name, value in outputs.items()})


@singledispatch
def expand(step: Step, scene: Scene) -> int:
    """Write one step down; gives the value that it makes."""
    raise PlanError(f"there is no program for a step of the kind {type(step).__name__}")


@expand.register
def _(step: Lookup, scene: Scene) -> int:
    (ids,) = step.reads
    table = scene.draft.hold(step.table, f"{step.writes}_table")
    return scene.draft.lookup(table, ids, step.ids, mean=step.ids.many)


@expand.register
def _(step: Affine, scene: Scene) -> int:
    return affine(scene, scene.values[step.reads[0]], step.weight, step.bias, step.writes)


@expand.register
def _(step: Sum, scene: Scene) -> int:
    first, *rest = (scene.values[name] for name in step.reads)
    for value in rest:
        first = scene.draft.apply("add", first, value)
    return first


@expand.register
def _(step: Mean, scene: Scene) -> int:
    first, *rest = (scene.values[name] for name in step.reads)
    for value in rest:
        first = scene.draft.apply("add", first, value)
    return scene.draft.apply("divide", first, scene.draft.constant(float(len(step.reads))))


@expand.register
def _(step: Join, scene: Scene) -> int:
    return scene.draft.join([scene.values[name] for name in step.reads])


@expand.register
def _(step: Norm, scene: Scene) -> int:
    draft, apply = scene.draft, scene.draft.apply
    value = scene.values[step.reads[0]]
    centred = apply("subtract", value, apply("row_mean", value))
    variance = apply("row_mean", apply("multiply", centred, centred))
    scaled = apply("divide", centred, apply("sqrt", apply("add", variance, draft.constant(step.epsilon))))
    gained = apply("multiply", scaled, draft.weight(step.gain, f"{step.writes}_gain"))
    return apply("add", gained, draft.weight(step.shift, f"{step.writes}_shift"))


@expand.register
def _(step: Softmax, scene: Scene) -> int:
    apply, value = scene.draft.apply, scene.values[step.reads[0]]
    powers = apply("exp", apply("subtract", value, apply("row_max", value)))
    return apply("divide", powers, apply("row_sum", powers))


@expand.register
def _(step: LogSoftmax, scene: Scene) -> int:
    return _logs(scene, scene.values[step.reads[0]])


@expand.register
def _(step: Adaptive, scene: Scene) -> int:
    draft, y = scene.draft, scene.values[step.reads[0]]
    first = _logs(scene, affine(scene, y, step.first, None, f"{step.writes}_first"))
    frequent = len(step.first) - len(step.groups)
    logs = [draft.slice(first, 0, frequent)]
    for k, (inner, outer) in enumerate(step.groups):
        inside = affine(scene, y, inner, None, f"{step.writes}_inner{k}")
        rare = _logs(scene, affine(scene, inside, outer, None, f"{step.writes}_outer{k}"))
        logs.append(draft.apply("add", rare, draft.slice(first, frequent + k, 1)))
    return draft.join(logs)


def _logs(scene: Scene, scores: int) -> int:
    """log p from scores."""
    apply = scene.draft.apply
    shifted = apply("subtract", scores, apply("row_max", scores))
    return apply("subtract", shifted, apply("log", apply("row_sum", apply("exp", shifted))))


@expand.register
def _(step: Mix, scene: Scene) -> int:
    one, other = (scene.values[name] for name in step.reads)
    share = scene.draft.constant(step.share)
    return scene.draft.apply(
        "add", one, scene.draft.apply("multiply", share, scene.draft.apply("subtract", other, one))
    )


@expand.register
def _(step: Pool, scene: Scene) -> int:
    draft, apply, value = scene.draft, scene.draft.apply, scene.values[step.reads[0]]
    if step.kind == "last":
        return value

    def remembered(name: str, width: int, start: float, new: Callable[[int], int]) -> int:
        place = f"{step.writes}_{name}"
        scene.after[place] = new(draft.state(place, width, start))
        return scene.after[place]

    width = draft.values[value].width
    if step.kind == "mean":
        total = remembered("sum", width, 0.0, lambda old: apply("add", old, value))
        count = remembered("count", 1, 0.0, lambda old: apply("add", old, draft.constant(1.0)))
        return apply("divide", total, count)
    if step.kind == "max":
        return remembered("max", width, LOWEST, lambda old: apply("maximum", old, value))
    if step.kind != "attention":
        raise PlanError(f"there is no program for pooling of the kind '{step.kind}'")
    inner = apply("tanh", affine(scene, value, step.weights["A"], step.weights["a"], f"{step.writes}_A"))
    score = affine(scene, inner, step.weights["v"], None, f"{step.writes}_v")
    highest = draft.state(f"{step.writes}_highest", 1, LOWEST)
    top = scene.after[f"{step.writes}_highest"] = apply("maximum", highest, score)
    fade, share = apply("exp", apply("subtract", highest, top)), apply("exp", apply("subtract", score, top))
    weight = remembered("weight", 1, 0.0, lambda old: apply("add", apply("multiply", old, fade), share))
    weighed = apply("multiply", share, value)
    total = remembered("sum", width, 0.0, lambda old: apply("add", apply("multiply", old, fade), weighed))
    return apply("divide", total, weight)


@expand.register
def _(step: Bag, scene: Scene) -> int:
    draft, apply = scene.draft, scene.draft.apply
    total = draft.state(f"{step.writes}_sum", step.width)
    count = draft.state(f"{step.writes}_count", 1)
    for name in ("words", "pieces", "pairs"):
        if name in step.tables:
            table = draft.hold(step.tables[name], f"{step.writes}_{name}")
            total = apply("add", total, draft.lookup(table, name, scene.ids[name]))
            count = apply("add", count, draft.count(name, scene.ids[name]))
    scene.after[f"{step.writes}_sum"], scene.after[f"{step.writes}_count"] = total, count
    if "pairs" in step.tables:
        # The pair of the last word and the end belongs to an answer, and not to what comes after.
        table = draft.hold(step.tables["pairs"], f"{step.writes}_pairs")
        total = apply("add", total, draft.lookup(table, "edges", scene.ids["edges"]))
        count = apply("add", count, draft.count("edges", scene.ids["edges"]))
    scale = apply("divide", draft.constant(step.reach), apply("sqrt", count))
    return apply("add", draft.weight(step.bias, f"{step.writes}_bias"), apply("multiply", scale, total))


@expand.register
def _(step: Recur, scene: Scene) -> int:
    if step.reverse:
        raise PlanError(f"'{step.writes}' reads its sequence from the end, which a stream has not seen yet")
    return Unit(step, scene).write()
