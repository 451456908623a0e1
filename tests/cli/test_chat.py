from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time

import ostinato
from ostinato.cli.chat import reply
from tests.cli.terminal import refused, run


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


def test_in_a_pipe_every_line_gets_an_answer_and_nothing_else_is_written(model_file):
    result = run("chat", model_file, typed="turn on the lamp\n\nwho wrote hamlet\n")
    assert result.exit_code == 0
    assert result.stderr == ""
    first, second = plain(result.stdout).splitlines()
    assert re.fullmatch(r"  on  [█▏▎▍▌▋▊▉ ]{10}  *\d+\.\d %.*", first)
    assert re.fullmatch(r"  I do not know  [█▏▎▍▌▋▊▉ ]{10}  *\d+\.\d %  \(nearest: (on|off|alarm)\)", second)


def test_below_the_threshold_it_says_that_it_does_not_know(model_file):
    network = ostinato.load(model_file)
    network.threshold_ = 1.1
    assert "I do not know" in reply(network, "turn on the lamp")
    network.threshold_ = 0.0
    assert "I do not know" not in reply(network, "turn on the lamp")


def test_an_unsure_answer_names_the_next_labels(model_file):
    network = ostinato.load(model_file)
    network.out_of_scope, network.threshold_ = None, 0.0
    texts = ["turn the", "switch", "me the", "on off", "up off on"]
    unsure = [text for text in texts if network.answers([text])[0].confidence < 0.8]
    assert unsure
    for text in unsure:
        answer = network.answers([text])[0]
        found = re.search(r"  or (\w+) [\d.]+ %, (\w+) [\d.]+ %$", plain(reply(network, text)))
        assert found
        assert answer.label not in found.groups()


def test_a_cell_from_the_file_is_compiled_only_where_it_is_trusted(own_cell_file, compiled):
    run("chat", own_cell_file, typed="switch on the lamp\n")
    assert compiled == []
    run("chat", own_cell_file, "--trust-cell", typed="switch on the lamp\n")
    assert set(compiled) == {"peephole"}


def test_a_missing_model_is_told():
    assert "there is no file" in refused("chat", "no.safetensors")


def test_in_a_terminal_it_greets_and_ctrl_d_ends_it(model_file):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "ostinato", "chat", str(model_file)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    told = ""

    def wait_for(word):
        nonlocal told
        deadline = time.monotonic() + 60
        while word not in told:
            assert time.monotonic() < deadline, told
            try:
                told += plain(os.read(ours, 4096).decode())
            except BlockingIOError:
                time.sleep(0.02)

    wait_for("> ")
    assert "knows 4 labels. Type a text; Ctrl-D ends." in told
    os.write(ours, b"turn on the lamp\n")
    wait_for(" %")
    told = told.partition("%")[2]
    wait_for("> ")
    os.write(ours, b"\x04")
    assert process.wait(timeout=30) == 0
    os.close(ours)


def test_trees_are_chatted_about(tree_file):
    result = run("chat", tree_file, typed="(MAX 1 5)\n\n7\n")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 2
    assert "this bracket is opened and never closed" in refused("chat", tree_file, typed="(MAX\n")
