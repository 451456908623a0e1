from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.data.grams import fnv1a
from ostinato.data.words import Vocabulary
from ostinato.errors import ArtifactError, DataError, MissingExtraError, OptionError

TEXTS = ["turn on the light", "turn off the light", "what time is it"]
# Lone surrogates too: JSON can spell them.
ANY_TEXT = st.text(st.characters(), max_size=40)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("What's the TIME?", ["what's", "the", "time", "?"]),
        ("don’t", ["don't"]),
        ("3.5 o'clock, it's John's'", ["3", ".", "5", "o'clock", ",", "it's", "john's", "'"]),
        ("nai\u0308ve", ["naïve"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("我想听jazz音乐", ["我", "想", "听", "jazz", "音", "乐"]),
        ("snake_case 😀👍", ["snake_case", "😀", "👍"]),
        ("ÉCOLE", ["école"]),
        ("a\tb\nc\u00a0d\u3000e", ["a", "b", "c", "d", "e"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_sentences_are_split_into_words_and_signs(text, tokens):
    assert Vocabulary(()).split(text) == tokens


def test_capitals_stay_where_they_are_asked_for():
    assert Vocabulary((), lowercase=False).split("What's IT") == ["What's", "IT"]


def test_half_a_surrogate_pair_is_replaced_and_a_whole_one_joined():
    assert Vocabulary(()).split("a\ud800 b") == ["a", "\ufffd", "b"]
    assert Vocabulary(()).split("\ud83d\ude00") == ["😀"]


@given(st.lists(ANY_TEXT, max_size=5))
def test_any_text_can_be_learned_from_and_encoded(texts):
    vocabulary = Vocabulary.learn(texts, min_count=1)
    encoded = vocabulary.encode(texts)
    split = [vocabulary.split(text) for text in texts]
    assert encoded.lengths.tolist() == [len(words) for words in split]
    known = [vocabulary.words[k - 1] for k in encoded.types.words[encoded.tokens]]
    assert known == [word for words in split for word in words]
    assert len(encoded.types) == len(set(known))


@given(st.lists(ANY_TEXT, max_size=5), st.booleans(), st.sampled_from([None, (1, 1), (3, 5)]))
def test_a_vocabulary_comes_back_from_a_file(texts, lowercase, ngrams):
    vocabulary = Vocabulary.learn(texts, lowercase=lowercase, ngrams=ngrams, min_count=1)
    again = Vocabulary.from_dict(json.loads(json.dumps(vocabulary.to_dict())))
    assert again == vocabulary == pickle.loads(pickle.dumps(vocabulary))
    one, two = vocabulary.encode(texts), again.encode(texts)
    numpy.testing.assert_array_equal(one.types.words, two.types.words)
    numpy.testing.assert_array_equal(one.types.grams, two.types.grams)
    assert again.to_dict() == vocabulary.to_dict()


def test_frequent_words_come_first_and_rare_ones_are_left_out():
    vocabulary = Vocabulary.learn(["b a b", "c b a", "d"])
    assert vocabulary.words == ("b", "a")
    assert vocabulary.size == 3
    assert Vocabulary.learn(["b a b", "c b a", "d"], min_count=1).words == ("b", "a", "c", "d")
    assert Vocabulary.learn(["b a b", "c b a", "d"], max_words=1).words == ("b",)


def test_the_order_of_the_sentences_does_not_matter():
    assert Vocabulary.learn(TEXTS, min_count=1) == Vocabulary.learn(TEXTS[::-1], min_count=1)


def test_unknown_words_share_an_id_and_differ_in_their_ngrams():
    texts = Vocabulary.learn(TEXTS).encode(["lamp lamps turn"])
    types = texts.types
    assert types.words[texts.tokens].tolist() == [0, 0, 3]
    one, two = (set(types.grams[types.starts[k] : types.starts[k + 1]].tolist()) for k in (0, 1))
    assert fnv1a(b"<la") % 10_000 in one & two
    assert one != two


@pytest.mark.parametrize("off", [{"ngrams": None}, {"buckets": 0}, {"ngrams": None, "buckets": 0}])
def test_ngrams_can_be_turned_off(off):
    vocabulary = Vocabulary.learn(TEXTS, **off)
    assert (vocabulary.ngrams, vocabulary.buckets) == (None, 0)
    types = vocabulary.encode(["turn left"]).types
    assert (types.grams.tolist(), types.starts.tolist()) == ([], [0, 0, 0])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ngrams": (5, 3)}, "ngrams wanted two sizes from 1 to 20, the smaller first"),
        ({"ngrams": (0, 3)}, "ngrams wanted"),
        ({"ngrams": (3, 21)}, "ngrams wanted"),
        ({"ngrams": (3,)}, "ngrams wanted"),
        ({"buckets": -1}, "buckets wanted a whole number from 0"),
        ({"min_count": 0}, "min_count wanted a whole number from 1 on, got 0"),
        ({"max_words": 0}, "max_words wanted a whole number from 1 on, or None, got 0"),
    ],
)
def test_options_out_of_range_are_refused(wrong, message):
    with pytest.raises(OptionError, match=message):
        Vocabulary.learn(TEXTS, **wrong)


def test_one_sentence_is_no_list_of_sentences():
    for call in (Vocabulary.learn, Vocabulary(()).encode):
        with pytest.raises(DataError, match=r"got one str; write \['what time is it'\]"):
            call("what time is it")


@pytest.mark.parametrize("value", [None, 3, float("nan"), b"a", ["a"]])
def test_what_is_no_text_is_refused_with_its_row(value):
    with pytest.raises(DataError, match=r"^row 2: wanted text, got .* of type "):
        Vocabulary(()).encode(["a", value])


def test_words_of_numpy_are_texts():
    assert Vocabulary(()).encode(numpy.array(["a b", "c"])).lengths.tolist() == [2, 1]


def test_a_text_of_a_megabyte_is_encoded():
    texts = Vocabulary.learn(TEXTS).encode(["x" * 1_000_000, "turn " * 200_000])
    assert texts.lengths.tolist() == [1, 200_000]
    assert len(texts.types.grams) < 1000


@pytest.mark.parametrize("encode", [lambda v, t: v.encode(t), lambda v, t: v.encode_words(map(str.split, t))], ids="ab")
def test_a_text_as_long_as_a_book_is_refused_with_its_row(encode):
    vocabulary = Vocabulary(("stop",))
    with pytest.raises(DataError, match=r"row 2: the text has 500,001 words, wanted at most 500,000 in one; cut it"):
        encode(vocabulary, ["stop", "stop " * 500_001])


def test_equal_data_give_equal_numbers_in_every_process():
    code = """
import hashlib
from ostinato.data.words import Vocabulary
texts = ["turn on the light", "stop the music", "turn off the radio"]
vocabulary = Vocabulary.learn(texts, min_count=1)
encoded = vocabulary.encode(texts)
arrays = (encoded.tokens, encoded.types.words, encoded.types.grams)
print(vocabulary.words, [hashlib.sha256(array.tobytes()).hexdigest() for array in arrays])
"""
    seen = {
        subprocess.check_output([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in ("0", "1", "2")
    }
    assert len(seen) == 1


GOOD = Vocabulary.learn(TEXTS).to_dict()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"more": 1}, "wanted the fields"),
        ({"splitting": "words-2"}, "made by the splitting rules 'words-2', and this version knows 'words-1'"),
        ({"words": ["a", "a"]}, "no two words of a vocabulary are equal"),
        ({"words": ["a", ""]}, "list of words"),
        ({"words": ["a", 1]}, "list of words"),
        ({"words": "ab"}, "list of words"),
        ({"lowercase": 1}, "lowercase is true or false"),
        ({"buckets": True}, "buckets a whole number"),
        ({"buckets": 10.0}, "buckets a whole number"),
        ({"buckets": 0}, "n-grams and buckets, or neither"),
        ({"buckets": -1}, "the vocabulary cannot be: buckets wanted"),
        ({"ngrams": None}, "n-grams and buckets, or neither"),
        ({"ngrams": [3]}, "two sizes or null"),
        ({"ngrams": [3, 5.0]}, "two sizes or null"),
        ({"ngrams": [5, 3]}, "the vocabulary cannot be: ngrams wanted"),
        ({"ngrams": [3, 10**9]}, "the vocabulary cannot be: ngrams wanted"),
    ],
)
def test_what_is_no_vocabulary_is_refused(change, message):
    with pytest.raises(ArtifactError, match=message):
        Vocabulary.from_dict({**GOOD, **change})


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_a_field_that_a_vocabulary_lacks_is_named(missing):
    with pytest.raises(ArtifactError, match="a vocabulary wanted the fields"):
        Vocabulary.from_dict({name: value for name, value in GOOD.items() if name != missing})


def test_splitting_says_which_package_it_needs(monkeypatch):
    from ostinato.data import words

    words._rules.cache_clear()
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ostinato\[text\]'"):
        Vocabulary(()).split("a")


def test_words_that_are_split_already_may_hold_anything():
    vocabulary = Vocabulary.learn_words([["two words", "(", ""], ["two words", "A"]], min_count=1, buckets=50)
    assert vocabulary.words == ("two words", "(", "<nothing>", "a")
    texts = vocabulary.encode_words([["A", "two words"], [], ["unseen", ""]])
    assert texts.lengths.tolist() == [2, 0, 2]
    assert texts.types.words[texts.tokens].tolist() == [4, 1, 0, 3]
    assert Vocabulary.from_dict(vocabulary.to_dict()) == vocabulary
    assert Vocabulary.learn_words([["A"], ["a"]], lowercase=False, min_count=1).words == ("A", "a")


def test_half_a_character_in_a_word_becomes_one_that_files_hold():
    vocabulary = Vocabulary.learn_words([["\ud800"], ["\ud800"]])
    assert vocabulary.words == ("\ufffd",)
    assert vocabulary.encode_words([["\ud800"]]).types.words.tolist() == [1]
