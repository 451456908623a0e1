from __future__ import annotations

import json

import numpy as np
import pytest

import ostinato as ost
from tests.cli.terminal import refused, run
from tests.streaming.live_models import case, push
from tests.streaming.watched import detector, table

STEPS = [(str(time)[:16], float(np.float32(value))) for time, value in zip(*table(30).values(), strict=True)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("watching") / "detector.safetensors"
    detector().save(path)
    return path


@pytest.fixture(scope="module")
def wanted(model):
    return answers(model, "".join(f"{time},{value!r}\n" for time, value in STEPS))


def answers(model, typed, *flags, code=0):
    result = run("stream", model, "--json", *flags, typed=typed)
    assert result.exit_code == code, result.output
    return [
        {k: v for k, v in json.loads(line).items() if k not in ("line", "time")} for line in result.stdout.splitlines()
    ]


FORMS = {
    "under a header": "time,c0\n" + "".join(f"{time},{value!r}\n" for time, value in STEPS),
    "in another order": "c0,load,timestamp\n" + "".join(f"{value!r},7,{time}\n" for time, value in STEPS),
    "lists": "".join(json.dumps([time, value]) + "\n" for time, value in STEPS),
    "objects": "".join(json.dumps({"time": time, "c0": value}) + "\n" for time, value in STEPS),
    "with a zone": "".join(f"{time}+00:00,{value!r}\n" for time, value in STEPS),
}


@pytest.mark.parametrize("form", FORMS)
def test_steps_come_in_many_forms(model, wanted, form):
    assert answers(model, FORMS[form]) == wanted


def test_columns_say_where_times_and_values_stand(model, wanted):
    typed = "a,b\n" + "".join(f"{value!r},{time}\n" for time, value in STEPS)
    assert answers(model, typed, "--columns", "b,a") == wanted


BAD = [
    "2024-01-02T06:00",
    "2024-01-02T06:00,warm",
    "yesterday,1.0",
    "2023-01-01T00:00,1.0",
    "[1]",
    "{}",
    "{",
    "2024-01-02T06:00,inf",
]


@pytest.mark.parametrize("line", BAD)
def test_a_line_that_cannot_be_read_leaves_the_state_as_it_was(model, wanted, line):
    lines = [f"{time},{value!r}" for time, value in STEPS]
    typed = "\n".join([*lines[:20], line, *lines[20:]]) + "\n"
    assert answers(model, typed, code=1) == wanted


def test_an_empty_cell_is_a_missing_value(model):
    told = answers(model, f"{STEPS[0][0]},1.0\n{STEPS[1][0]},\n")
    assert told[1]["score"] is None


def test_the_state_goes_on_in_a_file(model, wanted, tmp_path):
    lines = [f"{time},{value!r}\n" for time, value in STEPS]
    told = []
    for part in (lines[:12], lines[12:]):
        told += answers(model, "".join(part), "--state", tmp_path / "state")
    assert told == wanted


def test_a_reset_begins_anew(model, wanted):
    lines = "".join(f"{time},{value!r}\n" for time, value in STEPS)
    assert answers(model, lines + '{"reset": true}\n' + lines) == wanted * 2


def test_plain_lines_are_comma_separated(model):
    result = run("stream", model, typed="2024-01-01T00:00,0.5\n")
    assert result.stdout.startswith("2024-01-01T00:00,,")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--columns", "a"], "--columns wanted"),
        (["--fresh"], "answers by what was before"),
        (["--columns", "a,b"], "wants a column 'b'"),
    ],
)
def test_flags_that_cannot_act_are_refused(model, flags, said):
    assert said in refused("stream", model, *flags, typed="a,c0\n")


def test_other_verbs_say_what_a_detector_is_for(model, tmp_path):
    (tmp_path / "data.csv").write_text("time,c0\n2024-01-01,1.0\n")
    for verb in ("predict", "evaluate", "chat"):
        data = [] if verb == "chat" else [tmp_path / "data.csv"]
        assert "ostinato detect" in refused(verb, model, *data, typed="")


def lines_of(panel, rows, *, timed):
    return [
        [*([int(panel.time[r])] if timed else []), *panel.target[r].tolist(), *panel.known[r].tolist()] for r in rows
    ]


def typed_in(case, rows, *, timed):
    return "".join(json.dumps(line) + "\n" for line in lines_of(case.panel, rows, timed=timed))


@pytest.mark.parametrize("name", ["classifier", "regressor", "life", "classifier, irregular"])
def test_lines_are_answered_as_the_session_answers_them(name, tmp_path):
    one = case(name)
    one.model.save(tmp_path / "model.safetensors")
    timed = one.panel.frequency is None
    found = answers(tmp_path / "model.safetensors", typed_in(one, range(4), timed=timed))
    session = ost.stream(one.model)
    for row, told in enumerate(found):
        session.push(one.panel.target[row], int(one.panel.time[row]) if timed else None)
        said = session.answer()
        assert told == ({"number": said} if isinstance(said, float) else said._asdict())
    plain = "".join(",".join(map(repr, line)) + "\n" for line in lines_of(one.panel, range(4), timed=timed))
    shown = run("stream", tmp_path / "model.safetensors", typed=plain)
    assert shown.exit_code == 0
    assert len(shown.stdout.splitlines()) == 4


def test_a_forecaster_answers_a_line_that_brings_what_is_known_ahead(tmp_path):
    one = case("forecaster, nothing beside")
    one.model.save(tmp_path / "model.safetensors")
    flags = ("--series", "a")
    found = answers(tmp_path / "model.safetensors", typed_in(one, range(4), timed=True), *flags)
    session = ost.stream(one.model, id="a")
    for row in range(4):
        push(session, one.panel, row)
    told = session.answer()
    last = found[-1]["forecast"]
    assert [step["mean"] for step in last] == pytest.approx(told.mean[:, 0].tolist(), rel=1e-6)
    assert list(last[0]) == ["time", "mean", "q0.1", "q0.5", "q0.9"]
    assert last[0]["time"] == "2024-03-01T04:00:00"
    shown = run("stream", tmp_path / "model.safetensors", *flags, typed="2024-03-01,3\n").stdout.splitlines()
    assert [line.split(",")[0][-8:] for line in shown] == ["01:00:00", "02:00:00", "03:00:00"]


def test_covariates_come_behind_the_channels(tmp_path):
    one = case("forecaster, lags")
    one.model.save(tmp_path / "model.safetensors")
    typed = "time,y,wind,heat\n2024-03-01,3,0.5,0.1\n"
    assert answers(tmp_path / "model.safetensors", typed, "--series", "a") == []
    step = {"time": "2024-03-01", "y": 3, "wind": 0.5, "heat": 0.1, "ahead": [0.1, 0.2, 0.3]}
    (told,) = answers(tmp_path / "model.safetensors", json.dumps(step), "--series", "a")
    assert len(told["forecast"]) == 3
    short = json.dumps(step | {"ahead": [1]})
    assert answers(tmp_path / "model.safetensors", short, "--series", "a", code=1) == []


def test_a_forecaster_goes_on_after_a_history(tmp_path):
    one = case("forecaster, nothing beside")
    one.model.save(tmp_path / "model.safetensors")
    rows = "".join(f"2024-03-01T{h:02}:00,{h % 5}\n" for h in range(20))
    (tmp_path / "before.csv").write_text("time,y\n" + rows)
    typed = "2024-03-01T20:00,1\n"
    (told,) = answers(tmp_path / "model.safetensors", typed, "--history", str(tmp_path / "before.csv"))
    assert told["forecast"][0]["time"] == "2024-03-01T21:00:00"
    assert told["forecast"][0]["mean"] < 6


def test_words_for_other_models_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    case("life").model.save(path)
    for flag in ("--series", "--history"):
        assert f"{flag} does not apply to remaining-life" in refused("stream", path, flag, "a")
    assert "answers by what was before" in refused("stream", path, "--fresh")
