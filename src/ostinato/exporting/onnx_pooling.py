"""What says one thing about a whole sequence, as ONNX nodes: summaries of its steps, and the bag of its words."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ostinato.errors import ExportError
from ostinato.exporting.onnx_sheet import Sheet
from ostinato.exporting.onnx_values import counted, mean_of, sum_of_rows, valid_ids
from ostinato.plan import Bag, Pool
from ostinato.plan.program import LOWEST


class Scene(Protocol):
    """The tensors of a sequence that summaries read, time first."""

    sheet: Sheet
    # Values [T, B, n] and ids [T, B] or [T, B, K] by name; lengths [B].
    values: dict[str, str]
    ids: dict[str, str]
    lengths: str
    # Which steps are valid, [T, B] and [T, B, 1]; which rows have steps, [B, 1]; the numbers of the steps, [T, 1].
    valid: str
    valid_units: str
    some: str
    times: str


def write_pool(scene: Scene, step: Pool) -> str:
    """One summary of the valid steps, [B, n]; zeros for a row of length 0."""
    if step.kind not in _POOLS:
        raise ExportError(f"there is no ONNX graph for pooling of the kind '{step.kind}'")
    return _POOLS[step.kind](scene, step, scene.values[step.reads[0]])


def _only(scene: Scene, mask: str, value: str, otherwise: float, hint: str) -> str:
    filler = scene.sheet.floats([otherwise], f"number/{otherwise}")
    return scene.sheet.add("Where", mask, value, filler, hint=hint)


def _over_time(scene: Scene, value: str, hint: str) -> str:
    return scene.sheet.add("ReduceSum", value, scene.sheet.whole(0), keepdims=0, hint=hint)


def _last(scene: Scene, step: Pool, y: str) -> str:
    sheet, where = scene.sheet, step.writes
    place = sheet.add("Sub", scene.lengths, sheet.whole(1), hint=f"{where}/place")
    ends = sheet.add("Equal", scene.times, place, hint=f"{where}/ends")
    wide = sheet.add("Unsqueeze", ends, sheet.whole(2), hint=f"{where}/ends_units")
    return _over_time(scene, _only(scene, wide, y, 0.0, f"{where}/end"), f"{where}/last")


def _steps(scene: Scene, where: str) -> str:
    """How many steps each row has, [B, 1]."""
    numbers = scene.sheet.add("Cast", scene.lengths, to=scene.sheet.onnx.TensorProto.FLOAT, hint=f"{where}/lengths")
    return scene.sheet.add("Unsqueeze", numbers, scene.sheet.whole(1), hint=f"{where}/steps")


def _mean(scene: Scene, step: Pool, y: str) -> str:
    total = _over_time(scene, _only(scene, scene.valid_units, y, 0.0, f"{step.writes}/valid"), f"{step.writes}/sum")
    return mean_of(scene.sheet, total, _steps(scene, step.writes), step.writes)


def _highest(scene: Scene, value: str, where: str, keepdims: int) -> str:
    low = _only(scene, scene.valid_units, value, LOWEST, f"{where}/masked")
    return scene.sheet.add("ReduceMax", low, axes=[0], keepdims=keepdims, hint=f"{where}/highest")


def _max(scene: Scene, step: Pool, y: str) -> str:
    highest = _highest(scene, y, step.writes, 0)
    return _only(scene, scene.some, highest, 0.0, f"{step.writes}/max")


def _attention(scene: Scene, step: Pool, y: str) -> str:
    sheet, where, weights = scene.sheet, step.writes, step.weights
    clean = _only(scene, scene.valid_units, y, 0.0, f"{where}/valid")
    matrix = sheet.floats(np.asarray(weights["A"]).T, f"{where}/A")
    moved = sheet.add("MatMul", clean, matrix, hint=f"{where}/product")
    inner = sheet.add("Add", moved, sheet.floats(weights["a"], f"{where}/a"), hint=f"{where}/sum")
    squashed = sheet.add("Tanh", inner, hint=f"{where}/inner")
    score = sheet.add("MatMul", squashed, sheet.floats(np.asarray(weights["v"]).T, f"{where}/v"), hint=f"{where}/score")
    apart = sheet.add("Sub", score, _highest(scene, score, where, 1), hint=f"{where}/apart")
    # Past the length the difference may be anything.
    below = _only(scene, scene.valid_units, apart, LOWEST, f"{where}/below")
    share = sheet.add("Exp", below, hint=f"{where}/shares")
    weighed = _over_time(scene, sheet.add("Mul", share, clean, hint=f"{where}/weighed"), f"{where}/total")
    whole = _only(scene, scene.some, _over_time(scene, share, f"{where}/weight"), 1.0, f"{where}/whole")
    return sheet.add("Div", weighed, whole, hint=f"{where}/attention")


_POOLS = {"last": _last, "mean": _mean, "max": _max, "attention": _attention}


def write_bag(scene: Scene, step: Bag) -> str:
    """Scores of which features a text holds, [B, N]; where there are pairs, the edge of an empty text is one."""
    sheet, where = scene.sheet, step.writes
    totals, counts = [], []
    for name, array in step.tables.items():
        table, place = sheet.floats(array, f"{where}_{name}"), f"{where}/{name}"
        if name == "pieces":
            valid = valid_ids(sheet, scene.ids[name], place)
            rows = sum_of_rows(sheet, table, scene.ids[name], place, valid=valid, axis=2)
            totals.append(_over_time(scene, rows, f"{place}/total"))
            counts.append(_over_time(scene, counted(sheet, valid, place), f"{place}/all"))
            continue
        totals.append(sum_of_rows(sheet, table, scene.ids[name], place, valid=scene.valid, axis=0))
        counts.append(_steps(scene, place))
        if name == "pairs":
            totals.append(sheet.add("Gather", table, scene.ids["edges"], axis=0, hint=f"{where}/edges"))
            counts.append(sheet.floats([1.0], "number/1.0"))
    total, count = _added(sheet, totals, f"{where}/total"), _added(sheet, counts, f"{where}/count")
    least = sheet.add("Max", count, sheet.floats([1.0], "number/1.0"), hint=f"{where}/least")
    root = sheet.add("Sqrt", least, hint=f"{where}/root")
    scale = sheet.add("Div", sheet.floats([step.reach], f"{where}/reach"), root, hint=f"{where}/scale")
    scaled = sheet.add("Mul", scale, total, hint=f"{where}/scaled")
    return sheet.add("Add", sheet.floats(step.bias, f"{where}/bias"), scaled, hint=f"{where}/scores")


def _added(sheet: Sheet, values: list[str], hint: str) -> str:
    first, *rest = values
    for value in rest:
        first = sheet.add("Add", first, value, hint=hint)
    return first
