from __future__ import annotations

import json
import math

from ostinato.tasks.language_report import LanguageReport


def test_bits_are_those_of_the_text_and_not_of_the_tokens():
    report = LanguageReport(total=math.log(2) * 60, tokens=10, characters=30, bytes=40)
    assert math.isclose(report.nats, math.log(2) * 6)
    assert math.isclose(report.perplexity, 64)
    assert math.isclose(report.bits_per_character, 2)
    assert math.isclose(report.bits_per_byte, 1.5)
    assert report.count == 10


def test_a_hopeless_model_has_an_infinite_perplexity():
    assert LanguageReport(1e6, 1, 1, 1).perplexity == math.inf


def test_unknown_tokens_are_told():
    assert LanguageReport(1.0, 10, 10, 10).notes() == []
    report = LanguageReport(1.0, 10, 10, 10, unknown=1, source="a.txt")
    assert report.notes() == ["1 token of 10 (10.00 %) are unknown to the model"]
    assert report.table().splitlines()[0] == "a.txt  10 tokens"
    assert report.notes()[0] in report.table()


def test_a_report_is_json():
    told = json.loads(json.dumps(LanguageReport(2.0, 4, 5, 6, 1, "x").to_dict()))
    assert told["nats"] == 0.5
    assert {*told} >= {"perplexity", "bits_per_character", "bits_per_byte", "tokens", "unknown"}


def test_a_printed_report_is_its_table():
    report = LanguageReport(math.log(2) * 300, 100, 150, 200, source="a tale")
    assert str(report) == report.table()
    assert str(report).splitlines() == [
        "a tale  100 tokens",
        "perplexity                 8.000",
        "nats per token            2.0794",
        "bits per character        2.0000",
        "bits per byte             1.5000",
    ]
