"""What is written of a program under a name: C names for everything, the step, and how it is declared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ostinato.exporting.c99_arithmetic import FUNCTIONS
from ostinato.exporting.c99_step import Body, Names, body_of
from ostinato.plan.program import Program

# A step and its helpers have these names for themselves.
_TAKEN = """auto break case char const continue default do double else enum extern float for goto if inline int long
register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while main
state wanted k i near hash size_t int32_t uint32_t NULL float_or_bits SHIFT LOG2_E LN2_HIGH LN2_LOW even_of odd_of"""
_RESERVED = frozenset(_TAKEN.split())
_LONGEST_NAME = 40


def identifier(name: str) -> str:
    """A C identifier like some name, whatever the name holds.

    >>> identifier("my model-2.onnx"), identifier("2nd"), identifier("größe"), identifier("")
    ('my_model_2_onnx', 'model_2nd', 'gr__e', 'model')
    """
    made = re.sub(r"[^A-Za-z0-9_]", "_", name).strip("_")[:_LONGEST_NAME]
    if not made or made[0].isdigit():
        made = f"model_{made}".rstrip("_")
    return f"{made}_model" if made in _RESERVED or made in FUNCTIONS else made


@dataclass(frozen=True)
class Draft:
    """What is written of a program under a name: all that does not hang on test vectors."""

    program: Program
    name: str
    names: Names
    body: Body

    @classmethod
    def of(cls, program: Program, name: str) -> Draft:
        """Find names for everything, and write the step."""
        names = names_of(program, name)
        return cls(program, name, names, body_of(program, names, name.upper()))

    # Parts of signatures --------------------------------------------------------------------------------------------

    @property
    def inputs(self) -> list[tuple[str, str]]:
        """The inputs of a step: type and name, as they stand in its declaration."""
        given = [("const float *", self.names.numbers[n]) for n in self.program.numbers]
        for name, ids in self.program.ids.items():
            called = self.names.ids[name]
            if ids.many:
                given += [("const int32_t *", called), ("size_t ", f"{called}_count")]
            else:
                given.append(("int32_t ", called))
        return given

    @property
    def outputs(self) -> list[tuple[str, str]]:
        """The outputs of a step, as inputs."""
        return [("float *", self.names.outputs[n]) for n in self.program.outputs]

    def width(self, output: str) -> int:
        """How many numbers an output has."""
        return self.program.values[self.program.outputs[output]].width

    def declaration(self, end: str) -> str:
        """int NAME_step(...), in as many lines as it takes."""
        first = f"int {self.name}_step("
        parts = [f"{self.name}_state *state", *(f"{kind}{name}" for kind, name in (*self.inputs, *self.outputs))]
        line = first + ", ".join(parts) + ")" + end
        if len(line) <= 110:
            return line
        return first + (",\n" + " " * len(first)).join(parts) + ")" + end


def names_of(program: Program, name: str) -> Names:
    """C names for all that has a name in the program, no two alike."""
    names = Names({}, {}, {}, {}, {}, {*_RESERVED, *FUNCTIONS, name, name.upper()})
    for given, wishes in ((names.numbers, program.numbers), (names.ids, program.ids), (names.outputs, program.outputs)):
        for wish in wishes:
            given[wish] = names.fresh(identifier(wish))
            names.taken.add(f"{given[wish]}_count")
    for wish in program.weights:
        names.weights[wish] = names.fresh(identifier(wish))
    # Parts of the state have a space of their own, the struct.
    inside = Names({}, {}, {}, {}, {}, set(_RESERVED))
    for wish in program.state:
        names.state[wish] = inside.fresh(identifier(wish))
    return names


def indented(lines: Sequence[str]) -> Iterator[str]:
    """Lines one level further in."""
    for line in lines:
        yield f"    {line}" if line else ""
