from __future__ import annotations

import numpy as np
import pytest

import ostinato as ost
from ostinato.errors import DataError, OptionError, PlanError, StreamError
from ostinato.plan import plan_of
from ostinato.streaming import ForecastSession
from tests.streaming.live_models import asked, begun, case, demand, push
from tests.tasks.series import SMALL

NAME = "forecaster, nothing beside"


def test_it_answers_as_predict_does():
    one = case(NAME)
    frame = one.model.predict(one.panel.pick([0]), levels=[0.25, 0.5])
    session = ost.stream(one.model, history=one.panel.pick([0]))
    told = session.answer(levels=[0.25, 0.5])
    columns = {name: np.asarray(frame[name]) for name in frame}
    np.testing.assert_allclose(told.mean[:, 0], columns["mean"].astype(float), rtol=1e-5)
    np.testing.assert_allclose(told.quantiles[:, 0, 0], columns["q0.25"].astype(float), rtol=1e-5)
    assert told.time.tolist() == columns["time"].astype("datetime64[ns]").tolist()
    assert told.levels == (0.25, 0.5)


def test_a_series_never_seen_begins_with_its_history():
    one = case(NAME)
    history = [float(t % 5) for t in range(30)]
    layout = {"time": one.panel.time[:30].astype("datetime64[ns]"), "y": history}
    with pytest.raises(DataError, match="series 'z' was not there in training"):
        ost.stream(one.model, id="z")
    told = ost.stream(one.model, history=layout).answer()
    np.testing.assert_allclose(told.mean[:, 0], one.model.foretell(layout).mean[0, :, 0], rtol=1e-5)


def test_which_series_goes_on_must_be_said():
    one = case(NAME)
    with pytest.raises(OptionError, match="trained on 2 series"):
        ost.stream(one.model)
    with pytest.raises(OptionError, match="the history has the series a, b; say by id= which one goes on"):
        ost.stream(one.model, history=one.panel)
    with pytest.raises(OptionError, match="begin with a history"):
        ost.stream(case("forecaster, told what a series is").model, id="a")


def test_steps_that_were_left_out_are_missing_ones():
    panel = case("forecaster, values missing").panel
    session = begun("forecaster, values missing", rows=4)
    with pytest.raises(StreamError, match="'wind' is missing"):
        push(session, panel, 6)
    assert session.steps == 4
    plain = ost.Forecaster(**SMALL).fit(demand(gone=True, known=None, past=None), progress=False)
    skipping, told = ost.stream(plain, id="a"), ost.stream(plain, id="a")
    for row in (0, 1, 2, 3):
        told.push(int(panel.time[row]), None if row == 2 else panel.target[row])
        if row != 2:
            skipping.push(int(panel.time[row]), panel.target[row])
    assert skipping.snapshot() == told.snapshot()


def test_asking_twice_is_asking_once():
    name = "forecaster, conformal"
    one, other = begun(name), begun(name)
    for row in (5, 6, 7):
        asked(name, one)
        assert asked(name, one) == asked(name, other)
        for session in (one, other):
            push(session, case(name).panel, row)


def test_what_is_asked_must_be_answerable():
    session = begun("forecaster, conformal")
    with pytest.raises(OptionError, match="learnt for the levels"):
        session.answer([0.0] * 3, levels=[0.3])
    with pytest.raises(StreamError, match="known wanted 3 rows"):
        session.answer([0.0])
    with pytest.raises(StreamError, match="no step of it has come yet"):
        ost.stream(case(NAME).model, id="a").answer()


def test_paths_do_not_stream():
    options = {**SMALL, "decoding": "autoregressive", "head": "gaussian", "paths": 4}
    model = ost.Forecaster(**options).fit(demand(past=None), progress=False)
    with pytest.raises(PlanError, match="train it with decoding='direct'"):
        ost.stream(model, id="a")


def test_other_models_have_other_sessions():
    with pytest.raises(OptionError, match="wanted a model of the task 'forecaster'"):
        ForecastSession(plan_of(case("classifier").model))
