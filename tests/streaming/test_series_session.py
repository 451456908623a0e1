from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import ostinato as ost
from ostinato.errors import OptionError, PlanError, StreamError
from ostinato.plan import plan_of
from ostinato.streaming import SeriesSession
from tests.streaming.live_models import CAUSAL, begun, case
from tests.tasks.series_sets import waves


def test_a_chunk_is_its_steps():
    one, panel = case("classifier"), case("classifier").panel
    whole, steps = ost.stream(one.model), ost.stream(one.model)
    whole.push(panel.target[:5])
    for row in panel.target[:5]:
        steps.push(row.tolist())
    assert whole.snapshot() == steps.snapshot()


def test_steps_that_were_left_out_are_missing_ones():
    model = ost.SeriesClassifier(**CAUSAL, missing="always").fit(*waves(), progress=False)
    session, other = ost.stream(model), ost.stream(model)
    for at, row in ((0, [1.0, 2.0]), (3, [2.0, 1.0])):
        session.push(row, at)
    for row in ([1.0, 2.0], None, [None, None], [2.0, 1.0]):
        other.push(row)
    assert session.snapshot() == other.snapshot()
    strict = ost.stream(case("classifier").model)
    strict.push([1.0, 2.0], 0)
    with pytest.raises(StreamError, match="'y1' is missing"):
        strict.push([1.0, 2.0], 2)
    assert strict.steps == 1


def test_a_time_that_cannot_follow_is_refused():
    session = begun("classifier, irregular")
    with pytest.raises(StreamError, match="steps are irregular; say when each came"):
        session.push([1.0, 2.0])
    with pytest.raises(StreamError, match="does not follow the step before"):
        session.push([1.0, 2.0], 0)


def test_there_is_no_answer_before_the_first_step():
    with pytest.raises(StreamError, match="no answer before the first step"):
        ost.stream(case("regressor").model).answer()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"convolution": 4}, "train it with convolution=0"),
        ({"bidirectional": True}, "train it with bidirectional=False"),
        ({"scope": "series"}, "train it with scope='panel'"),
    ],
)
def test_what_cannot_stream_says_why(options, told):
    model = ost.SeriesClassifier(**{**CAUSAL, **options}).fit(*waves(), progress=False)
    with pytest.raises(PlanError, match=told):
        ost.stream(model)


def test_other_models_have_other_sessions():
    with pytest.raises(OptionError, match="has no one answer"):
        SeriesSession(plan_of(case("forecaster, gaussian").model))
    with pytest.raises(OptionError, match="id= does not apply to series-classifier"):
        ost.stream(case("classifier").model, id="a")


def test_remaining_life_lies_between_nothing_and_the_cap():
    session = ost.stream(case("life").model)
    for value in np.linspace(-50, 50, 20):
        session.push([value, -value])
        assert 0 <= session.answer() <= 12


def test_a_beginning_outlives_a_snapshot_and_ends_with_its_unit():
    one = case("life by its usual options")
    session, other = begun("life by its usual options"), ost.stream(one.model)
    other.restore(session.snapshot())
    for row in one.panel.target[5:9]:
        session.push(row)
        other.push(row)
    assert session.answer() == other.answer()
    session.reset()
    session.push(one.panel.target[:5])
    assert session.snapshot() == begun("life by its usual options").snapshot()


def test_columns_that_no_session_makes_are_refused():
    plan = plan_of(case("life by its usual options").model)
    with pytest.raises(PlanError, match=r"reads steps run, y1 since the start.* no session makes"):
        SeriesSession(dataclasses.replace(plan, series=dataclasses.replace(plan.series, wear=None)))
