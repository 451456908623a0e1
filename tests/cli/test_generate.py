from __future__ import annotations

import subprocess
import sys

import pytest

from ostinato import artifact
from ostinato.data.language.bars import BarReader
from tests.cli.terminal import refused, run
from tests.streaming.language import model_of


@pytest.fixture(scope="module")
def writer_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "lm.safetensors"
    stored = model_of("characters")
    artifact.write(path, stored.tensors, stored.manifest)
    return path


def test_so_many_characters_are_written_after_the_prompt_and_nothing_else(writer_file):
    result = run("generate", writer_file, "Ein Ei", "--length", 40, "--seed", 3)
    assert len(result.stdout) == 40
    assert result.stderr == ""
    assert result.stdout == run("generate", writer_file, "Ein Ei", "--length", 40, "--seed", 3).stdout
    assert result.stdout != run("generate", writer_file, "Ein Ei", "--length", 40, "--seed", 4).stdout


@pytest.mark.parametrize(
    "options",
    [
        ("--temperature", "0"),
        ("--top-k", "3"),
        ("--top-p", "0.4"),
        ("--repetition-penalty", "3"),
        ("--beam", "3"),
        ("--stop", "e", "--stop", "n"),
    ],
    ids=" ".join,
)
def test_each_option_changes_what_is_written(writer_file, options):
    plain = run("generate", writer_file, "Ein", "--length", 60).stdout
    assert run("generate", writer_file, "Ein", "--length", 60, *options).stdout != plain


def test_a_document_begins_without_a_prompt(writer_file):
    assert len(run("generate", writer_file, "--length", 5).stdout) == 5
    assert len(run("generate", writer_file, "--length", 0).stdout) == 0


def test_characters_that_the_model_never_saw_are_told(writer_file):
    result = run("generate", writer_file, "ΩEin", "--length", 5)
    assert "the prompt holds characters that the model has never seen" in result.stderr
    assert len(result.stdout) == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--length", "-1"), "length wanted a whole number from 0 on, got -1"),
        (("--temperature", "-1"), "temperature wanted a number from 0 on"),
        (("--temperature", "0", "--top-k", "3"), "temperature 0 always takes the likeliest"),
        (("--beam", "0"), "beam wanted a whole number from 1 on"),
        (("--beam", "2", "--top-p", "0.5"), "top_k and top_p are for sampling"),
        (("--seed", "-1"), "seed wanted a whole number from 0 on"),
        (("--sede", "1"), "unknown flag '--sede'; did you mean '--seed'?"),
    ],
)
def test_options_out_of_range_are_refused(writer_file, words, message):
    assert message in refused("generate", writer_file, "Ein", *words)


def test_other_models_and_files_are_refused(model_file, writer_file, tmp_path):
    assert "is no language model; train one by" in refused("generate", model_file, "Ein")
    assert "there is no file" in refused("generate", tmp_path / "no.safetensors", "Ein")
    assert f"use it by: ostinato generate {writer_file} PROMPT" in refused("stream", writer_file)


OPENING = "X:1\nM:2/4\nL:1/8\nK:C\ne|ceg"


@pytest.fixture(scope="module")
def tune_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "bytes.safetensors"
    stored = model_of("bytes")
    artifact.write(path, stored.tensors, stored.manifest)
    return path


def test_with_metre_full_bars_are_as_long_as_the_meter_says(tune_file):
    plain = run("generate", tune_file, OPENING, "--length", 300, "--temperature", 3).stdout
    kept = run("generate", tune_file, OPENING, "--length", 300, "--temperature", 3, "--metre").stdout
    assert kept != plain
    assert len(kept) == 300
    reader = BarReader()
    reader.read(OPENING + kept)
    assert {bar.length * 8 for bar in reader.closed if not bar.first and not bar.last} <= {4}


def test_a_tune_is_written_as_midi_too(tune_file, tmp_path):
    pytest.importorskip("music21")
    path = tmp_path / "tune.mid"
    assert run("generate", tune_file, OPENING, "--length", 0, "--midi", path).stdout == ""
    assert path.read_bytes()[:4] == b"MThd"


def test_midi_wants_a_place_and_a_tune(tune_file, tmp_path):
    pytest.importorskip("music21")
    assert "cannot write" in refused("generate", tune_file, OPENING, "--midi", tmp_path / "nowhere" / "tune.mid")
    words = refused("generate", tune_file, "Ac", "--length", 3, "--midi", tmp_path / "tune.mid")
    assert "wanted a tune in ABC notation; begin the prompt with X:1" in words
    assert not list(tmp_path.iterdir())


def command(*words, **options):
    given = [sys.executable, "-m", "ostinato", "generate", *map(str, words)]
    return subprocess.Popen(given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_text_comes_before_the_end_and_a_reader_may_go_away(writer_file):
    process = command(writer_file, "Ein", "--length", 100_000_000)
    assert len(process.stdout.read(20)) == 20
    process.stdout.close()
    assert process.wait(60) == 1
    assert process.stderr.read() == b""
    process.stderr.close()


def test_ctrl_c_ends_it_quietly(writer_file):
    import signal

    process = command(writer_file, "Ein", "--length", 100_000_000)
    assert len(process.stdout.read(20)) == 20
    process.send_signal(signal.SIGINT)
    process.stdout.read()
    assert process.wait(60) == 130
    assert b"Traceback" not in process.stderr.read()
    process.stdout.close()
    process.stderr.close()


def test_it_runs_without_torch(writer_file):
    script = f"""
import sys
for name in ("torch", "accelerate", "tokenizers"):
    sys.modules[name] = None
sys.argv = ["ostinato", "generate", {str(writer_file)!r}, "Ein", "--length", "12"]
from ostinato.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert len(done.stdout) == 12
