"""What a model of series says of a whole is what it says live."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ostinato.errors import StreamError
from tests.streaming.live_models import CASES, asked, begun, case, push


@pytest.mark.parametrize("name", CASES)
def test_live_answers_are_those_of_the_whole(name):
    one = case(name)
    whole, live = one.whole(one.model, one.panel), one.live(one.model, one.panel)
    # Libraries multiply matrices in another order than the runtime does.
    size = max(1.0, float(np.abs(whole).max()))
    np.testing.assert_allclose(live, whole, rtol=0, atol=1e-5 * size)
    assert np.ptp(whole) > 0


@pytest.mark.parametrize("name", CASES)
def test_a_file_says_live_what_its_model_says(name, tmp_path):
    case(name).model.save(tmp_path / "model.safetensors")
    session = begun(name, tmp_path / "model.safetensors")
    assert asked(name, session) == asked(name, begun(name))


@pytest.mark.parametrize("name", CASES)
def test_a_session_goes_on_where_a_snapshot_was_taken(name):
    one, other, panel = begun(name), begun(name), case(name).panel
    wanted = []
    for row in (5, 6):
        kept = one.snapshot()
        push(one, panel, row)
        wanted.append(asked(name, one))
    third = other.fork()
    for session in (other, third):
        push(session, panel, 5)
        # An answer that was given is one to learn from.
        asked(name, session)
    other.restore(kept)
    for session in (other, third):
        push(session, panel, 6)
        assert asked(name, session) == wanted[1]


@pytest.mark.parametrize("name", CASES)
def test_what_is_refused_leaves_a_session_as_it_was(name):
    session, panel = begun(name), case(name).panel
    before = session.snapshot()
    wrong = dataclasses.replace(panel, target=np.full_like(panel.target, np.inf))
    with pytest.raises(StreamError, match=r"row 6: wanted a finite number"):
        push(session, wrong, 5)
    with pytest.raises(StreamError):
        session.restore(before[:-7])
    assert session.snapshot() == before
