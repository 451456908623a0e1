from __future__ import annotations

import json
import pickle
import sys

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.data.language import byte_pairs
from ostinato.data.language.tokens import KINDS, Tokens
from ostinato.errors import ArtifactError, DataError, MissingExtraError, OptionError

TEXT = "Was ist das? Ein Ei, „ganz“ neu: naïve 😀!\nUnd noch eine Zeile,\n\n  eingerückt (so).\n" * 3
SPECIALS = ("<pad>", "<start>", "<end>")
# One list for the laws of all kinds.
MADE = {
    "bytes": Tokens("bytes"),
    "bytes with specials": Tokens("bytes", specials=SPECIALS),
    "characters": Tokens.learn([TEXT], kind="characters"),
    "characters with specials": Tokens.learn([TEXT], kind="characters", specials=SPECIALS),
    "words": Tokens.learn([TEXT], kind="words", specials=SPECIALS),
    "words in small letters": Tokens.learn([TEXT], kind="words", lowercase=True),
    "bpe": Tokens.learn([TEXT], kind="bpe", size=300),
    "bpe with specials": Tokens.learn([TEXT], kind="bpe", size=300, specials=SPECIALS),
}
# Lone surrogates too: JSON can spell them.
ANY_TEXT = st.text(st.characters(), max_size=40)


@pytest.fixture(params=MADE)
def tokens(request):
    return MADE[request.param]


def test_every_kind_is_in_the_list():
    assert {tokens.kind for tokens in MADE.values()} == set(KINDS)


def test_a_text_comes_back_as_it_was(tokens):
    if tokens.kind != "words":
        assert tokens.decode(tokens.encode(TEXT)) == TEXT


@given(ANY_TEXT, st.sampled_from([name for name in MADE if name[:5] in ("bytes", "bpe", "bpe w")]))
def test_bytes_and_pieces_know_every_text(text, name):
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert MADE[name].decode(MADE[name].encode(text)) == whole


@given(ANY_TEXT, st.sampled_from(sorted(MADE)))
def test_ids_are_in_range_and_no_text_gives_a_special_one(text, name):
    tokens = MADE[name]
    ids = tokens.encode(text)
    assert ids.dtype == numpy.int32
    assert ((ids >= len(tokens.specials)) & (ids < tokens.size)).all()
    assert (tokens.encode("<end><pad>") >= len(tokens.specials)).all()


@given(ANY_TEXT, st.sampled_from(sorted(MADE)), st.data())
def test_a_text_is_written_id_by_id_as_it_is_in_one_go(text, name, data):
    tokens = MADE[name]
    ids = tokens.encode(text + TEXT[:40]).tolist()
    ids += data.draw(st.lists(st.integers(0, tokens.size - 1), max_size=20))
    spelt = tokens.decoder()
    parts = [spelt.push(k) for k in ids[:5]]
    fork = spelt.fork()
    rest = [spelt.push(k) for k in ids[5:]]
    assert "".join(parts + rest) + spelt.end() == tokens.decode(ids)
    assert [fork.push(k) for k in ids[5:]] == rest


def test_tokens_come_back_from_a_file(tokens):
    again = Tokens.from_dict(json.loads(json.dumps(tokens.to_dict())))
    assert again == tokens == pickle.loads(pickle.dumps(tokens))
    assert again.digest == tokens.digest
    assert again.encode(TEXT).tolist() == tokens.encode(TEXT).tolist()


def test_each_kind_has_its_own_name(tokens):
    assert [name for name, other in MADE.items() if other.digest == tokens.digest] == [
        name for name, other in MADE.items() if other is tokens
    ]


def test_the_lengths_of_ids_are_those_of_their_text(tokens):
    counted = tokens.lengths[tokens.encode(TEXT)].sum(0).tolist()
    assert tokens.lengths.shape == (tokens.size, 2)
    if tokens.kind != "words":
        assert counted == [len(TEXT), len(TEXT.encode())]
    assert not tokens.lengths[: len(tokens.specials)].any()


def test_what_ids_write_by_themselves_is_told(tokens):
    assert len(tokens.strings) == tokens.size
    assert tokens.strings[: tokens.first] == (None,) * tokens.first
    assert "E" in tokens.strings or "Ein" in tokens.strings or "ein" in tokens.strings


def test_special_ids_come_first_and_are_found_by_name():
    for tokens in MADE.values():
        assert [tokens.special(name) for name in tokens.specials] == list(range(len(tokens.specials)))
    with pytest.raises(OptionError, match="no special token '<edn>'; did you mean '<end>'"):
        MADE["bpe with specials"].special("<edn>")
    assert MADE["bpe with specials"].decode([0, 2, *MADE["bpe with specials"].encode("Ei"), 1]) == "Ei"


def test_characters_not_seen_are_unknown_and_written_so():
    tokens = MADE["characters"]
    assert tokens.encode("Ωß").tolist() == [tokens.unknown] * 2
    assert tokens.decode([tokens.unknown]) == "\ufffd"
    assert tokens.encode("\U0010ffff").tolist() == [0]
    assert MADE["bytes"].unknown is None
    assert MADE["bpe"].unknown is None


def test_words_are_written_with_blanks_where_a_reader_expects_them():
    tokens = MADE["words"]
    text = "Und ist das neu?\nEin Ei, naïve (so)."
    assert tokens.decode(tokens.encode(text)) == text
    assert tokens.encode("Und  Ωmega\r\n").tolist()[1:] == [tokens.unknown, *tokens.encode("\n")]
    assert MADE["words in small letters"].decode(MADE["words in small letters"].encode("DAS Ei")) == "das ei"


def test_frequent_characters_and_words_come_first_and_rare_ones_are_left_out():
    assert Tokens.learn(["aab", "bbc"], kind="characters").pieces == ("b", "a", "c")
    assert Tokens.learn(["aab", "bbc"], kind="characters", min_count=2).pieces == ("b", "a")
    assert Tokens.learn(["a b b", "b c a"], kind="words", size=3).pieces == ("b", "a")
    assert Tokens.learn(["a b", "", "b"], kind="words", size=2, specials=()).size == 2


def test_pairs_are_the_same_every_time_and_as_many_as_asked_for():
    one, two = (Tokens.learn([TEXT, "das Ei"], kind="bpe", size=310, specials=SPECIALS) for _ in range(2))
    assert one == two
    assert one.size == 310
    assert len(one.encode(TEXT)) < len(TEXT) / 2
    assert max(map(len, byte_pairs.pieces_of(one.merges))) <= byte_pairs.LONGEST_PIECE


def test_a_corpus_too_small_for_the_size_gives_what_it_has():
    assert Tokens.learn(["ab ab"], kind="bpe", size=1000).size < 260
    assert Tokens.learn([], kind="bpe", size=300).size == 256


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "letters"}, "unknown kind of tokens 'letters'; .*known: 'bytes', 'characters'"),
        ({"kind": "bytes", "size": 300}, "bytes are always 256; leave size and min_count out"),
        ({"kind": "bytes", "min_count": 2}, "bytes are always 256"),
        ({"kind": "bpe", "size": 255}, "size wanted a whole number from 256 to"),
        ({"kind": "characters", "size": 1}, "size wanted a whole number from 2"),
        ({"kind": "words", "size": True}, "size wanted a whole number"),
        ({"kind": "words", "min_count": 0}, "min_count wanted a whole number from 1 on, got 0"),
        ({"kind": "bpe", "lowercase": True}, "lowercase is for words, and these tokens are bpe"),
        ({"kind": "bpe", "specials": ("<end>", "<end>")}, "no two special tokens have one name"),
        ({"kind": "bpe", "specials": ("",)}, "a special token is called by a word"),
    ],
)
def test_options_out_of_range_are_refused(wrong, message):
    with pytest.raises(OptionError, match=message):
        Tokens.learn([TEXT], **wrong)


def test_nothing_to_learn_from_is_refused():
    for kind in ("characters", "words"):
        with pytest.raises(DataError, match=f"at least one of the {kind} to learn from, got none"):
            Tokens.learn(["", ""], kind=kind)
    with pytest.raises(DataError, match="none of 2 characters occurs 9 times; lower min_count"):
        Tokens.learn(["ab"], min_count=9)
    with pytest.raises(DataError, match=r"got one str; write \['ab'\]"):
        Tokens.learn("ab")
    with pytest.raises(DataError, match="text 2: wanted text, got 3 of type int"):
        Tokens.learn(["ab", 3])


def test_what_is_no_text_and_what_is_no_id_is_refused(tokens):
    with pytest.raises(DataError, match="encode wanted a str, got bytes"):
        tokens.encode(b"a")
    with pytest.raises(DataError, match=f"decode wanted ids from 0 to {tokens.size - 1}, got {tokens.size}"):
        tokens.decode([0, tokens.size])
    with pytest.raises(DataError, match="decode wanted whole numbers"):
        tokens.decode([0.5])
    assert tokens.decode([]) == ""
    assert tokens.encode("").tolist() == []


GOOD = {name: MADE[name].to_dict() for name in ("bytes", "characters", "words", "bpe")}


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("bytes", {"kind": "letters"}, "tokens wanted a kind, one of bytes"),
        ("bytes", {"kind": ["bytes"]}, "tokens wanted a kind"),
        ("bytes", {"more": 1}, "tokens of bytes wanted the fields"),
        ("bytes", {"rules": "bytes-2"}, "made by the rules 'bytes-2', and this version knows 'bytes-1'"),
        ("bytes", {"specials": "<end>"}, "special tokens are a list of words"),
        ("bytes", {"specials": ["<end>", "<end>"]}, "the tokens cannot be: no two special tokens"),
        ("bytes", {"specials": [1]}, "special tokens are a list of words"),
        ("characters", {"pieces": "aab"}, "no two are equal"),
        ("characters", {"pieces": ["a"]}, "wanted a str"),
        ("characters", {"pieces": ""}, "wanted from 1 to"),
        ("characters", {"pieces": "a\ud800"}, "half a character"),
        ("words", {"pieces": ["a", ""]}, "are not empty"),
        ("words", {"pieces": ["a", 1]}, "are not empty"),
        ("words", {"lowercase": 1}, "lowercase of tokens is true or false"),
        ("bpe", {"merges": [[1, 2, 3]]}, "list of pairs of whole numbers"),
        ("bpe", {"merges": [[True, 2]]}, "list of pairs of whole numbers"),
        ("bpe", {"merges": [[1, 256]]}, r"two of the 256 before it, got \[1, 256\]"),
        ("bpe", {"merges": [[-1, 2]]}, "a pair of pieces wanted two"),
        (
            "bpe",
            {"merges": [[0, 0], *([k, k] for k in range(256, 300))]},
            "at most 64 bytes, and a pair makes one",
        ),
    ],
)
def test_what_are_no_tokens_is_refused(name, change, message):
    with pytest.raises(ArtifactError, match=message):
        Tokens.from_dict({**GOOD[name], **change})


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_field_that_tokens_lack_is_named(name):
    for missing in GOOD[name]:
        with pytest.raises(ArtifactError, match="wanted"):
            Tokens.from_dict({key: value for key, value in GOOD[name].items() if key != missing})
    for other in (None, 3, [], "bytes"):
        with pytest.raises(ArtifactError, match="tokens wanted a kind"):
            Tokens.from_dict(other)


def test_pieces_say_which_package_they_need(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    tokens = Tokens.from_dict(GOOD["bpe"])
    assert tokens.decode([65]) == "A"
    with pytest.raises(MissingExtraError, match=r"pip install 'ostinato\[text\]'"):
        tokens.encode("a")
