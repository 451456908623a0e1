"""A network as an ONNX graph of whole sequences: dynamic rows, time and lengths, states in and out, both directions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ostinato.errors import ExportError
from ostinato.exporting.onnx_operators import form_of, write_operator
from ostinato.exporting.onnx_pooling import write_bag, write_pool
from ostinato.exporting.onnx_sheet import Sheet
from ostinato.exporting.onnx_step import NEXT
from ostinato.exporting.onnx_values import counted, mean_of, never_none, sum_of_rows, valid_ids, write_program
from ostinato.exporting.reference import program_alone
from ostinato.plan import Bag, Lookup, Plan, Pool, Recur, Step

LENGTHS = "lengths"
# The one input of a text's end: the pair that its last word makes with what follows, [B].
ONCE = "edges"


def write_sequence(plan: Plan) -> Any:
    """The ModelProto of at least one sequence of at least one step, padded on the right.

    Inputs: numbers [B, T, D]; ids [B, T], or [B, T, K] padded by -1 where a step may have many; "edges" [B], where the
    network reads pairs of words; "lengths" int64 [B], from 0 to T; and the state before the first step, each part
    [B, n], which is the start of a sequence where it is left out. What stands past a length never matters. Outputs:
    what the plan shows, [B, T, P] and 0 past the length, or [B, N] of networks that pool; and the state after the last
    valid step.
    """
    return _Sequence(plan).written()


class _Sequence:
    """Writes a plan; inside the graph time comes first, [T, B, n], as the operators want it."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.sheet = plan, Sheet()
        self.values: dict[str, str] = {}
        self.ids: dict[str, str] = {}
        self.widths = dict(plan.numbers)
        # What has an axis of time; what is pooled has none any more.
        self.timed: set[str] = set(plan.numbers)
        self.last: dict[str, str] = {}

    def written(self) -> Any:
        for name in (*self.plan.numbers, *self.plan.ids):
            if name == LENGTHS:
                raise ExportError(f"an input of this network is called '{LENGTHS}', as the lengths are; rename it")
        self.inputs()
        for step in self.plan.steps:
            self.widths[step.writes] = step.width
            if step.reads[0] in self.timed or step.reads[0] in self.ids:
                self.timed.add(step.writes)
            self.values[step.writes] = self.write(step)
        for name, shown in self.plan.outputs.items():
            self.show(name, shown)
        for name, value in self.last.items():
            self.sheet.output(NEXT.format(name), value, "float32", ("batch", self.states[name]))
        return self.sheet.model("sequence")

    def inputs(self) -> None:
        """The inputs, and which steps of which rows are valid."""
        sheet = self.sheet
        numbers = {n: sheet.input(n, "float32", ("batch", "time", w)) for n, w in self.plan.numbers.items()}
        shapes = {
            name: ("batch",) if name == ONCE else ("batch", "time", f"{name}_most") if of.many else ("batch", "time")
            for name, of in self.plan.ids.items()
        }
        ids = {name: sheet.input(name, "int64", shape) for name, shape in shapes.items()}
        self.lengths = sheet.input(LENGTHS, "int64", ("batch",))
        recurrent = [step for step in self.plan.steps if isinstance(step, Recur)]
        self.states = {name: s.widths[part] for s in recurrent for part, name in s.state.items()}
        self.before = {
            name: sheet.input(name, "float32", ("batch", width), otherwise=np.zeros((1, width), np.float32))
            for name, width in self.states.items()
        }
        self.masks(next(iter({**numbers, **ids})))
        zero = sheet.floats([0.0], "zero")
        for name, given in numbers.items():
            turned = sheet.add("Transpose", given, perm=[1, 0, 2], hint=f"{name}/turned")
            self.values[name] = sheet.add("Where", self.valid_units, turned, zero, hint=f"{name}/valid")
        for name, given in ids.items():
            if name == ONCE:
                self.ids[name] = given
                continue
            many = self.plan.ids[name].many
            turned = sheet.add("Transpose", given, perm=[1, 0, 2] if many else [1, 0], hint=f"{name}/turned")
            valid, filler = (self.valid_units, -1) if many else (self.valid, 0)
            kept = sheet.add("Where", valid, turned, sheet.whole(filler), hint=f"{name}/valid")
            self.ids[name] = never_none(sheet, kept, 3) if many else kept

    def masks(self, first: str) -> None:
        """Which steps are valid, [T, B] and [T, B, 1]; the shape of one number for each row; lengths as int32."""
        sheet = self.sheet
        shape = sheet.add("Shape", first, hint="shape")
        steps = sheet.add("Gather", shape, sheet.hold(np.int64(1), "place/1"), axis=0, hint="steps")
        zero, one = sheet.hold(np.int64(0), "place/0"), sheet.hold(np.int64(1), "place/1")
        times = sheet.add("Range", zero, steps, one, hint="times")
        self.times = sheet.add("Unsqueeze", times, sheet.whole(1), hint="times_down")
        self.valid = sheet.add("Less", self.times, self.lengths, hint="valid")
        self.valid_units = sheet.add("Unsqueeze", self.valid, sheet.whole(2), hint="valid_units")
        rows = sheet.add("Shape", self.lengths, hint="rows")
        self.scalars = sheet.add("Concat", rows, sheet.whole(1), axis=0, hint="scalars")
        self.short = sheet.add("Cast", self.lengths, to=sheet.onnx.TensorProto.INT32, hint="lengths/short")
        some = sheet.add("Less", zero, self.lengths, hint="some")
        # [B, 1]: the rows that have a step at all.
        self.some = sheet.add("Unsqueeze", some, sheet.whole(1), hint="some_units")

    def write(self, step: Step) -> str:
        """The tensor that one step of the plan makes."""
        if isinstance(step, Recur):
            self.need_time(step)
            before = {part: self.rows(name) for part, name in step.state.items()}
            form = form_of(step.cell)
            return self.operator(step, form, before) if form else self.scan(step, before)
        if isinstance(step, Lookup):
            return self.lookup(step)
        if isinstance(step, Pool):
            self.need_time(step)
            self.timed.discard(step.writes)
            return write_pool(self, step)
        if isinstance(step, Bag):
            self.timed.discard(step.writes)
            return write_bag(self, step)
        if len({name in self.timed for name in step.reads}) > 1:
            raise ExportError(
                f"'{step.writes}' joins an answer for each step and one for all of them; pool the network's outputs"
            )
        timed = step.writes in self.timed
        program = program_alone(step, self.widths, self.plan)
        outputs, _ = write_program(self.sheet, program, self.values, step.writes, rank=3 if timed else 2)
        return outputs[step.writes]

    def need_time(self, step: Step) -> None:
        if step.reads[0] not in self.timed:
            raise ExportError(f"'{step.writes}' reads '{step.reads[0]}', which has no steps any more: it is pooled")

    def rows(self, name: str) -> str:
        """The state before the first step, for every row."""
        return self.sheet.add("Expand", self.before[name], self.scalars, hint=f"{name}/rows")

    def operator(self, step: Recur, form: Any, before: dict[str, str]) -> str:
        """The standard's operator; a row without steps keeps its state, which runtimes do not agree on."""
        x = self.values[step.reads[0]]
        y, last = write_operator(self.sheet, step, form, x, before, lengths=self.short)
        for part, name in step.state.items():
            end = self.sheet.add("Squeeze", last[part], self.sheet.whole(0), hint=f"{name}/end")
            self.last[name] = self.sheet.add("Where", self.some, end, before[part], hint=f"{name}/last")
        return self.sheet.add("Squeeze", y, self.sheet.whole(1), hint=f"{step.writes}/shown")

    def scan(self, step: Recur, before: dict[str, str]) -> str:
        """A loop over the derived arithmetic of one step; where a row has ended its state stays."""
        where, body = step.writes, Sheet(self.sheet)
        names = list(dict.fromkeys([step.reads[0], *step.given.values()]))
        given = {}
        for part, name in step.state.items():
            given[name] = body.input(f"{where}/old_{part}", "float32", ("batch", step.widths[part]))
        valid = body.input(f"{where}/goes_on", "bool", ("batch", 1))
        for name in names:
            given[name] = body.input(f"{where}/now_{name}", "float32", ("batch", self.widths[name]))
        program = program_alone(replace(step, reverse=False), self.widths, self.plan)
        shown, after = write_program(body, program, given, f"{where}/step")
        for part, name in step.state.items():
            kept = body.add("Where", valid, after[name], given[name], hint=f"{where}/kept_{part}")
            body.output(f"{where}/new_{part}", kept, "float32", ("batch", step.widths[part]))
        body.output(f"{where}/now", shown[where], "float32", ("batch", step.width))
        way = int(step.reverse)
        inputs = [*before.values(), self.valid_units, *(self.values[name] for name in names)]
        hints = [*(f"{name}/last" for name in step.state.values()), f"{where}/shown"]
        *last, y = self.sheet.spread(
            "Scan",
            inputs,
            hints,
            body=body.graph(f"{where}_step"),
            num_scan_inputs=1 + len(names),
            scan_input_directions=[way] * (1 + len(names)),
            scan_output_directions=[way],
        )
        self.last.update(zip(step.state.values(), last, strict=True))
        return y

    def lookup(self, step: Lookup) -> str:
        (name,) = step.reads
        table = self.sheet.floats(step.table, f"{step.writes}_table")
        if not step.ids.many:
            return self.sheet.add("Gather", table, self.ids[name], axis=0, hint=f"{step.writes}/rows")
        valid = valid_ids(self.sheet, self.ids[name], step.writes)
        total = sum_of_rows(self.sheet, table, self.ids[name], step.writes, valid=valid, axis=2)
        return mean_of(self.sheet, total, counted(self.sheet, valid, step.writes), step.writes)

    def show(self, name: str, shown: str) -> None:
        """An output of the plan."""
        value, width = self.values[shown], self.widths[shown]
        if shown not in self.timed:
            self.sheet.output(name, value, "float32", ("batch", width))
            return
        zero = self.sheet.floats([0.0], "zero")
        clean = self.sheet.add("Where", self.valid_units, value, zero, hint=f"{name}/clean")
        turned = self.sheet.add("Transpose", clean, perm=[1, 0, 2], hint=f"{name}/turned_back")
        self.sheet.output(name, turned, "float32", ("batch", "time", width))
