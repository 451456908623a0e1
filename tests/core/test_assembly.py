"""The inner loops as the compiler wrote them: every accumulator of a tile stays in a register."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from tests.core.machines import TARGETS, compiler, processor

# Rows of the largest tile of four vectors (a panel of an LSTM; a group of units on the way back): as many as there are
# registers for, beside what is multiplied.
ROWS = {"avx2": 3, "avx512": 6}
VECTORS = 4
JUMP = re.compile(r"^j\w+\s+([0-9a-f]+)")
STACK = re.compile(r"%[er]?[sb]p\b")


def disassembled(path, symbol):
    """(address, instruction) of each function whose readable name matches."""
    if not shutil.which("objdump"):
        pytest.skip("objdump is not installed: apt-get install -y binutils")
    command = ["objdump", "--disassemble", "--no-show-raw-insn", "--demangle", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name, body in re.findall(r"^[0-9a-f]+ <(.*)>:\n((?:.+\n)*)", text, re.MULTILINE):
        if re.search(symbol, name):
            yield [(int(at, 16), words) for at, words in re.findall(r"^\s*([0-9a-f]+):\t(.*)$", body, re.MULTILINE)]


def innermost_loops(instructions):
    """The instructions between a jump and where it goes back to, if there is no other jump between."""
    for end, words in instructions:
        jump = JUMP.match(words)
        if jump and int(jump[1], 16) <= end:
            body = [inside for at, inside in instructions if int(jump[1], 16) <= at <= end]
            if sum(bool(JUMP.match(inside)) for inside in body) == 1:
                yield body


def count(pattern, body):
    return sum(bool(re.search(pattern, words)) for words in body)


def object_of(program, name):
    """The compiled object of a target, as gcc made it here."""
    target = TARGETS[name]
    if target.processor != processor() or not compiler(target):
        pytest.skip(f"there is no C++ compiler for {target.processor} of this machine's own")
    version = subprocess.run([compiler(target), "--version"], capture_output=True, text=True, check=True).stdout
    if "clang" in version:
        pytest.skip("the tiles are made for gcc; what clang makes of them goes through the stack in places")
    return program("dispatch", target).path.parent / f"target_{name}.o"


@pytest.mark.parametrize("scalar", ["float", "double"])
@pytest.mark.parametrize("name", ROWS)
def test_a_tile_is_summed_in_registers(program, name, scalar):
    target, core = TARGETS[name], object_of(program, name)
    lanes = target.bytes // {"float": 4, "double": 8}[scalar]
    # gcc writes float __vector(8), clang float vector[8].
    symbol = rf"panel_product<{scalar} (__vector\({lanes}\)|vector\[{lanes}\]), {VECTORS}>"
    functions = list(disassembled(core, symbol))
    assert functions, f"no function is named {symbol}"
    loops = [body for instructions in functions for body in innermost_loops(instructions)]
    largest = max(loops, key=lambda body: count("vfmadd", body))
    text = "\n".join(largest)
    rounds, rest = divmod(count("vfmadd", largest), ROWS[name] * VECTORS)
    assert (rounds >= 1, rest) == (True, 0), f"not {ROWS[name]} x {VECTORS} sums:\n{text}"
    # Beside the sums: a load for each vector, a broadcast for each row, and what counts.
    assert len(largest) <= rounds * (ROWS[name] * VECTORS + VECTORS + ROWS[name]) + 8, text
    for body in loops:
        if count("vfmadd", body):
            stacked = [words for words in body if STACK.search(words)]
            assert not stacked, f"{stacked} in\n" + "\n".join(body)


@pytest.mark.parametrize("name", ROWS)
def test_the_product_of_a_stream_reads_each_weight_once_and_keeps_its_sums_in_registers(program, name):
    core = object_of(program, name)
    for vectors in (8, 12):
        (function,) = disassembled(core, rf"streaming::block<{vectors}>")
        (body,) = [loop for loop in innermost_loops(function) if count("vfmadd", loop)]
        text = "\n".join(body)
        assert count(r"vfmadd.*\(%r", body) == count("vfmadd", body) == vectors, text
        # Beside the sums: one broadcast, two pointers, a comparison and the jump.
        assert len(body) <= vectors + 6, text
        assert not count(STACK, body), text
