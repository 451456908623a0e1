from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

import ostinato as ost
from ostinato.layers import Recurrent
from ostinato.tasks import Tagger, TextClassifier
from tests.cli.terminal import refused, run
from tests.tasks.requests import TINY, requests
from tests.tasks.tagged import TINY as TAGS

ROWS = [[0.5, -1.0], [0.25, 2.0], [-3.0, 0.0]]
TAGGED = [
    ("turn it off", ["VERB", "PRON", "PRT"]),
    ("stop the radio", ["VERB", "DET", "NOUN"]),
    ("the lamp is on", ["DET", "NOUN", "VERB", "PRT"]),
    ("is it off", ["VERB", "PRON", "PRT"]),
] * 3
CSV = "".join(f"{a},{b}\n" for a, b in ROWS)


@pytest.fixture(scope="module")
def layer_file(tmp_path_factory):
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("stream") / "layer.safetensors"
    ost.save(Recurrent("gru", 2, 3), path)
    return path


@pytest.fixture(scope="module")
def text_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("stream") / "texts.safetensors"
    TextClassifier(**{**TINY, "bidirectional": False}).fit(*requests(), progress=False).save(path)
    return path


@pytest.fixture
def wanted(layer_file):
    return ost.stream(layer_file).push(np.array(ROWS, np.float32))


def numbers_of(result):
    assert result.exit_code == 0, result.output
    return np.array([[float(cell) for cell in line.split(",")] for line in result.stdout.splitlines()])


@pytest.mark.parametrize(
    "typed",
    [
        CSV,
        "temperature,pressure\n" + CSV,
        CSV.replace("\n", "\r\n"),
        "\ufeff" + CSV,
        "\n" + CSV.replace("\n", "\n\n"),
        "".join(json.dumps(row) + "\n" for row in ROWS),
        "".join(json.dumps({"x": row}) + "\n" for row in ROWS),
        json.dumps(ROWS),
    ],
)
def test_samples_are_read_in_any_form(layer_file, wanted, typed):
    np.testing.assert_allclose(numbers_of(run("stream", layer_file, typed=typed)), wanted, atol=1e-6)


def test_columns_are_found_by_name(layer_file, wanted):
    typed = "pressure,time,temperature\n" + "".join(f"{b},noon,{a}\n" for a, b in ROWS)
    result = run("stream", layer_file, "--columns", "temperature,pressure", typed=typed)
    np.testing.assert_allclose(numbers_of(result), wanted, atol=1e-6)
    typed = "".join(json.dumps({"pressure": b, "temperature": a, "more": 1}) + "\n" for a, b in ROWS)
    result = run("stream", layer_file, "--columns", "temperature,pressure", typed=typed)
    np.testing.assert_allclose(numbers_of(result), wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1", "wanted 2 numbers, got 1"),
        ("1,2,3", "wanted 2 numbers, got 3"),
        ("1,two", "column 2 wanted a number, got 'two'"),
        ("1,nan", "got NaN or infinity"),
        ("{", "no JSON"),
        ('{"y": [1, 2]}', "an object wanted the fields x, got y"),
        ("[1]", "wanted"),
        ('["a", "b"]', "wanted"),
        ("[[[1, 2]]]", "wanted"),
        ("{}", "got none"),
        ('{"x": {"a": 1}}', "got an object in it"),
        ("[1, [2]]", "x wanted numbers in rows of one width"),
        ("[1" + "0" * 400 + ", 2]", "x wanted numbers in rows of one width"),
        ("1e400,1", "got NaN or infinity"),
        ("1_0,1", "column 1 wanted a number, got '1_0'"),
        ("3;4", "column 1 wanted a number, got '3;4'; commas part columns"),
        ("3\t4", "commas part columns"),
    ],
)
def test_a_malformed_line_is_told_and_leaves_the_state(layer_file, wanted, line, told):
    first, *rest = CSV.splitlines(keepends=True)
    result = run("stream", layer_file, typed=first + line + "\n" + "".join(rest))
    assert result.exit_code == 1
    assert f"line 2: {told}" in result.stderr or told in result.stderr
    assert result.stderr.startswith("line 2: ")
    result.exit_code = 0
    np.testing.assert_allclose(numbers_of(result), wanted, atol=1e-6)


def test_a_line_that_is_not_utf8_or_endless_is_told(layer_file):
    result = run("stream", layer_file, typed=b"1,\xff\n" + b"1" * (3 << 20) + b"\n1,2\n")
    assert "line 1: byte 3, 0xFF, is not UTF-8" in result.stderr
    assert "line 2: a line has at most 1,048,576 bytes" in result.stderr
    assert len(result.stdout.splitlines()) == 1


def test_a_reset_begins_a_new_sequence_and_fresh_does_so_at_every_line(layer_file, wanted):
    typed = CSV.splitlines()[0] + '\n{"reset": true}\n' + CSV
    np.testing.assert_allclose(numbers_of(run("stream", layer_file, typed=typed))[1:], wanted, atol=1e-6)
    shown = numbers_of(run("stream", layer_file, "--fresh", typed=CSV.splitlines(keepends=True)[0] * 2))
    np.testing.assert_allclose(shown, wanted[[0, 0]], atol=1e-6)


def test_answers_are_json_where_asked_for(layer_file, wanted):
    lines = run("stream", layer_file, "--json", typed=CSV).stdout.splitlines()
    assert [json.loads(line)["line"] for line in lines] == [1, 2, 3]
    np.testing.assert_allclose([json.loads(line)["y"] for line in lines], wanted)


def test_a_state_is_kept_and_taken_up_again(layer_file, wanted, tmp_path):
    first, *rest = CSV.splitlines(keepends=True)
    state = tmp_path / "s.state"
    run("stream", layer_file, "--state", state, typed=first)
    shown = numbers_of(run("stream", layer_file, "--state", state, typed="".join(rest)))
    np.testing.assert_allclose(shown, wanted[1:], atol=1e-6)
    state.write_bytes(state.read_bytes()[:-1])
    assert "is cut off" in refused("stream", layer_file, "--state", state, typed=CSV)
    assert "there is no directory" in refused("stream", layer_file, "--state", tmp_path / "no" / "s", typed=CSV)


def test_texts_go_on_word_by_word(text_file):
    model = ost.load(text_file)
    texts, _ = requests()
    result = run("stream", text_file, "--fresh", "--json", typed="\n".join(texts[:4]) + "\n")
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    for got, wanted in zip(answers, model.answers(texts[:4]), strict=True):
        assert got["label"] == wanted.label
        assert got["confidence"] == pytest.approx(wanted.confidence, abs=1e-5)
    words = texts[0].split()
    in_parts = run("stream", text_file, typed="\n".join(words) + "\n").stdout.splitlines()
    assert in_parts[-1].split("\t")[0].rstrip("?") == answers[0]["label"]


def test_what_cannot_stream_says_why(layer_file, tmp_path):
    ost.save(Recurrent("gru", 2, 3, bidirectional=True), tmp_path / "both.safetensors")
    assert "read the sequence from its end" in refused("stream", tmp_path / "both.safetensors", typed="")
    assert "there is no file" in refused("stream", tmp_path / "none.safetensors", typed="")
    assert "cannot be read" in refused("stream", layer_file, "--input", tmp_path / "none.csv")
    assert "--columns wanted 2 names" in refused("stream", layer_file, "--columns", "a", typed="")
    assert "the header has a, b" in refused("stream", layer_file, "--columns", "a,c", typed="a,b\n")
    assert "give one of them" in refused("stream", layer_file, "--fresh", "--state", "s", typed="")


def open_stream(*words):
    command = [sys.executable, "-m", "ostinato", "stream", *map(str, words)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("signalled", [signal.SIGINT, signal.SIGTERM])
def test_answers_come_at_once_and_a_stop_keeps_the_state(layer_file, wanted, tmp_path, signalled):
    state = tmp_path / "s.state"
    with open_stream(layer_file, "--state", state) as process:
        process.stdin.write(CSV.splitlines(keepends=True)[0])
        process.stdin.flush()
        # The pipe is still open: an answer that were buffered would never come.
        np.testing.assert_allclose([float(c) for c in process.stdout.readline().split(",")], wanted[0], atol=1e-6)
        process.send_signal(signalled)
        code = process.wait(30)
        said = process.stderr.read()
    assert code == 130, said
    assert f"stopped: after 1 samples; the state is in {state}" in said
    session = ost.stream(layer_file)
    session.restore(state.read_bytes())
    np.testing.assert_allclose(session.push(ROWS[1]), wanted[1], atol=1e-6)


def test_a_reader_that_goes_away_ends_the_stream_quietly(layer_file):
    with open_stream(layer_file) as process:
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            for _ in range(50):
                process.stdin.write(CSV)
                process.stdin.flush()
                time.sleep(0.01)
        code = process.wait(30)
        assert "Traceback" not in process.stderr.read()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    assert code == 1


def test_columns_without_a_header_are_not_ignored(layer_file):
    told = refused("stream", layer_file, "--columns", "a,b", typed=CSV)
    assert "the first line is no header" in told


def test_a_reader_that_goes_away_leaves_the_state_to_go_on_from(layer_file, tmp_path):
    state = tmp_path / "s.state"
    command = [sys.executable, "-m", "ostinato", "stream", str(layer_file), "--state", str(state)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(CSV.encode())
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(CSV.encode() * 2000)
            process.stdin.close()
        process.wait(30)
    ost.stream(layer_file).restore(state.read_bytes())


@pytest.mark.parametrize(("closed", "told"), [("<&-", "input is closed"), (">&-", "output is closed")])
def test_a_closed_door_is_told(layer_file, closed, told):
    command = f"echo 1,2 | ( exec {sys.executable} -m ostinato stream '{layer_file}' {closed} )"
    ended = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk_behind_the_answers_is_told(layer_file):
    command = [sys.executable, "-m", "ostinato", "stream", str(layer_file)]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            command, input=CSV, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert ended.returncode == 2
    assert "the answers cannot be written: No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_tagger_that_reads_one_way_tags_the_words_as_they_come(tmp_path):
    path, texts = tmp_path / "t.safetensors", [text for text, _ in TAGGED]
    options = {**TAGS, "field": "softmax", "bidirectional": False, "epochs": 20}
    model = Tagger(**options).fit([(text.split(), tags) for text, tags in TAGGED], progress=False)
    model.save(path)
    result = run("stream", path, "--fresh", "--json", typed="\n".join(texts) + "\n")
    for line, answer in zip(map(json.loads, result.stdout.splitlines()), model.answers(texts), strict=True):
        assert line["tags"] == list(answer.tags)
        assert line["confidences"] == pytest.approx(answer.confidences, abs=1e-5)
    # One after the other they are one sequence.
    parts = run("stream", path, typed="turn it\noff\n").stdout.splitlines()
    (whole,) = model.answers(["turn it off"])
    assert [part.split("\t")[0] for part in parts] == list(whole.tags)
    Tagger(**{**options, "bidirectional": True, "epochs": 1}).fit(
        [(text.split(), tags) for text, tags in TAGGED], progress=False
    ).save(path)
    assert "read the sequence from its end, not come yet; train it with bidirectional=False" in refused("stream", path)
