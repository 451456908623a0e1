from __future__ import annotations

from ostinato.certificates.verdict import columns, markdown, verdicts
from tests.certificates.records import record


def text(*records):
    (verdict,) = verdicts(records)
    return verdict.text


def test_a_verdict_names_the_longest_length_up_to_which_all_is_well():
    assert text(record("gru", "parity", (1.0, 1.0, 0.995))) == "to 256"
    assert text(record("gru", "parity", (1.0, 1.0, 0.9))) == "to 128"
    assert text(record("gru", "parity", (1.0, 0.8, 1.0))) == "to 40"


def test_the_best_seed_speaks_and_the_others_are_counted():
    bad, good = record("gru", "parity", (0.6, 0.5, 0.5)), record("gru", "parity", (1.0, 1.0, 0.5), seed=2)
    assert text(bad, good) == "to 128 (1 of 2)"
    assert text(bad, record("gru", "parity", (0.7, 0.5, 0.5), seed=2)) == "70 %"


def test_accuracy_without_being_solved_is_a_percentage():
    assert text(record("gru", "adding", (1.0, 1.0), solved=False)) == "100 %"
    assert text(record("gru", "parity", (0.998, 0.9, 0.9))) == "99 %"


def test_the_table_has_a_row_for_each_cell_and_a_dash_where_nothing_was_run():
    found = verdicts(
        [
            record("mingru", "a5", (0.1, 0.0, 0.0)),
            record("mingru", "recall", (0.2, 0.1, 0.1)),
            record("gru", "recall", (1.0, 1.0, 0.5), start="chrono"),
        ]
    )
    assert columns(found) == [("recall", "plain"), ("recall", "chrono"), ("a5", "plain")]
    assert markdown(found).splitlines() == [
        "| cell | recall | recall, chrono | a5 |",
        "|---|---|---|---|",
        "| mingru | 20 % | – | 10 % |",
        "| gru | – | **to 200** | – |",
    ]


def test_no_runs_are_an_empty_table():
    assert verdicts([]) == []
    assert markdown([]).startswith("| cell |")
