"""``ostinato train``, and every bad input that a user can bring to it."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import ostinato
from ostinato import artifact, output
from tests.cli.terminal import QUICK, refused, run
from tests.tasks.requests import with_others

LINES = [f"{text},{label}" for text, label in zip(*with_others(), strict=True)]


@pytest.fixture
def data(tmp_path):
    """Writes lines below a header into train.csv and gives its path."""

    def write(*lines, header="utterance,intent", name="train.csv"):
        path = tmp_path / name
        text = "\n".join([header, *lines]) + "\n"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def train(tmp_path):
    def words(data, *more):
        return ("train", "text-classifier", data, *QUICK, "-o", tmp_path / "m.safetensors", *more)

    return words


def test_a_model_is_trained_and_saved_and_the_next_step_told(train, train_file, tmp_path):
    result = run(*train(train_file))
    assert result.exit_code == 0
    assert result.stdout == ""
    assert f"46 examples of 4 labels in {train_file}" in result.stderr
    assert re.search(r"^epoch 2/2 .*valid accuracy", result.stderr, re.MULTILINE)
    assert re.search(r"^validation  accuracy .*macro-F1", result.stderr, re.MULTILINE)
    assert f"try    ostinato chat {tmp_path}/m.safetensors" in result.stderr
    assert ostinato.load(tmp_path / "m.safetensors").classes_.tolist() == ["alarm", "off", "on", "oos"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.safetensors", "train.csv"]


def test_the_command_of_the_readme_does_what_its_flags_say(tmp_path, train_file):
    words = f"train text-classifier {train_file} --text utterance --label intent --valid {train_file} --cell lstm"
    words += " --hidden 4 --layers 2 --bidirectional --dropout 0.3 --embedding 8 --epochs 1 --batch 16 --lr 2e-3"
    words += f" --optimizer adam --clip 1.0 --seed 1 -o {tmp_path}/intents.safetensors"
    assert run(*words.split()).exit_code == 0
    options = artifact.read(tmp_path / "intents.safetensors").manifest["options"]
    chosen = {"cell": "lstm", "hidden": 4, "layers": 2, "bidirectional": True, "dropout": 0.3, "embedding": 8}
    assert chosen.items() <= options.items()
    assert {
        "epochs": 1,
        "batch": 16,
        "lr": 0.002,
        "optimizer": "adam",
        "clip": 1.0,
        "seed": 1,
    }.items() <= options.items()


def test_the_command_and_python_give_equal_bits(train, train_file, tmp_path):
    run(*train(train_file))
    model = ostinato.TextClassifier(hidden=4, embedding=4, buckets=16, epochs=2, batch=8, device="cpu")
    model.fit(train_file, text="utterance", label="intent", progress=False)
    loaded = ostinato.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(model.predict_proba(["turn on the fan"]), loaded.predict_proba(["turn on the fan"]))


def test_flags_go_before_the_file_of_options(train, train_file, tmp_path):
    config = tmp_path / "run.toml"
    config.write_text("hidden = 7\nlayers = 2\n")
    shown = run(*train(train_file, "--config", config, "--print-config")).stdout
    assert "\nhidden = 4\n" in shown
    assert "\nlayers = 2\n" in shown
    assert f'\ndata = "{train_file}"\n' in shown


def test_everything_may_stand_in_the_file_of_options(train_file, tmp_path):
    config = tmp_path / "run.toml"
    config.write_text(
        f'data = "{train_file}"\ntext = "utterance"\nlabel = "intent"\noutput = "{tmp_path}/m.safetensors"\n'
        'hidden = 4\nembedding = 4\nbuckets = 16\nepochs = 1\ndevice = "cpu"\n'
    )
    assert run("train", "text-classifier", "--config", config).exit_code == 0
    assert (tmp_path / "m.safetensors").exists()


@pytest.mark.parametrize("name", ["activation_penalty", "temporal_penalty"])
def test_a_penalty_by_flag_or_by_file_gives_other_weights_than_none(train, train_file, tmp_path, name):
    (tmp_path / "options.toml").write_text(f"{name} = 3.0\n")
    flags = {"plain": (), "flag": (f"--{name.replace('_', '-')}", 3.0), "file": ("--config", tmp_path / "options.toml")}
    found = {}
    for way, words in flags.items():
        assert run(*train(train_file, *words, "-o", tmp_path / f"{way}.safetensors")).exit_code == 0
        found[way] = artifact.read(tmp_path / f"{way}.safetensors").tensors["head.scores.weight"]
    assert np.array_equal(found["flag"], found["file"])
    assert not np.array_equal(found["flag"], found["plain"])


def test_the_log_has_a_line_for_each_epoch_and_the_picture_is_drawn(train, train_file, tmp_path):
    result = run(*train(train_file, "--log", tmp_path / "l.jsonl", "--plot", tmp_path / "p.png"))
    assert "drew " in result.stderr
    events = [json.loads(line)["event"] for line in (tmp_path / "l.jsonl").read_text().splitlines()]
    assert events == ["started", "epoch", "epoch", "finished"]
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_a_label_with_one_example_is_a_warning(train, data):
    result = run(*train(data(*LINES, "sing a song,sing")))
    assert result.exit_code == 0
    assert re.search(r"^warning: .*labels with a single example .*: 'sing'$", result.stderr, re.MULTILINE)


def test_no_data_are_asked_for():
    assert refused("train", "text-classifier").startswith("which examples? give a .csv, .tsv or .jsonl file")


def test_a_missing_file_is_told(train, tmp_path):
    assert "there is no file" in refused(*train(tmp_path / "trian.csv"))


def test_a_missing_column_names_the_nearest(train, data):
    told = refused(*train(data(*LINES, header="utterance,intnet")))
    assert "train.csv: there is no column 'intent'; did you mean 'intnet'? known: 'utterance', 'intnet'" in told


def test_an_empty_file_is_told(train, tmp_path):
    (tmp_path / "train.csv").touch()
    assert "train.csv is empty" in refused(*train(tmp_path / "train.csv"))


def test_a_header_without_rows_is_told(train, data):
    assert "train.csv has a header ('utterance', 'intent') but no rows" in refused(*train(data()))


def test_one_class_is_told(train, data):
    told = refused(*train(data("stop,halt", "stop it,halt", "please stop,halt")))
    assert "train.csv: all 3 rows have the label 'halt'; a classifier needs at least two labels" in told


def test_a_label_of_the_validation_data_that_training_never_saw_is_told(train, data):
    valid = data("stop,halt", name="valid.csv")
    told = refused(*train(data(*LINES), "--valid", valid))
    assert "valid.csv, line 2: the label 'halt' was not seen in training; known: 'alarm', 'off', 'on', 'oos'" in told


@pytest.mark.parametrize("line", ['"",on', '"  ",on'])
def test_an_empty_text_is_told_with_its_line(train, data, line):
    told = refused(*train(data(*LINES[:3], line, *LINES[3:])))
    assert told.endswith("train.csv, line 5: the text is empty; fill it in or leave the row out")


def test_a_line_of_a_megabyte_is_told(train, data):
    told = refused(*train(data(*LINES[:3], "word " * 210_000 + ",on", *LINES[3:]), "--holdout", "0"))
    assert "train.csv, line 5: the text has 210,000 words, and a training text has at most 5,000; shorten it" in told


def test_a_byte_that_is_not_utf_8_is_told_with_its_line(train, tmp_path):
    path = tmp_path / "train.csv"
    path.write_bytes(b"utterance,intent\nstop,halt\ncaf\xe9,drink\n")
    assert re.search(r"train.csv, line 3: byte 30 .*, 0xE9, is not UTF-8", refused(*train(path)))


def test_a_missing_value_is_told_with_its_line(train, tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text('{"utterance": "stop", "intent": "halt"}\n{"utterance": "on", "intent": null}\n')
    assert "train.jsonl, line 2: column 'intent' has no label (None); fill it in or leave the row out" in refused(
        *train(path)
    )
    path.write_text('{"utterance": "stop", "intent": "halt"}\n{"utterance": NaN, "intent": "on"}\n')
    assert "train.jsonl, line 2: column 'utterance' has no text (nan); fill it in or leave the row out" in refused(
        *train(path)
    )


def test_two_columns_of_one_name_are_told(train, data):
    told = refused(*train(data("a,b,c", header="utterance,intent,intent")))
    assert "train.csv: the header names column 2 and column 3 both 'intent'; rename one" in told


def test_an_output_that_is_a_directory_is_told_before_training(train_file, tmp_path):
    told = refused("train", "text-classifier", train_file, *QUICK, "-o", tmp_path)
    assert told == f"cannot write {tmp_path}: it is a directory; name a file in it"


@pytest.mark.parametrize("output", [".", ""])
def test_an_output_without_a_name_is_told_before_training(train_file, output):
    assert "it is a directory; name a file in it" in refused("train", "text-classifier", train_file, "-o", output)


def test_an_output_in_no_directory_is_told_before_the_data_are_read(tmp_path):
    told = refused("train", "text-classifier", "missing.csv", "-o", tmp_path / "no" / "m.safetensors")
    assert "there is no directory" in told


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for the superuser")
def test_an_output_that_is_not_writable_is_told_before_training(train_file, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    told = refused("train", "text-classifier", train_file, *QUICK, "-o", tmp_path / "locked" / "m.safetensors")
    assert "writing is not permitted in this directory" in told


def test_a_full_disk_is_told_and_the_work_is_kept(train, train_file, tmp_path, monkeypatch):
    def full(target, content, *, keep, private=False):
        if target.name == "m.safetensors" and keep:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(target, content, keep=keep, private=private)

    write = output._write_beside
    monkeypatch.setattr(output, "_write_beside", full)
    told = refused(*train(train_file))
    assert re.search(
        r"cannot write .*m.safetensors \([\d,]+ bytes\): the disk is full; what stood there is untouched", told
    )
    monkeypatch.undo()
    assert (tmp_path / "m.checkpoint.safetensors").exists()
    assert run(*train(train_file, "--resume")).exit_code == 0
    assert (tmp_path / "m.safetensors").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--hiden", "3"), "unknown flag '--hiden'; did you mean '--hidden'?"),
        (("--hidden", "0"), "--hidden wanted a whole number at least 1 and at most 65536, got '0'"),
        (("--hidden", "many"), "--hidden wanted a whole number at least 1 and at most 65536, got 'many'"),
        (("--lr", "0"), "--lr wanted a number above 0, got '0'"),
        (("--dropout", "1"), "--dropout wanted a number at least 0 and below 1, got '1'"),
        (("--cell", "lsmt"), "--cell wanted one of 'elman', 'elman_relu', "),
        (("--ngrams", "5", "3"), "ngrams wanted two sizes from 1 to 20, the smaller first, got (5, 3)"),
        (("--momentum", "0.9", "--optimizer", "adam"), "momentum does not apply to the optimizer 'adam'"),
        (("--layers", "1", "--residual"), "residual"),
        (("--truncate", "5"), "truncate"),
        (("--out-of-scope", "os"), "out_of_scope names a label that no training row has: 'os'; did you mean 'oos'?"),
        (("--plot", "p.pgn"), "a picture's file ends in .png, .svg or .pdf, got 'p.pgn'; did you mean '.png'?"),
        (("--resume", "--restart"), "--resume goes on and --restart begins anew; give one of them"),
        (("--config", "no.toml"), "there is no file no.toml"),
        (("--hidden",), "requires an argument"),
        (("more.csv",), "unexpected extra argument"),
    ],
)
def test_a_wrong_flag_is_told(train, train_file, monkeypatch, tmp_path, flags, words):
    monkeypatch.chdir(tmp_path)
    assert words in refused(*train(train_file, *flags))
    assert not (tmp_path / "m.safetensors").exists()


def test_an_unknown_key_names_the_nearest_and_the_file(train, train_file, tmp_path):
    (tmp_path / "run.toml").write_text("hiden = 3\n")
    told = refused(*train(train_file, "--config", tmp_path / "run.toml"))
    assert "run.toml: unknown option 'hiden'; did you mean 'hidden'?" in told


def test_an_unfinished_run_is_neither_lost_nor_passed_over(train, train_file, tmp_path):
    (tmp_path / "m.checkpoint.safetensors").write_bytes(b"work")
    told = refused(*train(train_file))
    assert told.endswith("holds a run that was stopped; --resume goes on with it, --restart begins anew")
    refused(*train(train_file, "--restart", "--text", "uterance"))
    refused(*train(train_file, "--restart", "--norm"))
    assert (tmp_path / "m.checkpoint.safetensors").read_bytes() == b"work"
    assert run(*train(train_file, "--restart")).exit_code == 0
    assert not (tmp_path / "m.checkpoint.safetensors").exists()


def test_a_run_with_other_options_does_not_resume(train, train_file, tmp_path):
    ostinato.TextClassifier(hidden=4, embedding=4, buckets=16, epochs=1, device="cpu").fit(
        train_file, text="utterance", label="intent", checkpoint=tmp_path / "m.checkpoint.safetensors", progress=False
    )
    assert "is the checkpoint of another run: " in refused(*train(train_file, "--resume"))


def test_resuming_nothing_begins_and_says_so(train, train_file):
    result = run(*train(train_file, "--resume"))
    assert result.exit_code == 0
    assert "there is nothing to resume, training starts anew" in result.stderr.replace("\n", " ")


def test_models_of_two_versions_have_two_checkpoints(train_file, tmp_path):
    other = tmp_path / "m.v1.checkpoint.safetensors"
    other.write_bytes(b"work")
    result = run("train", "text-classifier", train_file, *QUICK, "-o", tmp_path / "m.v2", "--restart")
    assert result.exit_code == 0
    assert other.read_bytes() == b"work"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("-o", "train.csv"), "--output train.csv would overwrite DATA {}/train.csv; name another file"),
        (("--log", "./train.csv"), "--log ./train.csv would overwrite DATA {}/train.csv; name another file"),
        (("--log", "link.csv"), "--log link.csv would overwrite DATA {}/train.csv; name another file"),
        (("--valid", "v.csv", "--log", "v.csv"), "--log v.csv would overwrite --valid v.csv; name another file"),
        (("-o", "x", "--log", "x"), "--log x would overwrite --output x; name another file"),
        (("-o", "p.png", "--plot", "p.png"), "--plot p.png would overwrite --output p.png; name another file"),
        (("--config", "r.toml", "-o", "r.toml"), "--output r.toml would overwrite --config r.toml; name another file"),
        (
            ("-o", "x", "--log", "x.checkpoint.safetensors"),
            "--log x.checkpoint.safetensors would overwrite its checkpoint x.checkpoint.safetensors; name another file",
        ),
    ],
)
def test_nothing_is_written_over_what_is_read_or_written(train, train_file, monkeypatch, tmp_path, flags, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v.csv").write_bytes(train_file.read_bytes())
    (tmp_path / "r.toml").write_text("hidden = 4\n")
    (tmp_path / "link.csv").symlink_to(train_file)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert refused(*train(train_file, *flags)) == words.format(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_column_is_not_both_text_and_label(train, train_file):
    told = refused(*train(train_file, "--label", "utterance"))
    assert told == "--text and --label both name the column 'utterance'; texts and labels are two columns"


def start(words, folder):
    return subprocess.Popen(
        [sys.executable, "-m", "ostinato", *map(str, words)],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_ctrl_c_saves_and_the_command_that_it_tells_goes_on_to_equal_bits(train_file, tmp_path):
    words = ("train", "text-classifier", train_file, *QUICK, "--epochs", "80", "--patience", "0", "--log", "l.jsonl")
    process = start((*words, "-o", "a b.safetensors"), tmp_path)
    log = tmp_path / "l.jsonl"
    deadline = time.monotonic() + 120
    while not (log.exists() and log.read_text().count("\n") > 1):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert re.search(
        r"^stopped: in epoch \d+ of 80; everything up to here is saved in a b.checkpoint.safetensors", told, re.M
    )
    again = re.search(r"^go on with:  (.*)$", told, re.M).group(1)
    assert again.endswith("-o 'a b.safetensors' --resume")
    done = subprocess.run(
        again,
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "a b.checkpoint.safetensors").exists()
    whole = run(*words[:-1], tmp_path / "w.jsonl", "-o", tmp_path / "whole.safetensors")
    assert whole.exit_code == 0
    ours, theirs = (artifact.read(tmp_path / name) for name in ("a b.safetensors", "whole.safetensors"))
    assert ours.manifest["history"] == theirs.manifest["history"]
    for name, array in theirs.tensors.items():
        np.testing.assert_array_equal(ours.tensors[name], array)
    assert log.read_bytes() == (tmp_path / "w.jsonl").read_bytes()


TREES = ("--hidden", "4", "--embedding", "4", "--min-count", "1", "--epochs", "2", "--batch", "8", "--device", "cpu")


@pytest.fixture
def train_trees(tmp_path):
    def words(data, *more):
        return ("train", "tree-classifier", data, *TREES, "-o", tmp_path / "m.safetensors", *more)

    return words


def test_a_tree_classifier_is_trained_and_saved(train_trees, lists_file, tmp_path):
    result = run(*train_trees(lists_file, "--binarize", "left"))
    assert result.exit_code == 0
    assert f"32 examples of 2 labels in {lists_file}" in result.stderr
    assert f"try    ostinato chat {tmp_path}/m.safetensors" in result.stderr
    loaded = ostinato.load(tmp_path / "m.safetensors")
    assert (loaded.binarize, loaded.model_.body.arity) == ("left", 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lists.csv", "m.safetensors"]


def test_the_command_for_trees_and_python_give_equal_bits(train_trees, lists_file, tmp_path):
    run(*train_trees(lists_file, "--arity", "2", "--cell", "gru"))
    model = ostinato.TreeClassifier(
        hidden=4, embedding=4, min_count=1, epochs=2, batch=8, device="cpu", arity=2, cell="gru"
    )
    model.fit(lists_file, progress=False)
    loaded = ostinato.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(model.predict_proba(["(MAX 1 5)"]), loaded.predict_proba(["(MAX 1 5)"]))


def test_trees_with_labels_of_their_own_need_no_column(train_trees, reviews_file, tmp_path):
    result = run(*train_trees(reviews_file, "--form", "labels", "--valid", reviews_file))
    assert f"24 examples of 2 labels in {reviews_file}, 24 examples in {reviews_file} for validation" in result.stderr
    assert "nodes" in result.stderr
    assert ostinato.load(tmp_path / "m.safetensors").labels_.names == ("1", "2", "3")


def test_sentences_in_columns_are_trees_too(train_trees, tmp_path):
    sentences = [f"# label = {name}\n1\t{word}\t_\t_\t_\t_\t0\n" for name, word in (("a", "x"), ("b", "y")) * 8]
    (tmp_path / "dev.conllu").write_text("\n".join(sentences))
    assert run(*train_trees(tmp_path / "dev.conllu")).exit_code == 0


def test_options_of_trees_stand_in_a_file_too(tmp_path, lists_file):
    config = tmp_path / "run.toml"
    config.write_text(
        f'data = "{lists_file}"\nbinarize = "left"\nhidden = 4\nepochs = 1\noutput = "{tmp_path}/m.safetensors"'
    )
    shown = run("train", "tree-classifier", "--config", config, "--print-config").stdout
    assert '\nbinarize = "left"\n' in shown
    assert "# ostinato train tree-classifier --config FILE" in shown
    assert run("train", "tree-classifier", "--config", config).exit_code == 0


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--binarize", "right"), "--binarize wanted one of 'none', 'left', got 'right'"),
        (("--arity", "0"), "--arity wanted a whole number at least 1"),
        (("--arity", "3", "--binarize", "left"), "a binarized tree has two places of children, got arity=3"),
        (("--tree", "label"), "--tree and --label both name the column 'label'; trees and labels are two columns"),
        (("--tree", "tre"), "lists.csv: there is no column 'tre'; did you mean 'tree'"),
        (("--bidirectional",), "--bidirectional"),
        (("--inside", "0.5"), "inside=0.5 weighs labels inside the trees, and only roots have labels"),
        (("--form", "labels"), "lists.csv, line 2, line 1, column 8: after a label stands one word or lists"),
        (("--truncate", "4"), "a tree is no sequence to be cut"),
    ],
)
def test_what_cannot_be_trained_on_trees_is_told(train_trees, lists_file, more, told):
    assert told in refused(*train_trees(lists_file, *more))


def test_trees_are_asked_for():
    told = refused("train", "tree-classifier")
    assert told.startswith("which examples? give a .csv, .tsv or .jsonl file, or one of trees: ostinato train tree-")


def test_columns_of_a_file_that_has_none_are_told(train_trees, reviews_file):
    assert "holds trees with labels and no columns" in refused(*train_trees(reviews_file, "--tree", "x"))


def test_a_bracket_that_is_never_closed_is_told_with_its_place(train_trees, tmp_path):
    (tmp_path / "t.txt").write_text("(3 (2 It) (4 great))\n (3 (2 It)")
    assert "t.txt, line 2, column 2: this bracket is opened and never closed" in refused(
        *train_trees(tmp_path / "t.txt", "--form", "labels")
    )
