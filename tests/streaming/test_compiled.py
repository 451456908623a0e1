"""The compiled runtime against the plain program in float64, and what must not matter: chunks, neighbours, threads."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from ostinato._core import Stream, stream_kinds
from ostinato.cells import BUILT_IN
from ostinato.errors import DataError, ShapeError, StreamError
from ostinato.layers import Recurrent
from ostinato.plan import Draft, Ids, Value, plan_of
from ostinato.plan.arithmetic import KINDS
from ostinato.streaming.compiled import compiled

SIZES = [(1, 4), (7, 36), (16, 16)]


def program_of(cell, inputs=7, hidden=36, **options):
    return plan_of(Recurrent(cell, inputs, hidden, **options)).program


def widths(program):
    return list(program.numbers.values())


def noise(program, steps, seed=0):
    dice = np.random.default_rng(seed)
    return [dice.uniform(0.5, 1.5, (steps, width)).astype(np.float32) for width in widths(program)]


def push(stream, numbers):
    (y,) = stream.push_parts(len(numbers[0]), tuple(numbers), (), ())
    return y


def reference(program, numbers):
    state, shown = program.start(), []
    for step in zip(*numbers, strict=True):
        outputs, state = program.run(dict(zip(program.numbers, step, strict=True)), {}, state)
        shown.append(next(iter(outputs.values())))
    return np.array(shown), np.concatenate([state[part] for part in program.state])


def assert_near(found, wanted):
    assert np.abs(found - wanted).max() <= 2e-6 * max(1.0, np.abs(wanted).max())


def test_the_runtime_knows_every_kind_of_value_that_a_program_has():
    assert sorted(stream_kinds) == sorted(KINDS)


@pytest.mark.parametrize(("inputs", "hidden"), SIZES)
@pytest.mark.parametrize("cell", BUILT_IN)
def test_every_cell_computes_its_program(cell, inputs, hidden):
    program = program_of(cell, inputs, hidden)
    stream, numbers = Stream(compiled(program)), noise(program, 30)
    y, state = reference(program, numbers)
    assert_near(push(stream, numbers), y)
    assert_near(np.frombuffer(stream.state(), np.float32), state)


@pytest.mark.parametrize("cell", BUILT_IN)
def test_a_chunk_may_be_cut_anywhere_without_changing_a_bit(cell):
    program = program_of(cell)
    model, numbers = compiled(program), noise(program, 24)
    whole = Stream(model)
    y = push(whole, numbers)
    for cuts in ([*range(25)], [0, 1, 8, 9, 24], [0, 5, 5, 24]):
        stream = Stream(model)
        parts = [push(stream, [x[a:b] for x in numbers]) for a, b in pairwise(cuts)]
        assert np.concatenate(parts).tobytes() == y.tobytes()
        assert stream.state() == whole.state()


@pytest.mark.parametrize("cell", BUILT_IN)
def test_a_long_sequence_has_the_same_bits_in_pieces(cell):
    program = program_of(cell, 3, 8)
    model, numbers = compiled(program), noise(program, 100_000)
    whole, pieces = Stream(model), Stream(model)
    y = push(whole, numbers)
    cuts = [0, *np.cumsum(np.random.default_rng(0).integers(1, 400, 1000)).tolist()]
    cuts = [*(cut for cut in cuts if cut < 100_000), 100_000]
    parts = [push(pieces, [x[a:b] for x in numbers]) for a, b in pairwise(cuts)]
    assert pieces.state() == whole.state()
    assert np.concatenate(parts).tobytes() == y.tobytes()


def test_steps_have_the_same_bits_as_a_long_sequence():
    program = program_of("gru", 3, 8)
    model, (x,) = compiled(program), noise(program, 20_000)
    whole, stepped = Stream(model), Stream(model)
    out = np.empty(8, np.float32)
    y = whole.push(x)
    for row in x:
        stepped.push(row, out)
    assert stepped.state() == whole.state()
    assert out.tobytes() == y[-1].tobytes()


def test_streams_of_one_model_do_not_see_each_other():
    program = program_of("lstm")
    model, (a,), (b,) = compiled(program), noise(program, 20, 1), noise(program, 20, 2)
    alone = [Stream(model).push(x).tobytes() for x in (a, b)]
    one, other = Stream(model), Stream(model)
    mixed = [(one.push(x), other.push(y)) for x, y in zip(a, b, strict=True)]
    assert [np.array(side).tobytes() for side in zip(*mixed, strict=True)] == alone


def test_threads_push_to_streams_of_their_own_at_once():
    program = program_of("gru", 64, 96)
    model, chunks = compiled(program), [noise(program, 400, seed)[0] for seed in range(4)]
    alone = [Stream(model).push(x).tobytes() for x in chunks]
    streams, found = [Stream(model) for _ in chunks], {}

    def work(index):
        parts = [streams[index].push(chunks[index][t : t + 50]) for t in range(0, 400, 50)]
        found[index] = np.concatenate(parts).tobytes()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[index] for index in range(4)] == alone


def test_a_fork_goes_on_from_the_same_state_on_its_own():
    program = program_of("lstm_peephole")
    (x,) = noise(program, 20)
    stream = Stream(compiled(program))
    stream.push(x[:10])
    fork = stream.fork()
    rest = fork.push(x[10:])
    fork.reset()
    assert stream.push(x[10:]).tobytes() == rest.tobytes()
    assert fork.push(x[:10]).tobytes() != rest.tobytes()


def test_a_state_is_taken_out_and_put_back():
    program = program_of("lstm", 3, 5)
    (x,) = noise(program, 20)
    stream, other = Stream(compiled(program)), Stream(compiled(program))
    assert stream.state() == bytes(4 * 10)
    stream.push(x[:10])
    state = stream.state()
    assert len(state) == stream.state_bytes == stream.model.state_bytes == 4 * (5 + 5)
    other.set_state(state)
    assert other.push(x[10:]).tobytes() == stream.push(x[10:]).tobytes()
    stream.reset()
    assert stream.state() == bytes(4 * 10)
    for wrong in (b"", state[:-1], state + b"\0"):
        with pytest.raises(StreamError, match=rf"set_state wanted 40 bytes, got {len(wrong)};"):
            other.set_state(wrong)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("step", [0, 1, 2999])
def test_a_chunk_with_a_number_that_is_not_finite_is_refused_whole(bad, step):
    program = program_of("gru")
    stream, (x,) = Stream(compiled(program)), noise(program, 3000)
    stream.push(x[:5])
    before = stream.state()
    x[step, 3] = bad
    with pytest.raises(DataError, match=rf"NaN or infinity in row {step}, column 3 of input 0; nothing .* is kept"):
        stream.push(x)
    assert stream.state() == before


@pytest.mark.parametrize("shape", [(), (6,), (8,), (2, 6), (2, 8), (7, 2), (1, 1, 7), (0,), (3, 0)])
def test_a_chunk_of_another_shape_is_refused(shape):
    stream = Stream(compiled(program_of("gru")))
    with pytest.raises(ShapeError, match=r"push wanted x of \[7\] or \[T, 7\], got \[.*\]; the model takes 7 numbers"):
        stream.push(np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    "x", [np.zeros(7), np.zeros(7, np.int32), np.zeros(7, ">f4"), np.zeros(14, np.float32)[::2], [0.0] * 7, None, "x"]
)
def test_what_is_no_plain_array_of_float32_is_refused(x):
    stream = Stream(compiled(program_of("gru")))
    with pytest.raises(TypeError, match="push wanted"):
        stream.push(x)


def test_answers_are_new_arrays_or_written_where_asked():
    program = program_of("gru")
    (x,) = noise(program, 4)
    stream, other = Stream(compiled(program)), Stream(compiled(program))
    one, two = stream.push(x[0]), stream.push(x[1])
    assert (one.shape, two.shape, one.dtype) == ((36,), (36,), np.float32)
    assert not np.shares_memory(one, two)
    out = np.empty((2, 36), np.float32)
    assert other.push(x[:2], out) is out
    assert out.tobytes() == one.tobytes() + two.tobytes()
    assert other.push(x[:0]).shape == (0, 36)
    for wrong in (np.empty(36, np.float32), np.empty((2, 35), np.float32), np.empty((3, 36), np.float32)):
        with pytest.raises(ShapeError, match=r"push wanted out of \[2, 36\]"):
            other.push(x[:2], wrong)
    out.flags.writeable = False
    with pytest.raises(TypeError, match="can be written to"):
        other.push(x[:2], out)


def test_one_stream_in_two_threads_raises_and_corrupts_nothing():
    program = program_of("gru", 64, 96)
    stream, (x,) = Stream(compiled(program)), noise(program, 3000)
    wanted = {Stream(compiled(program)).push(x).tobytes()}
    refused, done = [], []

    def work():
        try:
            done.append(stream.push(x).tobytes())
        except StreamError as error:
            refused.append(str(error))

    # Whether they meet is chance: whoever met nobody went on from the other's state.
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) + len(refused) == 2
    assert wanted <= set(done)
    assert all("two threads use one stream at once" in words for words in refused)


def test_ctrl_c_ends_a_long_chunk_and_the_state_is_the_one_before_it():
    draft = Draft({"R": np.eye(512) / 2})
    h = draft.state("h", 512)
    new = draft.apply("add", draft.product(h, "R"), draft.number("x", 1))
    stream = Stream(compiled(draft.program({"h": new}, {"y": draft.apply("row_sum", new)})))
    stream.push(np.ones((10, 1), np.float32))
    before = stream.state()
    # So many steps take some seconds.
    x = np.ones((400_000, 1), np.float32)
    timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])

    def interrupted():
        timer.start()
        stream.push(x)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    timer.join()
    assert stream.state() == before


def test_a_stream_wants_a_model():
    with pytest.raises(TypeError):
        Stream(None)


def bag():
    """The mean of a table's rows, a row of another one, and a number; one state."""
    tables = {"words": np.arange(12.0).reshape(4, 3), "tags": np.arange(6.0).reshape(2, 3)}
    draft = Draft(tables)
    words, tags = Ids(4, many=True), Ids(2)
    mean = draft.lookup("words", "words", words, mean=True)
    total = draft.apply("add", mean, draft.lookup("tags", "tags", tags))
    h = draft.state("h", 3, 1.0)
    new = draft.apply("add", draft.apply("add", h, total), draft.number("dt", 1))
    return draft.program({"h": new}, {"y": new, "count": draft.count("words", words)})


def test_ids_are_looked_up_at_each_step():
    program = bag()
    stream = Stream(compiled(program))
    words, ends = np.array([0, 3, 1], np.int32), np.array([2, 2, 3], np.int64)
    dt, tags = np.array([[0.5], [1], [2]], np.float32), np.array([1, 0, 1], np.int32)
    y, count = stream.push_parts(3, (dt,), (words, tags), (ends, None))
    state, wanted = program.start(), []
    for t, now in enumerate(([0, 3], [], [1])):
        outputs, state = program.run({"dt": dt[t]}, {"words": now, "tags": [tags[t]]}, state)
        wanted.append(outputs)
    np.testing.assert_allclose(y, [outputs["y"] for outputs in wanted], rtol=1e-6)
    assert count.tolist() == [[2], [0], [1]]


def test_ids_that_no_table_has_are_refused():
    stream = Stream(compiled(bag()))
    dt, none = np.ones((2, 1), np.float32), np.zeros(2, np.int64)
    empty = np.array([], np.int32)

    def push(tags, words=empty, ends=none, steps=2, numbers=(dt,)):
        stream.push_parts(steps, numbers, (words, np.array(tags, np.int32)), (ends, None))

    before = stream.state()
    for wrong in (-1, 2, 2**31 - 1):
        with pytest.raises(DataError, match=r"another one in step 1, place 0 of ids 1; nothing .* kept"):
            push([0, wrong])
    with pytest.raises(DataError, match="in step 0, place 1 of ids 0"):
        push([0, 1], np.array([3, 4], np.int32), np.array([2, 2]))
    with pytest.raises(DataError, match="ends of ids that never fall"):
        push([0, 1], np.array([3], np.int32), np.array([2, 1]))
    with pytest.raises(ShapeError, match="ids 0 wanted 5 ids, got 1"):
        push([0, 1], np.array([3], np.int32), np.array([1, 5]))
    with pytest.raises(ShapeError, match="ids 0 wanted an end for each step"):
        push([0, 1], ends=np.zeros(3, np.int64))
    with pytest.raises(ShapeError, match="ids 1 wanted 2 ids, got 1"):
        push([0])
    with pytest.raises(ShapeError, match=r"input 0 wanted \[2, 1\], got \[2, 2\]"):
        push([0, 1], numbers=(np.ones((2, 2), np.float32),))
    with pytest.raises(ShapeError, match="push_parts wanted 1 arrays of numbers"):
        push([0, 1], numbers=())
    with pytest.raises(TypeError, match="this model wants several inputs or ids"):
        stream.push(np.ones(1, np.float32))
    assert stream.state() == before


def test_a_step_is_timed_on_a_copy():
    program = program_of("gru")
    stream, (x,) = Stream(compiled(program)), noise(program, 4)
    before = stream.state()
    assert stream.time(x, 10) > 0
    assert stream.state() == before
    for wrong, count in ((x[:0], 1), (x[:, :3].copy(), 1), (x, 0)):
        with pytest.raises(ShapeError, match="time wanted"):
            stream.time(wrong, count)


def test_memory_is_told():
    program = program_of("gru", 16, 32)
    model = compiled(program)
    weights = sum(weight.nbytes for weight in program.weights.values())
    assert weights <= model.weight_bytes <= 1.1 * weights + 4096
    assert Stream(model).weight_bytes == model.weight_bytes
    assert model.state_bytes == 4 * 32
    assert model.stream_bytes < 8192
    assert model.length == 5


def changed(program, index, **what):
    values = list(program.values)
    values[index] = replace(values[index], **what)
    return replace(program, values=tuple(values))


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"kind": "tahn"}, "unknown kind 'tahn'; did you mean 'tanh'"),
        (
            {"kind": "weight", "label": "W"},
            "names the weight 'W', which it does not have; known: 'layer0_W', 'layer0_b'",
        ),
        ({"kind": "number", "label": "z"}, "names the input 'z'"),
        ({"kind": "lookup_sum", "label": "layer0_W/ids"}, "names the ids 'ids'"),
        ({"width": 0}, "has a width of 0"),
        ({"width": 2**40}, "holds a number that is no size"),
        ({"width": 2**25}, "has a width of 33554432"),
        ({"width": 3}, "does not fit what it reads"),
        ({"arguments": (10**6, 0)}, "which is not an earlier one"),
        ({"arguments": (-1, 0)}, "which is not an earlier one"),
        ({"arguments": ()}, "has 0 arguments"),
    ],
)
def test_what_is_no_program_is_refused_with_a_reason(what, words):
    program = program_of("gru")
    index = next(i for i, value in enumerate(program.values) if value.kind == "add")
    with pytest.raises(StreamError, match=words):
        compiled(changed(program, index, **what))


def test_a_program_that_reads_itself_is_refused():
    values = (Value("number", (), 2, "x"), Value("tanh", (1,), 2))
    program = replace(bag(), values=values, numbers={"x": 2}, ids={}, state={}, after={}, outputs={"y": 1}, weights={})
    with pytest.raises(StreamError, match=r"value 1 \(tanh\) reads value 1, which is not an earlier one"):
        compiled(program)


def test_a_weight_of_another_shape_is_refused():
    program = program_of("gru")
    for wrong in (np.ones((3, 108), np.float32), np.ones((7, 107), np.float32), np.ones(108, np.float32)):
        with pytest.raises(StreamError, match=r"\(product\) of width 108 does not fit what it reads"):
            compiled(replace(program, weights={**program.weights, "layer0_W": wrong}))
