import subprocess

import numpy as np
import pytest

from ostinato.exporting.c99_arithmetic import functions
from ostinato.exporting.c99_rows import ROWS
from ostinato.exporting.c99_running import find_compiler

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="no C compiler is installed: apt-get install gcc")
PROGRAM = """
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
{functions}
int main(void)
{{
    static float m[64 * 64], v[64], y[64 + 6];
    uint32_t n[2];
    while (fread(n, 4, 2, stdin) == 2) {{
        if (fread(m, 4, n[0] * n[1], stdin) + fread(v, 4, n[0], stdin) + fread(y, 4, n[1], stdin) == 0) return 1;
        add_product(y, v, m, n[0], n[1]);
        add_row(y, m, n[1]);
        y[n[1]] = row_sum(v, n[0]);
        y[n[1] + 1] = row_mean(v, n[0]);
        y[n[1] + 2] = row_max(v, n[0]);
        y[n[1] + 3] = (float)all_finite(v, n[0]);
        copy(y + n[1] + 4, v, 1);
        commit(y + n[1] + 5, v, 1);
        fwrite(y, 4, n[1] + 6, stdout);
    }}
    return 0;
}}
"""
SIZES = [(inputs, outputs) for inputs in (1, 3, 4, 5, 8, 9, 17, 33) for outputs in (1, 2, 7, 16, 33)]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    (folder / "r.c").write_text(PROGRAM.format(functions=functions(ROWS)))
    command = [*find_compiler().command, "-std=c99", "-O2", "-Wall", "-Wextra", "-ffp-contract=off", "r.c", "-o", "r"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "r"


def given(v=None):
    random = np.random.default_rng(0)
    for inputs, outputs in SIZES:
        m, y = random.standard_normal((inputs, outputs)), random.standard_normal(outputs)
        row = random.standard_normal(inputs) if v is None else np.full(inputs, v)
        yield m.astype(np.float32), row.astype(np.float32), y.astype(np.float32)


def answers(program, cases):
    packed = b"".join(
        np.array(m.shape, np.uint32).tobytes() + m.tobytes() + v.tobytes() + y.tobytes() for m, v, y in cases
    )
    raw = np.frombuffer(subprocess.run([program], input=packed, capture_output=True, check=True).stdout, np.float32)
    for _, outputs in SIZES:
        yield raw[:outputs], raw[outputs : outputs + 6]
        raw = raw[outputs + 6 :]


def test_products_add_in_the_order_of_the_inputs_whatever_the_sizes(program):
    for (m, v, y), (came, _) in zip(given(), answers(program, given()), strict=True):
        for i in range(len(v)):
            y = y + v[i] * m[i]
        assert np.array_equal(came, y + m[0])


def test_rows_are_summed_averaged_and_searched_whatever_their_length(program):
    for (_, v, _), (_, came) in zip(given(), answers(program, given()), strict=True):
        np.testing.assert_allclose(came[:2], [v.sum(dtype=float), v.mean(dtype=float)], rtol=0, atol=1e-5)
        assert came[2:].tolist() == [v.max(), 1.0, v[0], v[0]]


@pytest.mark.parametrize(
    ("number", "finite", "kept"), [(np.inf, 0, np.inf), (-np.inf, 0, -np.inf), (3.4e38, 1, 3.4e38), (1e-30, 1, 0)]
)
def test_what_is_infinite_is_seen_and_what_is_tiny_becomes_zero(number, finite, kept, program):
    for _, came in answers(program, given(number)):
        assert came[3] == finite
        assert came[5] == np.float32(kept)


def test_what_is_not_a_number_is_seen(program):
    assert all(came[3] == 0 for _, came in answers(program, given(np.nan)))
