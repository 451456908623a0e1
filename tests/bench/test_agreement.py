from __future__ import annotations

import math

import numpy as np

from ostinato.bench.agreement import STRIDE, beyond, distance, errors, worst


def test_the_distance_is_relative_to_what_was_wanted():
    assert math.isclose(distance(np.full(9, 1.01), np.ones(9)), 0.01)
    assert math.isclose(distance(np.full(9, 101.0), np.full(9, 100.0)), 0.01)
    assert distance(np.zeros(3), np.zeros(3)) == 0.0
    assert distance(np.array([1e-3]), np.zeros(1)) == 1e-3


def test_long_arrays_are_summed_piece_by_piece():
    wanted = np.ones(STRIDE + 5, dtype=np.float32)
    got = wanted.copy()
    got[-1] = 2.0
    assert math.isclose(distance(got, wanted), 1 / math.sqrt(STRIDE + 5))


def test_other_shapes_missing_tensors_and_nan_are_infinitely_far():
    assert distance(np.ones(2), np.ones(3)) == math.inf
    assert distance(np.array([math.nan]), np.ones(1)) == math.inf
    assert errors({"y": np.ones(1)}, {"y": np.ones(1), "h": np.ones(1)}) == {"y": 0.0, "h": math.inf}


def test_outputs_and_gradients_have_bounds_of_their_own_and_single_ones_may_be_widened():
    found = {"y": 2e-5, "grad.x": 2e-4, "grad.weight.W": 5e-5}
    assert beyond(found) == ["y 2.0e-05 (at most 1e-05)", "grad.x 2.0e-04 (at most 0.0001)"]
    assert beyond(found, {"grad.x": 3e-4}) == ["y 2.0e-05 (at most 1e-05)"]
    assert beyond({"y": math.nan})
    assert worst(found) == {"outputs": 2e-5, "gradients": 2e-4}
