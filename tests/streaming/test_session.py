import threading

import numpy as np
import pytest
import torch

import ostinato as ost
from ostinato.cells import cell, sigmoid, tanh
from ostinato.errors import DataError, OptionError, PlanError, ShapeError, StreamError
from ostinato.layers import Recurrent
from ostinato.model import build
from ostinato.plan import plan_of
from ostinato.state import State
from tests.tasks.requests import TINY, requests


@pytest.fixture
def session():
    torch.manual_seed(1)
    return ost.stream(Recurrent("gru", 2, 3))


@pytest.fixture(scope="module")
def texts():
    """A classifier of texts that reads forwards only, and its session."""
    model = ost.TextClassifier(**{**TINY, "bidirectional": False}).fit(*requests(), progress=False)
    return model, ost.stream(model)


def test_lists_and_arrays_of_other_types_are_numbers_too(session):
    x = np.array([[1, 2], [3, 4]], np.float32)
    wanted = session.push(x)
    for same in ([[1, 2], [3, 4]], x.astype(np.float64), x.astype(np.int8), np.asfortranarray(x), x[:, ::-1][:, ::-1]):
        session.reset()
        np.testing.assert_array_equal(session.push(same), wanted)


def test_one_sample_gives_one_answer_and_a_chunk_one_for_each(session):
    assert session.push([1.0, 2.0]).shape == (3,)
    assert session.push(np.zeros((4, 2), np.float32)).shape == (4, 3)
    assert session.push(np.zeros((0, 2), np.float32)).shape == (0, 3)
    assert session.width == 3
    assert session.inputs == {"x": 2}


WRONG = {
    "three numbers for two": ([1.0, 2.0, 3.0], ShapeError),
    "a single number": (1.0, ShapeError),
    "a batch": (np.zeros((2, 2, 2)), ShapeError),
    "a number that is none": ([np.nan, 1.0], DataError),
    "infinity": (np.array([[0, 0], [1, np.inf]], np.float32), DataError),
    "a number too large for float32": ([1e300, 0.0], DataError),
    "a word": ("turn on", DataError),
    "rows of several widths": ([[1, 2], [3]], DataError),
    "complex numbers": (np.array([1j, 2]), DataError),
    "nothing": (None, DataError),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_sample_is_refused_and_the_state_is_kept(session, what):
    session.push([0.5, -0.5])
    before = session.snapshot()
    wrong, kind = WRONG[what]
    with pytest.raises(kind, match=r"wanted|NaN"):
        session.push(wrong)
    assert session.snapshot() == before


def test_an_input_that_the_model_does_not_read_is_refused(session):
    with pytest.raises(OptionError, match="got dt too"):
        session.push([1.0, 2.0], dt=0.1)
    timed = ost.stream(Recurrent("cfc", 2, 3))
    with pytest.raises(OptionError, match="wanted dt at every step"):
        timed.push([1.0, 2.0])
    with pytest.raises(OptionError, match="no input 'td'; did you mean 'dt'"):
        timed.push([1.0, 2.0], td=0.1)
    with pytest.raises(ShapeError, match="one for each of 2 samples, got 3"):
        timed.push([[1.0, 2.0]] * 2, dt=[0.1] * 3)
    assert timed.push([1.0, 2.0], dt=0.1).shape == (3,)
    assert timed.push([[1.0, 2.0]] * 2, dt=[0.1, 0.2]).shape == (2, 3)


def test_a_snapshot_of_another_model_is_refused(session):
    other = ost.stream(Recurrent("gru", 2, 3))
    before = session.snapshot()
    with pytest.raises(StreamError, match="belongs to the model"):
        session.restore(other.snapshot())
    with pytest.raises(StreamError, match="cut off"):
        session.restore(before[:-1])
    assert session.snapshot() == before


def test_a_model_in_memory_and_its_file_share_snapshots(tmp_path):
    layer = Recurrent("lstm", 2, 3, layers=2)
    ost.save(layer, tmp_path / "l.safetensors")
    one, other = ost.stream(layer), ost.stream(tmp_path / "l.safetensors")
    one.push([1.0, 2.0])
    other.restore(one.snapshot())
    np.testing.assert_array_equal(one.push([3.0, 4.0]), other.push([3.0, 4.0]))


def test_the_state_is_shown_by_name_as_a_copy(session):
    assert {name: part.tolist() for name, part in session.state().items()} == {"layer0.h": [0.0, 0.0, 0.0]}
    y = session.push([1.0, 2.0])
    np.testing.assert_array_equal(session.state()["layer0.h"], y)
    session.state()["layer0.h"][:] = 9
    np.testing.assert_array_equal(session.state()["layer0.h"], y)


def test_sessions_of_one_model_share_its_weights(tmp_path):
    layer = Recurrent("lstm", 2, 3)
    ost.save(layer, tmp_path / "l.safetensors")
    sessions = [ost.stream(layer), ost.stream(tmp_path / "l.safetensors")]
    assert sessions[0]._stream.model is sessions[1]._stream.model is sessions[0].fork()._stream.model
    assert ost.stream(Recurrent("lstm", 2, 3))._stream.model is not sessions[0]._stream.model
    np.testing.assert_array_equal(sessions[0].push([1.0, 2.0]), sessions[1].push([1.0, 2.0]))


def test_a_users_cell_streams_from_its_file_without_its_code(tmp_path):
    @cell(state="h v", gates="z n", parameters={})
    def leaky(x, u, s):
        z = sigmoid(x.z + u.z + s.v)
        return State(h=(1 - z) * s.h + z * tanh(x.n + u.n), v=0.5 * s.v + 0.5 * z)

    layer = Recurrent(leaky, 2, 5).eval()
    ost.save(layer, tmp_path / "own.safetensors")
    x = torch.randn(1, 30, 2)
    shown = ost.stream(tmp_path / "own.safetensors").push(x[0].numpy())
    np.testing.assert_allclose(shown, layer(x)[0][0].detach(), atol=2e-6)


def test_what_cannot_run_step_by_step_says_why():
    with pytest.raises(PlanError, match="layer0_reverse read the sequence from its end"):
        ost.stream(Recurrent("gru", 2, 3, bidirectional=True))
    with pytest.raises(PlanError, match="wanted a model file, a trained model, or a layer"):
        ost.stream(torch.nn.GRU(2, 3))


def test_a_text_is_answered_word_by_word_as_the_trained_model_answers(texts):
    model, session = texts
    for text in requests()[0][:5]:
        session.reset()
        shown = session.push(text)
        words = model.vocabulary_.split(text)
        assert len(shown) == len(words)
        for count in range(1, len(words) + 1):
            wanted = model.predict_proba([" ".join(words[:count])])[0][np.argsort(model._order)]
            np.testing.assert_allclose(shown[count - 1], wanted, atol=5e-6)
        answer, wanted = session.answer(), model.answers([text])[0]
        assert (answer.label, answer.known) == (wanted.label, wanted.known)
        assert answer.confidence == pytest.approx(wanted.confidence, abs=5e-6)


def test_words_may_come_one_by_one_and_a_snapshot_remembers_the_last_word(texts):
    _, session = texts
    text = requests()[0][0]
    session.reset()
    whole = session.push(text)
    session.reset()
    words = text.split()
    shown = []
    for word in words:
        data = session.snapshot()
        session.push("something else")
        session.restore(data)
        shown.append(session.push(word)[-1])
    np.testing.assert_array_equal(shown[-1], whole[-1])


def test_nothing_said_is_no_answer(texts):
    _, session = texts
    session.reset()
    assert session.push("  ").shape[0] == 0
    with pytest.raises(StreamError, match="no answer before the first sample"):
        session.answer()
    with pytest.raises(DataError, match="reads texts"):
        session.push(3)
    with pytest.raises(StreamError, match="has no labels"):
        ost.stream(Recurrent("gru", 2, 3)).answer()


def test_ids_stream_one_or_many():
    network = build(
        {
            "embed": {"kind": "ids", "count": 7, "width": 3},
            "body": {"cell": "lstm", "hidden": 4},
            "head": {"kind": "classify", "classes": 7},
        }
    ).eval()
    session = ost.stream(network)
    shown = session.push([0, 6, 3])
    np.testing.assert_allclose(shown, network.decode(torch.tensor([[0, 6, 3]]))[0], atol=2e-6)
    session.reset()
    np.testing.assert_array_equal(session.push(0), shown[0])
    before = session.snapshot()
    for wrong in (7, -1, [0, 1 << 40]):
        with pytest.raises(DataError, match="ids of the model's table"):
            session.push(wrong)
    with pytest.raises(DataError, match="reads ids"):
        session.push(0.5)
    assert session.snapshot() == before


def test_one_session_in_two_threads_is_refused_or_right_and_never_wrong():
    session = ost.stream(Recurrent("lstm", 2, 64, layers=2))
    x = np.ones((20_000, 2), np.float32)
    refused = []

    def work():
        try:
            session.push(x)
        except StreamError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("two threads" in words for words in refused)
    assert np.isfinite(session.push(x[0])).all()


def test_plans_are_read_once_for_many_sessions():
    plan = plan_of(Recurrent("gru", 2, 3))
    assert ost.streaming.Session(plan).plan is plan
    assert "session of a network, 12 bytes of state" in repr(ost.streaming.Session(plan))


def test_ids_in_ragged_rows_are_refused():
    embed, head = {"kind": "ids", "width": 3, "count": 5}, {"kind": "classify", "classes": 2}
    session = ost.stream(build({"embed": embed, "body": {"cell": "gru", "hidden": 2}, "head": head}))
    for wrong in ([[1], [1, 2]], [[]], [1.5], [10**30], "one"):
        with pytest.raises(DataError, match="this model reads ids"):
            session.push(wrong)
