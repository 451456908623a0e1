from __future__ import annotations

import json

import numpy as np
import pytest

from tests.cli.terminal import refused, run
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
        (["--fresh"], "judges by what was before"),
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
