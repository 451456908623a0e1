from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from ostinato.diagnosis.pictures import (
    FORMATS,
    MOST_CLASSES,
    check_format,
    draw_confusion,
    draw_curves,
    draw_training,
    most_confused,
)
from ostinato.errors import OptionError, OutputError

HISTORY = [
    {"event": "started"},
    *(
        {
            "event": "epoch",
            "epoch": epoch,
            "train": {"loss": 2.0 - epoch, "accuracy": 0.5},
            "valid": {"loss": 2.5 - epoch, "accuracy": 0.25 * epoch},
            "better": epoch < 2,
        }
        for epoch in range(3)
    ),
    {"event": "finished"},
]
STARTS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


def matrix(size, seed=0):
    return np.random.default_rng(seed).integers(1, 9, (size, size))


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_picture_has_the_format_of_its_name(tmp_path, suffix):
    path = tmp_path / f"p{suffix}"
    draw_training(path, history=HISTORY, confusion=matrix(3), labels=["a", "b", "c"], title="t")
    assert path.read_bytes().startswith(STARTS[suffix])


def test_a_run_without_validation_is_drawn_too(tmp_path):
    history = [{**entry, "valid": {}} if entry["event"] == "epoch" else entry for entry in HISTORY]
    draw_training(tmp_path / "p.png", history=history)
    assert (tmp_path / "p.png").stat().st_size > 1000


def test_labels_of_any_script_and_sign_are_drawn(tmp_path):
    draw_training(tmp_path / "p.svg", history=HISTORY, confusion=matrix(2), labels=["$a_b^c$", "grüße an alle " * 4])


def test_another_format_names_the_nearest():
    with pytest.raises(OptionError, match=r"ends in .png, .svg or .pdf, got 'p.pgn'; did you mean '.png'"):
        check_format("p.pgn")


def test_a_picture_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(OutputError, match="there is no directory"):
        draw_training(tmp_path / "no" / "p.png", history=HISTORY)


def test_the_curves_show_every_epoch_and_mark_the_one_that_was_kept():
    figure = Figure()
    draw_curves(figure, [entry for entry in HISTORY if entry["event"] == "epoch"])
    above, below = figure.axes
    train, valid, kept = above.lines
    assert train.get_xdata().tolist() == [1, 2, 3]
    assert valid.get_ydata().tolist() == [2.5, 1.5, 0.5]
    assert list(kept.get_xdata()) == [2, 2]
    assert below.lines[1].get_ydata().tolist() == [0.0, 25.0, 50.0]
    assert below.texts[0].get_text() == "kept: epoch 2"


def test_training_and_validation_differ_in_more_than_colour():
    figure = Figure()
    draw_curves(figure, [entry for entry in HISTORY if entry["event"] == "epoch"])
    train, valid, _ = figure.axes[0].lines
    assert train.get_linestyle() != valid.get_linestyle()
    assert train.get_marker() != valid.get_marker()


def test_the_matrix_shows_shares_of_rows_and_counts():
    axes = Figure().subplots()
    draw_confusion(axes, np.array([[3, 1], [0, 2]]), ["a", "b"])
    wrong, right = (image.get_array() for image in axes.images)
    assert wrong[0, 1] == 25.0
    assert right.diagonal().tolist() == [75.0, 100.0]
    assert [text.get_text() for text in axes.texts] == ["3", "1", "2"]


def test_mistakes_have_another_colour_than_what_is_right():
    axes = Figure().subplots()
    draw_confusion(axes, np.array([[1, 1], [1, 1]]), ["a", "b"])
    wrong, right = (image.cmap(0.8) for image in axes.images)
    assert wrong[0] > wrong[2]
    assert right[0] < right[2]


def test_of_many_classes_the_most_confused_are_shown():
    size = MOST_CLASSES + 12
    confusion = np.diag(np.full(size, 9))
    confusion[50, 3] = confusion[7, 55] = 1
    shown, names, remark = most_confused(confusion, [f"c{n}" for n in range(size)])
    assert shown.shape == (MOST_CLASSES, MOST_CLASSES)
    assert {"c3", "c7", "c50", "c55"} <= {*names}
    assert remark == f"the {MOST_CLASSES} most confused of {size} classes"


def test_classes_that_nobody_has_or_answers_are_left_out():
    _, names, remark = most_confused(np.array([[1, 0, 0], [0, 0, 0], [1, 0, 0]]), ["a", "b", "c"])
    assert (names, remark) == (["a", "c"], "")
