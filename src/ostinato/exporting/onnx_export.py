"""Networks as ONNX files, proved before they are written."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ostinato.errors import ExportError, OptionError, OutputError, nearest
from ostinato.exporting.onnx_beside import FORMAT, described
from ostinato.exporting.onnx_operators import form_of
from ostinato.exporting.onnx_proof import Proof, Session, prove
from ostinato.exporting.onnx_sequence import write_sequence
from ostinato.exporting.onnx_step import NEXT, write_step
from ostinato.exporting.reference import program_alone
from ostinato.output import probe_output, replace_file
from ostinato.plan import Plan, Recur, plan_of

WRITERS = {"step": write_step, "sequence": write_sequence}


@dataclass(frozen=True)
class OnnxFacts:
    """What an export costs and how far it was off.

    ``size`` is that of the model in bytes, ``state`` the bytes of one row's state, ``operations`` those of one step of
    one row; ``error`` the largest difference of a step from a random state and ``drift`` that after a long sequence, in
    units of the output's largest magnitude, at least 1; ``operators`` says how each recurrent layer is written: RNN,
    LSTM, GRU, or "derived" from the cell's graph.
    """

    form: str
    size: int
    state: int
    operations: int
    opset: int
    ir_version: int
    error: float
    drift: float
    operators: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class OnnxExport:
    """A network as an ONNX model that onnxruntime was found to run as it was trained; :meth:`save` writes it."""

    plan: Plan
    form: str
    model: Any
    facts: OnnxFacts
    beside: Mapping[str, Any]

    def save(self, path: str | os.PathLike[str]) -> tuple[Path, Path]:
        """Write FILE.onnx and, beside it, FILE.json; both or none, and only after the bytes were run once more.

        Raises :class:`~ostinato.errors.OutputError` where one of them cannot be written.
        """
        target = Path(path)
        beside = target.with_suffix(".json") if target.suffix == ".onnx" else target.with_name(f"{target.name}.json")
        for place in (target, beside):
            probe_output(place)
        _check_ours(beside)
        model = type(self.model)()
        model.CopyFrom(self.model)
        # Not every file name is text.
        name, other = (os.fsencode(p.name).decode("utf-8", "replace") for p in (target, beside))
        _tell(model, "beside", other)
        data = model.SerializeToString()
        _check_vectors(model, data)
        text = json.dumps({**self.beside, "model": name}, indent=1).encode()
        _write_both((target, data), (beside, text))
        return target, beside


def to_onnx(source: Any, form: str = "step") -> OnnxExport:
    """A network as ONNX: one ``step`` with its state in and out, or whole ``sequence``s with lengths.

    >>> from ostinato.layers import Recurrent
    >>> export = to_onnx(Recurrent("gru", 3, 5), "step")
    >>> export.facts.operators, export.facts.state, export.facts.error < 2e-6
    (('GRU',), 20, True)

    ``source`` is a plan, or whatever :func:`~ostinato.plan.reading.plan_of` makes one of. The last act is to run the
    model in onnxruntime against the network in double precision; raises :class:`~ostinato.errors.ExportError` where it
    differs, :class:`~ostinato.errors.PlanError` for a step of a network that reads backwards, and
    :class:`~ostinato.errors.MissingExtraError` without onnx or onnxruntime.
    """
    if form not in WRITERS:
        raise OptionError(f"form got {form!r:.40}; {nearest(str(form), WRITERS)}")
    plan = source if isinstance(source, Plan) else plan_of(source)
    model = WRITERS[form](plan)
    return proved(plan, form, model)


def proved(plan: Plan, form: str, model: Any) -> OnnxExport:
    """A model that was written from a plan, once it has stood the proof; refused otherwise."""
    proof = prove(plan, form, model.SerializeToString())
    for name, value in (("digest", plan.digest), ("task", plan.task or ""), ("form", form)):
        _tell(model, name, value)
    ports = _ports(plan, form, model)
    _tell(model, "states", json.dumps(ports["states"]))
    _tell(model, "vectors", json.dumps(_vectors(proof)))
    return OnnxExport(plan, form, model, _facts(plan, form, model, proof), described(plan, form, ports))


def _tell(model: Any, name: str, value: str) -> None:
    entry = model.metadata_props.add()
    entry.key, entry.value = f"ostinato.{name}", value


def _states(plan: Plan, form: str) -> dict[str, tuple[int, float]]:
    """The width and the start of each part of the state that goes in and out."""
    if form == "step":
        return {name: (part.width, part.start) for name, part in plan.program.state.items()}
    recurrent = [step for step in plan.steps if isinstance(step, Recur)]
    return {name: (step.widths[part], 0.0) for step in recurrent for part, name in step.state.items()}


def _facts(plan: Plan, form: str, model: Any, proof: Proof) -> OnnxFacts:
    widths, operations = dict(plan.numbers), 0
    for step in plan.steps:
        forward = replace(step, reverse=False) if isinstance(step, Recur) else step
        operations += program_alone(forward, widths, plan).operations()
        widths[step.writes] = step.width
    forms = [form_of(step.cell) for step in plan.steps if isinstance(step, Recur)]
    return OnnxFacts(
        form,
        model.ByteSize(),
        sum(4 * width for width, _ in _states(plan, form).values()),
        operations,
        model.opset_import[0].version,
        model.ir_version,
        proof.error,
        proof.drift,
        tuple(found.operator if found else "derived" for found in forms),
    )


def _ports(plan: Plan, form: str, model: Any) -> dict[str, Any]:
    """The inputs, outputs and states of a model, with their shapes."""

    def shape(info: Any) -> list[int | str]:
        return [d.dim_param or d.dim_value for d in info.type.tensor_type.shape.dim]

    states = _states(plan, form)
    following = {NEXT.format(name) for name in states}
    kinds = {**dict.fromkeys(plan.numbers, "numbers"), **dict.fromkeys(plan.ids, "ids"), "lengths": "lengths"}
    inputs = []
    for info in model.graph.input:
        if info.name not in states:
            entry = {"name": info.name, "kind": kinds[info.name], "shape": shape(info)}
            if info.name in plan.ids:
                entry |= {"count": plan.ids[info.name].count, "many": plan.ids[info.name].many}
            inputs.append(entry)
    return {
        "inputs": inputs,
        "outputs": [{"name": o.name, "shape": shape(o)} for o in model.graph.output if o.name not in following],
        "states": [
            {"name": name, "next": NEXT.format(name), "width": width, "start": start, "optional": form == "sequence"}
            for name, (width, start) in states.items()
        ],
    }


def _vectors(proof: Proof) -> dict[str, Any]:
    """An example as text: little-endian numbers in base64, with shapes."""

    def packed(array: Any) -> dict[str, Any]:
        array = np.asarray(array)
        kind = "<i8" if array.dtype.kind == "i" else "<f4"
        data = np.nan_to_num(array.astype(kind), nan=0.0).tobytes()
        return {"dtype": kind, "shape": list(array.shape), "data": base64.b64encode(data).decode()}

    return {
        "limit": proof.example.limit,
        "inputs": {name: packed(array) for name, array in proof.example.inputs.items()},
        "outputs": {name: packed(array) for name, array in proof.example.wanted.items()},
    }


def vectors_of(model: Any) -> tuple[dict[str, Any], dict[str, Any], float]:
    """The test vectors that travel in a model: inputs, the outputs that are wanted, and how far they may be off."""
    (kept,) = (json.loads(entry.value) for entry in model.metadata_props if entry.key == "ostinato.vectors")

    def unpacked(entry: Mapping[str, Any]) -> Any:
        return np.frombuffer(base64.b64decode(entry["data"]), entry["dtype"]).reshape(entry["shape"])

    inputs, outputs = ({n: unpacked(e) for n, e in kept[side].items()} for side in ("inputs", "outputs"))
    return inputs, outputs, float(kept["limit"])


def _check_vectors(model: Any, data: bytes) -> None:
    """Run the very bytes that are to be written on the vectors that travel in them."""
    inputs, outputs, limit = vectors_of(model)
    got = Session(data).run(inputs)
    for name, wanted in outputs.items():
        scale = np.maximum(1.0, np.abs(wanted).max(-1, keepdims=True, initial=0.0))
        if not (np.abs(got[name] - wanted) <= limit * scale).all():
            raise ExportError(f"the file's own test vectors differ at output '{name}'; nothing was written")


def _check_ours(beside: Path) -> None:
    """Refuse to replace a JSON file that is somebody else's."""
    if not beside.exists():
        return
    try:
        with beside.open("rb") as file:
            start = file.read(200)
    except OSError as error:
        raise OutputError(f"cannot read {beside}, which would be replaced: {error}") from error
    if FORMAT.encode() not in start:
        raise OutputError(
            f"cannot write {beside}: a JSON file of another kind is there; export to another name or move it away"
        )


def _write_both(one: tuple[Path, bytes], other: tuple[Path, bytes]) -> None:
    """Both files, or what stood there before."""
    before = one[0].read_bytes() if one[0].exists() else None
    try:
        replace_file(*one)
        replace_file(*other)
    except BaseException:
        if before is not None:
            replace_file(one[0], before)
        elif one[0].exists():
            one[0].unlink()
        raise
