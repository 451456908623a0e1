from __future__ import annotations

import json

from ostinato.tasks.seq2seq_report import Seq2SeqReport


def report(**parts):
    told = {"sources": ("ein Haus", "zwei"), "truth": ("a house", "two"), "answers": ("a house", "too")}
    return Seq2SeqReport(**told | parts)


def test_exact_is_to_the_letter():
    assert report().exact == 0.5
    assert report(sources=(), truth=(), answers=()).exact == 0.0


def test_bleu_and_chrf_are_those_of_sacrebleu():
    import sacrebleu

    told = report(translation=True)
    assert told.bleu == sacrebleu.corpus_bleu(list(told.answers), [list(told.truth)]).score
    assert told.chrf == sacrebleu.corpus_chrf(list(told.answers), [list(told.truth)]).score
    assert report(translation=True, answers=("a house", "two")).chrf > 99.9


def test_notes_keep_numbers_from_being_misread():
    notes = " ".join(report(translation=True, answers_cut=1, dropped=2).notes())
    assert "nrefs:1" in notes
    assert "1 answer came to no end" in notes
    assert "2 pairs with an empty side" in notes


def test_it_can_be_written_as_json_and_as_a_page():
    assert json.loads(json.dumps(report().to_dict()))["exact"] == 0.5
    page = report(source="test.csv").table()
    assert "wanted  two" in page
    assert "wrote   too" in page
    assert page.startswith("test.csv: 2 pairs, beam 1")


def test_a_long_text_is_shortened_in_the_page():
    assert "\u2026" in report(truth=("x" * 500, "two")).table()
