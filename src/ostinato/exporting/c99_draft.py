"""What is written of a program under a name: C names for everything, the step, and how it is declared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ostinato.exporting.c99_names import Names, names_of
from ostinato.exporting.c99_step import Body, body_of
from ostinato.plan.program import Program


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


def indented(lines: Sequence[str]) -> Iterator[str]:
    """Lines one level further in."""
    for line in lines:
        yield f"    {line}" if line else ""
