"""The numbers in an exported C file: weights, and the test vectors with which it looks at itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ostinato.errors import ExportError
from ostinato.exporting.c99_draft import Draft, indented
from ostinato.exporting.proof import Trial
from ostinato.plan.arithmetic import Array
from ostinato.plan.program import Program

# A hash in which every bit counts: h = P h + word, modulo 2^32.
_PRIME = 16777619


def hash_of(words: Array, start: int = 0) -> int:
    """The hash of 32-bit words, as the C file computes it.

    >>> hash_of(np.array([1, 2], np.uint32)) == 16777619 + 2
    True
    """
    words = np.ascontiguousarray(words).view(np.uint32).ravel()
    powers = np.multiply.accumulate(np.full(len(words) + 1, _PRIME, np.uint32), dtype=np.uint32)
    ahead = np.concatenate([[np.uint32(1)], powers])[: len(words)][::-1]
    total = int(np.sum(words.astype(np.uint64) * ahead.astype(np.uint64) % (1 << 32), dtype=np.uint64))
    begun = start * (int(powers[len(words) - 1]) if len(words) else 1)
    return (total + begun) % (1 << 32)


def hash_of_weights(program: Program) -> int:
    """The hash of all weights, in their order."""
    total = 0
    for weight in program.weights.values():
        total = hash_of(weight, total)
    return total


def comparison(bits: int) -> str:
    """The line that holds the hash of all answers."""
    return f"if (seen != 0x{bits:08x}u) {{"


def selftest_of(draft: Draft, vectors: Sequence[Trial], bits: int | None) -> str:
    """The test vectors, and NAME_selftest; ``bits`` is the hash of all answers, if it will be known."""
    program, names, name, upper = draft.program, draft.names, draft.name, draft.name.upper()
    tables, arguments, lines = [], ["&state"], []
    for part in program.state:
        called, width = f"test_state_{names.state[part]}", program.state[part].width
        tables.append(_table("float", called, np.concatenate([v.state[part] for v in vectors])))
        lines.append(f"copy(state.{names.state[part]}, {called} + k * {width}, {width});")
    for number, width in program.numbers.items():
        called = f"test_{names.numbers[number]}"
        tables.append(_table("float", called, np.concatenate([v.numbers[number][0] for v in vectors])))
        arguments.append(f"{called} + k * {width}")
    for ids, of in program.ids.items():
        called = f"test_{names.ids[ids]}"
        rows = [list(v.ids[ids][0]) for v in vectors]
        if of.many:
            begins = np.cumsum([0, *(len(row) for row in rows)])
            tables.append(_table("int32_t", called, np.array([i for row in rows for i in row] or [0])))
            tables.append(_table("size_t", f"{called}_begins", begins))
            arguments += [f"{called} + {called}_begins[k]", f"{called}_begins[k + 1] - {called}_begins[k]"]
        else:
            tables.append(_table("int32_t", called, np.array([row[0] for row in rows])))
            arguments.append(f"{called}[k]")
    results, compared = [], []
    for output in program.outputs:
        called, width = names.outputs[output], draft.width(output)
        wanted = np.concatenate([v.outputs[output][0] for v in vectors]).astype(np.float32)
        tables.append(_table("float", f"test_wanted_{called}", wanted))
        # What is wanted was rounded to single precision for this.
        limits = np.array([2.0 * v.allowed[f"output {output}"][0] for v in vectors])
        tables.append(_table("float", f"test_limit_{called}", limits.astype(np.float32)))
        results.append(f"float {called}[{width}];")
        arguments.append(called)
        compared.append((called, width))
    # Numbers of vectors begin with 1.
    failed = " ||\n        ".join(
        f"!near({called}, test_wanted_{called} + k * {width}, test_limit_{called}[k], {width})"
        for called, width in compared
    )
    hashed = [f"seen = hash(seen, {called}, {width});" for called, width in compared]
    hashed += [f"seen = hash(seen, state.{names.state[part]}, {program.state[part].width});" for part in program.state]
    weighed = [f"weights = hash(weights, {names.weights[n]}, {w.size});" for n, w in program.weights.items()]
    proved = [] if bits is None else [comparison(bits), "    return -2;", "}"]
    body = [
        f"{name}_state state;",
        *results,
        "uint32_t weights = 0, seen = 0;",
        *weighed,
        f"if (weights != 0x{hash_of_weights(program):08x}u) {{",
        "    return -1;",
        "}",
        f"for (size_t k = 0; k < {len(vectors)}; k++) {{",
        *indented([f"{name}_reset(&state);", *lines]),
        f"    if ({name}_step({', '.join(arguments)}) != {upper}_OK ||",
        f"        {failed}) {{",
        "        return (int)k + 1;",
        "    }",
        *indented(hashed),
        "}",
        *proved,
        *([] if bits is not None else ["(void)seen;"]),
        "return 0;",
    ]
    return "\n".join(
        [
            "/* Test vectors: states, inputs, and the answers that were computed in double precision. */",
            *tables,
            "",
            _NEAR.strip("\n"),
            "",
            f"int {name}_selftest(void)",
            "{",
            *indented(body),
            "}",
            "",
            "/* Weights. */",
        ]
    )


_NEAR = """
static int near(const float *v, const float *wanted, float limit, size_t n)
{
    float off = 0.0f;
    for (size_t i = 0; i < n; i++) {
        const float difference = absolute_of(v[i] - wanted[i]);
        off = difference <= off ? off : difference;
    }
    return off <= limit;
}

static uint32_t hash(uint32_t h, const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        h = h * 16777619u + bits_of(v[i]);
    }
    return h;
}
"""


def _table(kind: str, name: str, numbers: Array) -> str:
    return f"static const {kind} {name}[{numbers.size}] = {{\n{_rows(kind, numbers)}\n}};"


def weights_of(draft: Draft) -> Iterator[str]:
    """The numbers of all weights, as definitions of their arrays."""
    for name, weight in draft.program.weights.items():
        shape = " x ".join(map(str, weight.shape))
        yield f"\n/* {shape} */\n{_table('float', draft.names.weights[name], weight)}"


def _rows(kind: str, numbers: Array) -> str:
    """Numbers as C, in lines of a readable length; floats are hexadecimal, which is exact."""
    flat, each = numbers.ravel(), 8
    if kind != "float":
        words = [f"{int(value)}" for value in flat]
        return "\n".join("    " + ", ".join(words[k : k + each]) + "," for k in range(0, len(words), each))
    if not np.isfinite(flat).all():
        raise ExportError("the weights hold NaN or infinity, which no C constant can be; train the model again")
    words = [value.hex() for value in flat.astype(np.float32).tolist()]
    text = "\n".join("    " + "f, ".join(words[k : k + each]) + "f," for k in range(0, len(words), each))
    # A float32 has six hexadecimal digits; Python writes those of a float64.
    return text.replace("0000000p", "p")
