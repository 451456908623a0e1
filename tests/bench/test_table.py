from __future__ import annotations

from ostinato.bench.summary import summaries
from ostinato.bench.table import markdown, number, packages, remarks
from tests.bench.results import of_row, results


def test_the_table_has_a_line_for_each_row_and_says_where_it_was_measured():
    text = markdown(results({**of_row("lstm-forward", 2.0, 1.5), **of_row("roof", 0.834)}))
    assert "| LSTM forward only | torch.nn, inference_mode | **1.73x** |  | 1.50x |  |\n" in text
    assert "| torch.mm 1024 x 1024 | **83 %** |  |  |  |\n" in text
    assert "a processor, 2 threads, float32, 2026-11-21; torch 2.13, jax 0.10, our target avx2. " in text
    assert "torch.mm of 1024 x 1024 184 GFLOP/s." in text
    assert "multiply-adds" not in text


def test_what_was_skipped_or_failed_is_told():
    told = markdown(results(of_row("memory", 0.5), skipped={"keras": "why"}, failed={"x.y": "why"}))
    assert "\nNot measured: keras.\nFailed: x.y.\n" in told


def test_points_that_were_measured_beside_other_work_are_counted():
    made = results(of_row("gru-train", 2.0, 3.0))
    first, second = made["points"].values()
    first["others"], second["others"] = 0.5, 0.02
    assert "\nOther programs were busy during 1 of 2 points: measure them again.\n" in markdown(made)


def test_a_full_run_names_the_rows_it_has_not():
    assert "Without results: gru-train, lstm-train" in markdown(results(of_row("memory", 0.5), kind="full"))


def test_what_torch_s_own_layer_served_is_marked():
    made = results(of_row("gru-train", 1.0, 1.0))
    next(iter(made["points"].values()))["handed_over"] = True
    assert "| GRU training (1 of 2 by torch's own layer) |" in markdown(made)


def test_remarks_are_what_falls_short_and_what_is_slower():
    told = remarks(results(of_row("elman-forward", 3.0, 0.95)))
    assert told[0].startswith("elman-forward: the mean is 1.69, wanted at least 2")
    assert told[1] == "elman-forward: elman-forward.elman-B1-T128-I128-H128 is 0.95, wanted at least 0.97"
    assert told[2] == "slower: elman-forward.elman-B1-T128-I128-H128 0.950x (0.941 to 0.959)"


def test_numbers_have_the_digits_that_matter():
    found = summaries(results(of_row("memory", 0.5))["points"])["memory"]
    assert [number(found, value) for value in (0.968, 9.94, 12.34)] == ["0.97x", "9.94x", "12.3x"]


def test_versions_of_what_was_compared_are_named():
    assert packages(results({})) == {"torch": "2.13", "jax": "0.10", "our target": "avx2"}
