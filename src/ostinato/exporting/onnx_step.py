"""A network as an ONNX graph of one step: numbers or ids and a state come in, answers and the next state go out."""

from __future__ import annotations

from typing import Any

from ostinato.exporting.onnx_operators import form_of, write_operator
from ostinato.exporting.onnx_sheet import Sheet
from ostinato.exporting.onnx_values import never_none, write_program
from ostinato.exporting.reference import program_alone
from ostinato.plan import Plan, Recur, Step

# What the next value of a part of the state is called.
NEXT = "{}.next"


def write_step(plan: Plan) -> Any:
    """The ModelProto of one step; every input and output begins with a dynamic axis of rows, at least one.

    Inputs are called as in the plan: numbers [B, D], ids [B], or [B, K] padded by -1 where there may be many, and each
    part of the state [B, n]. Outputs are the plan's, and the next state, called "h.next" for a part "h". Raises
    :class:`~ostinato.errors.PlanError` where the network cannot run step by step.
    """
    program, sheet = plan.program, Sheet()
    values = {name: sheet.input(name, "float32", ("batch", width)) for name, width in plan.numbers.items()}
    ids = {
        name: sheet.input(name, "int64", ("batch", f"{name}_most") if of.many else ("batch",))
        for name, of in plan.ids.items()
    }
    ids = {name: never_none(sheet, ids[name], 2) if of.many else ids[name] for name, of in plan.ids.items()}
    state = {name: sheet.input(name, "float32", ("batch", part.width)) for name, part in program.state.items()}
    widths, after = dict(plan.numbers), {}
    for step in plan.steps:
        value, new = _written(sheet, plan, step, widths, {**values, **ids, **state})
        values[step.writes], widths[step.writes] = value, step.width
        after.update(new)
    for name, shown in plan.outputs.items():
        sheet.output(name, values[shown], "float32", ("batch", widths[shown]))
    for name, part in program.state.items():
        sheet.output(NEXT.format(name), after[name], "float32", ("batch", part.width))
    return sheet.model("step")


def _written(
    sheet: Sheet, plan: Plan, step: Step, widths: dict[str, int], given: dict[str, str]
) -> tuple[str, dict[str, str]]:
    """The tensor that a step of the plan makes, and those of its new state."""
    form = form_of(step.cell) if isinstance(step, Recur) else None
    if form is not None and isinstance(step, Recur):
        x = sheet.add("Unsqueeze", given[step.reads[0]], sheet.whole(0), hint=f"{step.writes}/x")
        old = {part: given[name] for part, name in step.state.items()}
        _, last = write_operator(sheet, step, form, x, old)
        new = {
            step.state[part]: sheet.add("Squeeze", value, sheet.whole(0), hint=f"{step.writes}/next_{part}")
            for part, value in last.items()
        }
        return new[step.state[step.cell.output]], new
    outputs, new = write_program(sheet, program_alone(step, widths, plan), given, step.writes)
    return outputs[step.writes], new
