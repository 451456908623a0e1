"""The program that runs an export on trials: they come in by its input, and answers go out."""

from __future__ import annotations

from collections.abc import Mapping

from ostinato.exporting.c99_draft import Draft


def driver_of(draft: Draft, longest: Mapping[str, int]) -> str:
    """A program that takes trials from its input and gives each step's answers; ``longest`` lists of ids by name."""
    name, program = draft.name, draft.program
    state = [f"state.{draft.names.state[n]}" for n in program.state]
    widths = {f"state.{draft.names.state[n]}": part.width for n, part in program.state.items()}
    given, read, arguments = [], [], ["&state"]
    for number, width in program.numbers.items():
        given.append(f"static float in_{draft.names.numbers[number]}[{width}];")
        read.append(f"take(in_{draft.names.numbers[number]}, {width});")
        arguments.append(f"in_{draft.names.numbers[number]}")
    for ids, of in program.ids.items():
        called = f"in_{draft.names.ids[ids]}"
        given.append(f"static int32_t {called}[{max(1, longest[ids])}];")
        if of.many:
            given.append(f"static uint32_t {called}_count;")
            read += [f"take(&{called}_count, 1);", f"take({called}, {called}_count);"]
            arguments += [called, f"{called}_count"]
        else:
            read.append(f"take({called}, 1);")
            arguments.append(f"{called}[0]")
    give = []
    for output in program.outputs:
        called, width = f"out_{draft.names.outputs[output]}", draft.width(output)
        given.append(f"static float {called}[{width}];")
        arguments.append(called)
        give.append(f"give({called}, {width});")
    return "\n".join(
        [
            f'#include "{name}.h"',
            "#include <stdio.h>",
            "#include <stdlib.h>",
            *given,
            "static void take(void *to, size_t n) { if (fread(to, 4, n, stdin) != n) exit(3); }",
            "static void give(const void *from, size_t n) { if (fwrite(from, 4, n, stdout) != n) exit(4); }",
            "int main(void)",
            "{",
            f"    {name}_state state;",
            "    uint32_t trials, steps, code;",
            "    take(&trials, 1);",
            "    while (trials-- > 0) {",
            "        take(&steps, 1);",
            f"        {name}_reset(&state);",
            *(f"        take({place}, {widths[place]});" for place in state),
            "        while (steps-- > 0) {",
            *(f"            {line}" for line in read),
            f"            code = (uint32_t){name}_step({', '.join(arguments)});",
            "            give(&code, 1);",
            *(f"            {line}" for line in give),
            *(f"            give({place}, {widths[place]});" for place in state),
            "        }",
            "    }",
            f"    code = (uint32_t){name}_selftest();",
            "    give(&code, 1);",
            "    return 0;",
            "}",
            "",
        ]
    )
