import numpy as np
import pytest

from ostinato.cells.operations import OPERATIONS
from ostinato.lowering.graph import ARITHMETIC
from ostinato.plan.arithmetic import ALONG_A_ROW, ELEMENTWISE


def test_every_operation_of_cells_has_its_arithmetic():
    assert {*ELEMENTWISE, *ALONG_A_ROW} == {*ARITHMETIC, *OPERATIONS} - {"product"}


@pytest.mark.parametrize("kind", [k for k in OPERATIONS if k in ELEMENTWISE and k not in ("less", "select")])
def test_arrays_compute_what_numbers_compute(kind):
    operands = [0.3, 2.0] if kind in ("maximum", "minimum") else [0.7]
    wanted = OPERATIONS[kind](*operands)
    for dtype in (np.float32, np.float64):
        got = ELEMENTWISE[kind](*(np.array([v], dtype) for v in operands))
        assert got.dtype == dtype
        assert got[0] == pytest.approx(wanted, rel=1e-6)


def test_nothing_overflows_where_the_result_is_a_number():
    far = np.array([-1e4, 1e4])
    with np.errstate(over="raise"):
        assert ELEMENTWISE["sigmoid"](far).tolist() == [0.0, 1.0]
        assert ELEMENTWISE["softplus"](far).tolist() == [0.0, 1e4]
