from __future__ import annotations

import json
import struct

import pytest

import ostinato as ost
from ostinato.errors import ArtifactError, OptionError, StreamError
from ostinato.plan import plan_of
from ostinato.streaming import SeriesSession
from ostinato.streaming.live_session import LiveSession
from ostinato.streaming.snapshot import pack, unpack
from tests.streaming.live_models import begun, case


def test_it_says_what_it_is_over():
    session = begun("classifier")
    assert repr(session) == "<series-classifier, live over y1, y2, 5 steps>"
    assert (session.channels, session.steps, session.id) == (("y1", "y2"), 5, None)


def test_a_model_without_series_has_none():
    with pytest.raises(OptionError, match="wanted a model of the task anomaly-detector, forecaster"):
        LiveSession(plan_of(ost.layers.Recurrent("gru", 2, 3)))


def test_parts_that_do_not_belong_together_are_refused():
    session = SeriesSession(plan_of(case("classifier").model))
    with pytest.raises(ArtifactError, match="the network reads 2 numbers a step and tells 2"):
        session.check_parts(3, 2)


def test_a_reset_begins_anew_with_the_same_scale():
    session = begun("life")
    wanted = session.answer()
    session.reset()
    with pytest.raises(StreamError, match="before the first step"):
        session.answer()
    for row in range(5):
        session.push(case("life").panel.target[row])
    assert session.answer() == wanted


@pytest.mark.parametrize("field", ["series", "rows", "shown"])
def test_a_state_that_was_resealed_with_other_content_is_refused(field):
    session = begun("life")
    content = unpack(session.snapshot(), session.plan.digest)
    (size,) = struct.unpack_from("<Q", content)
    kept = json.loads(content[8 : 8 + size])
    for value in (None if field != "shown" else "a", [["a"]], {"x": 1}):
        text = json.dumps({**kept, field: value}).encode()
        with pytest.raises(StreamError, match="this is no state of a session over series"):
            session.restore(pack(session.plan.digest, struct.pack("<Q", len(text)) + text + content[8 + size :]))
    assert session.steps == 5
