"""What stands beside an exported C file: how texts and series become its inputs, and its numbers answers, as JSON."""

from __future__ import annotations

import json
from typing import Any

from ostinato.exporting import onnx_beside
from ostinato.exporting.c99_draft import Draft
from ostinato.exporting.c99_text import MARK
from ostinato.plan.network import Plan

FORMAT = "ostinato-c99-1"


def described(plan: Plan, draft: Draft) -> str | None:
    """The JSON for a plan, or None where the header says it all: a network of no task."""
    if plan.vocabulary is None and plan.answers is None and plan.series is None:
        return None
    program, names = draft.program, draft.names
    inputs: list[dict[str, Any]] = [
        {"name": names.numbers[name], "kind": "numbers", "width": width} for name, width in program.numbers.items()
    ]
    for name, ids in program.ids.items():
        inputs.append({"name": names.ids[name], "kind": "ids", "count": ids.count, "many": ids.many})
    outputs = [{"name": names.outputs[name], "width": draft.width(name)} for name in program.outputs]
    said = onnx_beside.described(plan, "step", {"function": f"{draft.name}_step", "inputs": inputs, "outputs": outputs})
    said["format"] = FORMAT
    # Lists of ids come with their lengths here, and need no padding.
    said.get("text", {}).get("rules", {}).get("pieces", {}).pop("padding", None)
    return json.dumps({**said, "about": f"{MARK}, beside its C file"}, indent=1, ensure_ascii=False) + "\n"
