"""What is taken over from a language model; that every task takes it is a law of tests/laws."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import ostinato as ost
from ostinato import artifact
from ostinato.data import Vocabulary
from ostinato.data.language.tokens import MARK
from ostinato.errors import OptionError
from ostinato.tasks.language_options import LanguageModelOptions
from ostinato.tasks.pretrained import Start, begin, filled
from ostinato.tasks.seq2seq_options import Seq2SeqOptions
from ostinato.tasks.tag_options import TaggerOptions
from ostinato.tasks.text_options import TextClassifierOptions
from tests.laws.zoo import peephole

TEXTS = ["to be or not to be\n", "That is the question\n"] * 3
SMALL = {"hidden": 4, "layers": 2, "embedding": 3, "epochs": 1, "batch": 2, "truncate": 6, "holdout": 0}
SMALL |= {"device": "cpu"}


@pytest.fixture
def saved(tmp_path):
    """The path of a language model with some options."""

    def save(**given):
        path = tmp_path / "general.safetensors"
        ost.LanguageModel(**{"tokens": "words", **SMALL, **given}).fit(TEXTS, progress=False).save(path)
        return str(path)

    return save


def test_without_a_language_model_options_are_as_usual():
    options, start = begin(TaggerOptions(layers=3))
    assert (options.hidden, options.layers, options.lowercase, options.bidirectional) == (256, 3, False, True)
    assert start.told == {}
    assert filled(Seq2SeqOptions()).tokens == "characters"


def test_with_one_they_are_its_own_and_its_digest_stands_for_its_name(saved):
    path = saved(lowercase=True, residual=True, norm=True, layer_norm="gates")
    options, start = begin(TextClassifierOptions(init_from=path, residual=True))
    taken = {name: getattr(options, name) for name in TextClassifierOptions.usual}
    assert taken == {
        "cell": "lstm",
        "hidden": 4,
        "layers": 2,
        "bidirectional": False,
        "embedding": 3,
        "projection": None,
        "residual": True,
        "norm": True,
        "layer_norm": "gates",
        "lowercase": True,
    }
    digest = artifact.read(path).digest
    assert options.init_from == start.digest == digest
    assert start.told == {"init_from": f"general.safetensors, {digest}"}


@pytest.mark.parametrize(
    ("options", "given", "words"),
    [
        (TextClassifierOptions, {"residual": False}, "residual=False contradicts .* has True; leave residual out"),
        (TextClassifierOptions, {"lowercase": True}, "lowercase=True contradicts .* which has False"),
        (TextClassifierOptions, {"projection": 3}, "projection=3 contradicts"),
        (LanguageModelOptions, {"tokens": "bpe"}, "tokens='bpe' contradicts .* which has 'words'"),
        (LanguageModelOptions, {"tied": False}, "tied=False contradicts"),
        (LanguageModelOptions, {"cutoffs": "2,4"}, "cutoffs='2,4' contradicts .* which has None"),
        (Seq2SeqOptions, {}, "wanted a language model with residual=False, since this task has no other"),
        (Seq2SeqOptions, {"cell": peephole}, "residual"),
    ],
)
def test_what_contradicts_or_does_not_fit_is_named(saved, options, given, words):
    with pytest.raises(OptionError, match=words):
        begin(options(init_from=saved(residual=True), **given))


@pytest.mark.parametrize("kind", ["characters", "bytes", "bpe"])
def test_who_reads_words_goes_on_from_words_alone(saved, kind):
    path = saved(tokens=kind, **({"vocabulary": 270} if kind == "bpe" else {}))
    with pytest.raises(OptionError, match=f"reads words, and general.safetensors reads {kind}; train one with tokens="):
        begin(TaggerOptions(init_from=path))
    with pytest.raises(OptionError, match="reads words"):
        ost.TextClassifier(init_from=path).fit(["a", "b"] * 2, ["x", "y"] * 2, progress=False)


def test_a_cell_of_one_s_own_is_taken_as_it_is_given(saved):
    path = saved(cell=peephole, layers=1)
    assert begin(TaggerOptions(init_from=path, cell=peephole))[0].cell is peephole
    assert begin(TaggerOptions(init_from=path))[0].cell.name == "peephole"
    with pytest.raises(OptionError, match=r"cell='gru' contradicts the language model .* which has peephole"):
        begin(TaggerOptions(init_from=path, cell="gru"))
    model = ost.TextClassifier(init_from=path, epochs=1, holdout=0, buckets=9, device="cpu")
    model.fit(["to be", "the question"] * 2, ["x", "y"] * 2, progress=False)
    assert model.model_.body.cell.name == "peephole"


def test_words_of_the_language_model_come_first_and_lines_do_not_end_in_a_sentence(saved):
    start = Start.read(saved())
    words = start.words(Vocabulary(("zebra", "be"), lowercase=False)).words
    assert set(words) == {"to", "be", "or", "not", "That", "is", "the", "question", "zebra"}
    assert words[-1] == "zebra"
    assert Start().words(Vocabulary(("zebra",))).words == ("zebra",)


def test_new_tokens_are_counted_and_limited(saved):
    path = saved()
    options, start = begin(LanguageModelOptions(init_from=path, vocabulary=13))
    known = start.model.tokens_
    assert known.size == 11
    grown = start.tokens(options, ["new words here new words new"], (MARK,))
    assert grown.pieces == (*known.pieces, "new", "words")
    assert start.tokens(filled(begin(LanguageModelOptions(init_from=path, min_count=3))[0]), ["new " * 3], (MARK,)).size
    with pytest.raises(OptionError, match=r"vocabulary=5 is less than the 11 words that general.safetensors knows"):
        start.tokens(begin(LanguageModelOptions(init_from=path, vocabulary=5))[0], ["new"], (MARK,))


def test_pieces_that_know_every_text_stay_as_they_are(saved):
    path = saved(tokens="bpe", vocabulary=270)
    options, start = begin(LanguageModelOptions(init_from=path))
    assert start.tokens(options, ["something else"], (MARK,)) == start.model.tokens_
    with pytest.raises(OptionError, match=r"the bpe of general.safetensors know every text and stay; leave voc"):
        ost.LanguageModel(init_from=path, vocabulary=300, **{**SMALL, "embedding": None}).fit(TEXTS, progress=False)


@pytest.mark.parametrize("given", [{"tied": False}, {"cutoffs": "3,6"}, {"embedding": 4}])
def test_a_head_of_every_kind_goes_on_and_scores_new_words_as_a_mean_one(saved, given):
    path = saved(**given)
    before = ost.load(path)
    going = ost.LanguageModel(init_from=path, epochs=1, lr=1e-30, average=0.0, batch=2, holdout=0, device="cpu")
    model = going.fit([*TEXTS, "zebra or yak"], progress=False)
    assert model.tokens_.size == before.tokens_.size + 2
    with torch.no_grad():
        y = torch.randn(1, 1, 4)
        old, new = (m.model_.head.log_probabilities(m.model_.head(y))[0, 0] for m in (before, model))
    if "cutoffs" in given:
        torch.testing.assert_close(new[:6], old[:6])
    else:
        # The others' odds among themselves stay.
        torch.testing.assert_close(new[: len(old)] - new[0], old - old[0])
    assert new[-1] == pytest.approx(float(new[-2]), abs=1e-5)


def test_vectors_beside_a_language_model_are_refused(saved):
    with pytest.raises(OptionError, match="vectors and init_from both say what words begin with"):
        ost.LanguageModel(init_from=saved(), vectors="x.vec", tokens="words").fit(TEXTS, progress=False)


def test_a_run_is_resumed_from_a_file_of_another_name_and_not_from_another_model(saved, tmp_path):
    from ostinato.errors import ArtifactError, Interrupted

    path, moved = saved(), tmp_path / "moved.safetensors"
    texts, labels = ["to be", "the question"] * 4, ["x", "y"] * 4
    given = {"epochs": 4, "unfreeze": 1.0, "layer_decay": 2.6, "holdout": 0, "buckets": 9, "device": "cpu"}
    whole = ost.TextClassifier(init_from=path, **given).fit(texts, labels, progress=False)

    def stop(report):
        if report.event == "epoch" and report.epoch == 1:
            import signal

            signal.raise_signal(signal.SIGINT)

    kept = {"checkpoint": tmp_path / "run.checkpoint"}
    with pytest.raises(Interrupted):
        ost.TextClassifier(init_from=path, **given).fit(texts, labels, progress=stop, **kept)
    moved.write_bytes(Path(path).read_bytes())
    other = saved(seed=5)
    with pytest.raises(ArtifactError, match="init_from was sha256"):
        ost.TextClassifier(init_from=other, **given).fit(texts, labels, progress=False, resume=True, **kept)
    model = ost.TextClassifier(init_from=str(moved), **given).fit(texts, labels, progress=False, resume=True, **kept)
    for name, weight in whole.model_.state_dict().items():
        assert torch.equal(model.model_.state_dict()[name], weight), name
