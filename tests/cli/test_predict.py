from __future__ import annotations

import io
import json

import pytest

import ostinato
from ostinato.cli import predict as verb
from ostinato.cli.predict import read_lines
from ostinato.errors import DataError
from tests.cli.terminal import refused, run

TEXTS = ["turn on the lamp", "who wrote hamlet", "wake me up at noon"]


@pytest.fixture
def wanted(model_file):
    return ostinato.load(model_file).predict(TEXTS).tolist()


def labels_of(result):
    assert result.exit_code == 0
    return [line.split("\t")[0] for line in result.stdout.splitlines()]


def test_texts_come_from_the_command_line(model_file, wanted):
    result = run("predict", model_file, *TEXTS)
    assert labels_of(result) == wanted
    label, confidence, text = result.stdout.splitlines()[0].split("\t")
    assert (label, text) == ("on", "turn on the lamp")
    assert 0.0 < float(confidence) <= 1.0
    assert result.stderr == ""


def test_texts_come_through_a_pipe(model_file, wanted):
    assert labels_of(run("predict", model_file, typed="\n".join(TEXTS))) == wanted
    assert labels_of(run("predict", model_file, "--input", "-", typed="\n".join(TEXTS) + "\n")) == wanted


def test_texts_come_from_a_file_of_lines(model_file, wanted, tmp_path):
    (tmp_path / "texts.txt").write_text("\r\n".join(TEXTS))
    assert labels_of(run("predict", model_file, "--input", tmp_path / "texts.txt")) == wanted


@pytest.mark.parametrize(("column", "flags"), [("text", ()), ("utterance", ("--text", "utterance"))])
def test_texts_come_from_a_column_of_a_table(model_file, wanted, tmp_path, column, flags):
    (tmp_path / "texts.csv").write_text("\n".join([f"id,{column}", *(f"1,{text}" for text in TEXTS)]))
    assert labels_of(run("predict", model_file, "--input", tmp_path / "texts.csv", *flags)) == wanted


def test_a_cell_from_the_file_is_compiled_only_where_it_is_trusted(own_cell_file, compiled):
    plain = run("predict", own_cell_file, *TEXTS)
    assert compiled == []
    trusted = run("predict", own_cell_file, *TEXTS, "--trust-cell")
    assert set(compiled) == {"peephole"}
    words = [[line.split("\t")[0] for line in result.stdout.splitlines()] for result in (plain, trusted)]
    assert words[0] == words[1]


def test_json_tells_whether_the_model_knows(model_file, wanted):
    result = run("predict", model_file, "--json", *TEXTS)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["text"] for row in rows] == TEXTS
    assert [row["label"] for row in rows] == wanted
    assert all(row["known"] == (row["label"] != "oos") for row in rows)


def test_many_lines_come_in_their_order(model_file, monkeypatch):
    monkeypatch.setattr(verb, "_TOGETHER", 2)
    texts = [f"{text} {number}" for number in range(4) for text in TEXTS]
    result = run("predict", model_file, typed="\n".join(texts))
    assert [line.split("\t")[2] for line in result.stdout.splitlines()] == texts


def test_one_text_stays_one_line(model_file):
    result = run("predict", model_file, "a\tb\nc\\d")
    assert result.stdout.count("\n") == 1
    assert result.stdout.endswith("\ta\\tb\\nc\\\\d\n")


def test_an_empty_text_and_an_empty_pipe_are_answered(model_file):
    assert len(labels_of(run("predict", model_file, ""))) == 1
    assert labels_of(run("predict", model_file, typed="")) == []


def test_texts_come_from_one_place(model_file):
    assert "texts come from the command line or from --input" in refused("predict", model_file, "a", "--input", "-")


def test_in_a_terminal_texts_are_asked_for(model_file, monkeypatch):
    monkeypatch.setattr("tests.cli.test_predict.verb.sys.stdin", io.StringIO())
    monkeypatch.setattr(verb.sys.stdin, "isatty", lambda: True, raising=False)
    with pytest.raises(ostinato.OptionError, match="no texts: give them after the model"):
        verb.predict(str(model_file))


def test_a_missing_column_is_told(model_file, tmp_path):
    (tmp_path / "texts.csv").write_text("txet\nstop\n")
    told = refused("predict", model_file, "--input", tmp_path / "texts.csv")
    assert "there is no column 'text'; did you mean 'txet'?" in told


def test_a_missing_file_of_texts_is_told(model_file, tmp_path):
    assert "cannot be read: No such file" in refused("predict", model_file, "--input", tmp_path / "no.txt")


def test_a_byte_that_is_not_utf_8_is_told(model_file, tmp_path):
    (tmp_path / "texts.txt").write_bytes(b"stop\ncaf\xe9\n")
    told = refused("predict", model_file, "--input", tmp_path / "texts.txt")
    assert told.endswith("texts.txt, line 2: byte 3 of the line (counted from 0), 0xE9, is not UTF-8")


def test_a_missing_model_names_the_nearest(model_file):
    told = refused("predict", model_file.with_name("intent.safetensors"), "stop")
    assert "there is no file" in told
    assert "did you mean 'intents.safetensors'?" in told


def test_a_model_of_another_program_is_told(tmp_path):
    import torch
    from safetensors.torch import save_file

    torch.save({"weight": torch.zeros(3)}, tmp_path / "theirs.pt")
    assert "is a zip archive (a PyTorch or Keras file, perhaps)" in refused("predict", tmp_path / "theirs.pt", "stop")
    save_file({"weight": torch.zeros(3)}, tmp_path / "theirs.safetensors")
    told = refused("predict", tmp_path / "theirs.safetensors", "stop")
    assert "is a safetensors file of another program: it has no manifest of ostinato" in told


@pytest.mark.parametrize("share", [0.0001, 0.1, 0.5, 0.999])
def test_a_model_that_is_cut_off_is_told(model_file, tmp_path, share):
    whole = model_file.read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: int(len(whole) * share) + 1])
    told = refused("predict", tmp_path / "cut.safetensors", "stop")
    assert "cut.safetensors is cut off: it has" in told or "not a model file that ostinato wrote" in told


def test_a_model_with_a_changed_bit_is_told(model_file, tmp_path):
    changed = bytearray(model_file.read_bytes())
    changed[-7] ^= 4
    (tmp_path / "changed.safetensors").write_bytes(changed)
    assert "its digest does not match its content" in refused("predict", tmp_path / "changed.safetensors", "stop")


def test_lines_are_read_one_by_one():
    lines = read_lines(iter([b"a\n", b"\xff\n"]), "x")
    assert next(lines) == "a"
    with pytest.raises(DataError, match="x, line 2: byte 0"):
        next(lines)


@pytest.mark.parametrize(
    ("words", "origin"),
    [(("stop",), "the command line"), (("--input", "t.txt"), "t.txt"), ((), "a pipe"), (("--input", "-"), "a pipe")],
)
def test_a_column_of_what_has_none_is_refused(model_file, words, origin):
    told = refused("predict", model_file, *words, "--text", "utterance", typed="stop\n")
    assert (
        told == f"--text names a column of a .csv, .tsv, .jsonl or .parquet file; texts from {origin} have no columns"
    )


def test_trees_come_from_the_command_line_a_pipe_or_any_file_of_them(tree_file, tmp_path, lists_file):
    (tmp_path / "t.txt").write_text("(MAX 1\n (MIN 5 5))\n7\n")
    (tmp_path / "t.jsonl").write_text('{"tree": ["MAX", 1, ["MIN", 5, 5]]}\n{"tree": "7"}\n')
    answers = [
        run("predict", tree_file, "(MAX 1 (MIN 5 5))", "7").stdout,
        run("predict", tree_file, typed="(MAX 1 (MIN 5 5))\n\n7\n").stdout,
        run("predict", tree_file, "--input", tmp_path / "t.txt").stdout,
        run("predict", tree_file, "--input", tmp_path / "t.jsonl").stdout,
        run("predict", tree_file, "--input", tmp_path / "t.jsonl", "--tree", "tree").stdout,
    ]
    assert len({*answers}) == 1
    label, confidence, shown = answers[0].splitlines()[0].split("\t")
    assert label in ("1", "5")
    assert 0.0 < float(confidence) <= 1.0
    assert shown == "(MAX 1 (MIN 5 5))"
    assert len(run("predict", tree_file, "--input", lists_file).stdout.splitlines()) == 32


def test_what_is_no_tree_is_told_on_the_command_line(tree_file, tmp_path):
    assert "row 2, line 1, column 1: this bracket is opened and never closed" in refused(
        "predict", tree_file, "(MAX 1 5)", "(MAX"
    )
    (tmp_path / "empty.txt").touch()
    assert "empty.txt is empty" in refused("predict", tree_file, "--input", tmp_path / "empty.txt")
    (tmp_path / "t.csv").write_text("code\n(MAX 1 5)\n")
    assert "there is no column 'tree'" in refused("predict", tree_file, "--input", tmp_path / "t.csv")
