"""Names and numbers as C takes them: identifiers from whatever somebody called a thing, and floats that are exact."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from ostinato.errors import ExportError
from ostinato.exporting.c99_arithmetic import FUNCTIONS
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


def number_in_c(number: float) -> str:
    """A float32 as C: short decimals where they are exact, else hexadecimal.

    >>> number_in_c(1.0), number_in_c(-0.5), number_in_c(0.1)
    ('1.0f', '-0.5f', '0x1.99999ap-4f')
    """
    value = float(np.float32(number))
    if not np.isfinite(value):
        raise ExportError(f"a program holds the number {number}, which no C constant can be; train the model again")
    plain = f"{value!r}"
    if len(plain) <= 8 and "e" not in plain and float(plain) == value and (value * 4096).is_integer():
        return f"{plain}f"
    mantissa, power = value.hex().split("p")
    mantissa = mantissa.rstrip("0") if "." in mantissa else mantissa
    return f"{mantissa.rstrip('.')}p{int(power)}f"


@dataclass
class Names:
    """What inputs, parts of the state, outputs and weights are called in C."""

    numbers: dict[str, str]
    ids: dict[str, str]
    state: dict[str, str]
    outputs: dict[str, str]
    weights: dict[str, str]
    taken: set[str] = field(default_factory=set)

    def fresh(self, wish: str) -> str:
        """A name that nothing has yet."""
        name, count = wish, 1
        while name in self.taken:
            count += 1
            name = f"{wish}_{count}"
        self.taken.add(name)
        return name


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
