from __future__ import annotations

import numpy as np
import pytest

from ostinato.errors import ExportError
from ostinato.exporting.onnx_trials import BatchTrial, Draw, noise_of, sequence_trials
from ostinato.plan import Recur
from tests.exporting.models import plan


def trial(wanted, rounded=None, **how):
    array = np.asarray(wanted, np.float64)
    noise = noise_of({"y": array}, [{"y": array if rounded is None else np.asarray(rounded)}])
    return BatchTrial("a test", {"x": np.zeros((len(array), 1))}, {"y": array}, noise, **how)


def test_a_difference_is_measured_against_the_largest_magnitude_of_its_vector():
    asked = trial([[1000.0, 0.0], [0.5, 0.0]])
    assert asked.judged({"y": np.array([[1000.0, 1e-3], [0.5, 0.0]])}) == pytest.approx(1e-6)
    with pytest.raises(ExportError, match=r"a test: output 'y', row 1, unit 1: wanted 0, got 0.001, allowed .* 2e-06"):
        asked.judged({"y": np.array([[1000.0, 1e-3], [0.5, 1e-3]])})


@pytest.mark.parametrize("got", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused_where_the_network_gives_one(got):
    array = np.zeros((1, 3, 1))
    array[0, 2] = got
    for strict in (True, False):
        with pytest.raises(ExportError, match="row 0, step 2, unit 0"):
            trial(np.zeros((1, 3, 1)), strict=strict).judged({"y": array})


def test_another_shape_is_refused():
    with pytest.raises(ExportError, match=r"wanted the shape \[1, 2\], got \[1, 3\]"):
        trial(np.zeros((1, 2))).judged({"y": np.zeros((1, 3))})


def test_where_rounding_moves_an_answer_far_an_export_may_be_off_too_but_not_at_a_single_step():
    asked = trial([[1.0]], [[1.001]], strict=False)
    assert asked.judged({"y": np.array([[0.999]])}) == pytest.approx(1e-3)
    with pytest.raises(ExportError):
        asked.judged({"y": np.array([[1.1]])})
    with pytest.raises(ExportError):
        trial([[1.0]], [[1.001]]).judged({"y": np.array([[0.999]])})


def test_what_overflows_in_single_precision_is_not_asked():
    assert trial([[1e39]], [[np.inf]], strict=False).judged({"y": np.array([[np.inf]])}) == 0.0


def questions(name):
    laid = plan(name)
    recurrent = [step for step in laid.steps if isinstance(step, Recur)]
    widths = {part: step.widths[own] for step in recurrent for own, part in step.state.items()}
    return list(sequence_trials(laid, "{}.next", widths))


@pytest.mark.parametrize("name", ["text, bag 0.5, buckets 30", "cfc"])
def test_the_same_questions_are_asked_every_time(name):
    for left, right in zip(questions(name), questions(name), strict=True):
        assert left.name == right.name
        for given, array in left.inputs.items():
            np.testing.assert_array_equal(array, right.inputs[given])


def test_sequences_begin_with_states_that_can_be():
    for asked in questions("slstm"):
        assert (asked.inputs.get("layer0.n", np.zeros(1)) >= 0).all()
        assert all(np.isfinite(value).all() for value in asked.wanted.values())
    for asked in questions("cfc"):
        assert np.nanmin(asked.inputs["dt"]) >= 0


def test_sequences_are_asked_with_lengths_of_0_and_1_padding_of_nan_and_without_a_state():
    asked = questions("gru")
    lengths = np.concatenate([one.inputs["lengths"] for one in asked])
    assert {0, 1} <= set(lengths.tolist())
    assert max(lengths) >= 250
    assert any(np.isnan(one.inputs["x"]).any() for one in asked)
    assert {"layer0.h" in one.inputs for one in asked} == {True, False}
    assert {bool(np.nanmax(abs(one.inputs["x"])) > 9e3) for one in asked} == {True, False}


def test_drawn_ids_are_known_and_the_rest_is_filled_up():
    drawn = Draw(plan("text, bag 0.5, buckets 30")).ids(50, 3)
    assert drawn["pieces"].min() == -1
    assert 0 < drawn["pieces"].max() < 30
    assert drawn["edges"].shape == (50,)
    assert drawn["words"].shape == (50, 3)
