"""The files of an exported C program: header, source with its weights and test vectors, and an example."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ostinato.exporting.c99_arithmetic import functions
from ostinato.exporting.c99_draft import Draft, indented
from ostinato.exporting.c99_tables import selftest_of, weights_of
from ostinato.exporting.proof import Trial

# What files of an export are known by, so that none of somebody else's is replaced.
MARK = "Written by ostinato"


def header_of(draft: Draft, about: Sequence[str]) -> str:
    """NAME.h."""
    upper, program = draft.name.upper(), draft.program
    sizes = [f"#define {upper}_{draft.names.numbers[n].upper()}_WIDTH {width}" for n, width in program.numbers.items()]
    sizes += [f"#define {upper}_{draft.names.ids[n].upper()}_IDS {ids.count}" for n, ids in program.ids.items()]
    sizes += [f"#define {upper}_{draft.names.outputs[n].upper()}_WIDTH {draft.width(n)}" for n in program.outputs]
    parts = [f"    float {draft.names.state[n]}[{part.width}];" for n, part in program.state.items()]
    return "\n".join(
        [
            "/*",
            *(f" * {line}".rstrip() for line in about),
            " */",
            f"#ifndef {upper}_H",
            f"#define {upper}_H",
            "",
            "#include <stddef.h>",
            "#include <stdint.h>",
            "",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            "",
            *sizes,
            "",
            f"enum {{ {upper}_OK, {upper}_NOT_FINITE, {upper}_NO_SUCH_ID, {upper}_OVERFLOW }};",
            "",
            "/* What is remembered from step to step: one of these for each stream. */",
            "typedef struct {",
            *(parts or ["    float nothing[1];"]),
            f"}} {draft.name}_state;",
            "",
            "/* Begin a stream. */",
            f"void {draft.name}_reset({draft.name}_state *state);",
            "",
            *_about_step(draft),
            draft.declaration(";"),
            "",
            "/* 0 if this file computes here what it was proved to compute; else the number of the test vector that",
            "   fails, -1 for changed weights, -2 for other bits: a compiler was told to reorder or fuse sums. */",
            f"int {draft.name}_selftest(void);",
            "",
            "#ifdef __cplusplus",
            "}",
            "#endif",
            "",
            "#endif",
            "",
        ]
    )


def _about_step(draft: Draft) -> list[str]:
    upper, program = draft.name.upper(), draft.program
    given = [f"{draft.names.numbers[n]}[{width}]" for n, width in program.numbers.items()]
    for name, ids in program.ids.items():
        called = draft.names.ids[name]
        many = f"{called}[{called}_count], each" if ids.many else called
        given.append(f"{many} from 0 to {ids.count - 1}")
    shown = ", ".join(f"{draft.names.outputs[n]}[{draft.width(n)}]" for n in program.outputs)
    return [
        f"/* One step: reads {'; '.join(given) or 'nothing'}; writes {shown}.",
        f"   Anything but {upper}_OK means that neither the state nor an output was touched:",
        f"   {upper}_NOT_FINITE for an input that is NaN or infinite, {upper}_NO_SUCH_ID, and",
        f"   {upper}_OVERFLOW for a result that would be. */",
    ]


_GUARDS = """
/* Sums have an order and products are rounded before they are added: that gives the same bits on every machine. */
#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || \\
    (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0)
#error "compile this file without -ffast-math, -Ofast and their parts: they reorder arithmetic"
#endif
/* 16 is for machines that have half floats too. */
#if !defined(FLT_EVAL_METHOD) || (FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16)
#error "compile this file for arithmetic that is done in float, for example with -msse2 -mfpmath=sse"
#endif
#if FLT_RADIX != 2 || FLT_MANT_DIG != 24 || FLT_MAX_EXP != 128
#error "this file wants IEEE 754 floats"
#endif
/* gcc does not know the pragma of the standard. It also fuses what it finds in straight lines, asked or not; and it
   makes loops over units fast only where nobody asks for traps. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off", "no-tree-slp-vectorize", "no-trapping-math")
#else
#pragma STDC FP_CONTRACT OFF
#endif
"""


def source_of(draft: Draft, about: Sequence[str], vectors: Sequence[Trial], bits: int | None) -> str:
    """NAME.c: arithmetic, the step, its proof, and the weights at the end."""
    program, names = draft.program, draft.names
    checks = _checks(draft)
    used = {*draft.body.calls, "bits_of", "absolute_of", *(("all_finite",) if program.numbers else ())}
    declared = [f"static const float {names.weights[n]}[{w.size}];" for n, w in program.weights.items()]
    reset = [
        f"    for (size_t i = 0; i < {part.width}; i++) {{\n"
        f"        state->{names.state[n]}[i] = {_decimal(part.start)};\n    }}"
        for n, part in program.state.items()
    ]
    return "\n".join(
        [
            "/*",
            *(f" * {line}".rstrip() for line in about),
            " */",
            f'#include "{draft.name}.h"',
            "",
            "#include <float.h>",
            _GUARDS,
            "/* Weights; their numbers stand at the end. Matrices lie row by row, a row for each input. */",
            *declared,
            "",
            functions(used),
            f"void {draft.name}_reset({draft.name}_state *state)",
            "{",
            *(reset or ["    state->nothing[0] = 0.0f;"]),
            "}",
            "",
            draft.declaration(""),
            "{",
            *indented([*checks, *([] if program.state else ["(void)state;"]), *draft.body.lines]),
            "}",
            "",
            selftest_of(draft, vectors, bits),
            *weights_of(draft),
            "",
        ]
    )


def _decimal(number: float) -> str:
    """A float as decimals that a reader knows."""
    return f"{np.float32(number)!r}".removeprefix("np.float32(").removesuffix(")") + "f"


def _checks(draft: Draft) -> list[str]:
    """What a step looks at before it begins."""
    upper, lines = draft.name.upper(), []
    for name, width in draft.program.numbers.items():
        lines += [f"if (!all_finite({draft.names.numbers[name]}, {width})) {{", f"    return {upper}_NOT_FINITE;", "}"]
    for name, ids in draft.program.ids.items():
        called = draft.names.ids[name]
        if ids.many:
            lines += [f"for (size_t k = 0; k < {called}_count; k++) {{"]
            lines += [f"    if ({called}[k] < 0 || {called}[k] >= {ids.count}) {{"]
            lines += [f"        return {upper}_NO_SUCH_ID;", "    }", "}"]
        else:
            lines += [f"if ({called} < 0 || {called} >= {ids.count}) {{", f"    return {upper}_NO_SUCH_ID;", "}"]
    return lines


def example_of(draft: Draft) -> str:
    """NAME_example.c: a program that runs some steps and shows what they give."""
    name, upper, program = draft.name, draft.name.upper(), draft.program
    given, arguments = [], ["&state"]
    for number, width in program.numbers.items():
        called = draft.names.numbers[number]
        given.append(f"    float {called}[{width}] = {{0.5f}};")
        arguments.append(called)
    for ids, of in program.ids.items():
        called = draft.names.ids[ids]
        if of.many:
            given.append(f"    const int32_t {called}[1] = {{0}};")
            arguments += [called, "1"]
        else:
            arguments.append("0")
    for output in program.outputs:
        given.append(f"    float {draft.names.outputs[output]}[{draft.width(output)}];")
        arguments.append(draft.names.outputs[output])
    shown = next(iter(program.outputs))
    called = draft.names.outputs[shown]
    return "\n".join(
        [
            f"/* cc -O3 -std=c99 {name}.c {name}_example.c -o {name} && ./{name}",
            f"   {MARK} anew with each export: change a copy. */",
            f'#include "{name}.h"',
            "",
            "#include <stdio.h>",
            "",
            "int main(void)",
            "{",
            f"    {name}_state state;",
            *given,
            f'    printf("selftest: %d\\n", {name}_selftest());',
            f"    {name}_reset(&state);",
            "    for (int step = 0; step < 5; step++) {",
            f"        if ({name}_step({', '.join(arguments)}) != {upper}_OK) {{",
            "            return 1;",
            "        }",
            f"        for (size_t i = 0; i < {upper}_{called.upper()}_WIDTH; i++) {{",
            f'            printf("%s%.6f", i > 0 ? " " : "", (double){called}[i]);',
            "        }",
            '        printf("\\n");',
            "    }",
            "    return 0;",
            "}",
            "",
        ]
    )
