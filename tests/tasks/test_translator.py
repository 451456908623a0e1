from __future__ import annotations

import pytest

import ostinato as ost
from tests.tasks.numbers import TINY, pairs


@pytest.fixture(scope="module")
def trained():
    return ost.Translator(**TINY, vocabulary=290).fit(*pairs(), progress=False)


def test_its_file_brings_back_a_translator(tmp_path, trained):
    trained.save(tmp_path / "m.safetensors")
    again = ost.load(tmp_path / "m.safetensors")
    assert type(again) is ost.Translator
    assert again.translate(["day 7"]) == trained.translate(["day 7"]) == trained.predict(["day 7"])


def test_its_report_tells_bleu_and_chrf_with_their_signatures(trained):
    report = trained.evaluate(*pairs(), beam=2)
    assert [name for name, _ in report.headline()] == ["BLEU", "chrF", "exact"]
    told = report.to_dict()
    assert told["signatures"]["bleu"].startswith("nrefs:1|case:mixed")
    assert told["beam"] == 2
    assert "BLEU" in str(report)


def test_what_differs_is_told_in_its_name():
    assert repr(ost.Translator(beam=3)) == "Translator(beam=3)"
