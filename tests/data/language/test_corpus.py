from __future__ import annotations

import os
import tempfile
import tracemalloc

import numpy
import pytest

from ostinato.data.language.corpus import Corpus
from ostinato.data.language.tokens import Tokens
from ostinato.errors import DataError, OptionError, OutputError

TEXT = "to be, or not to be:\nthat is the question\n\n  wörds, words 😀.\n" * 50
KINDS = {
    "bytes": Tokens("bytes", specials=("<end>",)),
    "characters": Tokens.learn([TEXT], kind="characters", specials=("<end>",)),
    "words": Tokens.learn([TEXT], kind="words", specials=("<end>",)),
    "bpe": Tokens.learn([TEXT], kind="bpe", size=300, specials=("<end>",)),
}


@pytest.fixture(params=KINDS)
def tokens(request):
    return KINDS[request.param]


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(TEXT)
    return path


def test_a_file_is_encoded_in_chunks_as_its_text_in_one_go(tokens, text_file, monkeypatch):
    from ostinato.data.language import chunks

    whole = tokens.encode(TEXT).tolist()
    for block in (13, 1 << 20):
        monkeypatch.setattr(chunks, "_BLOCK", block)
        corpus = Corpus.of_files(text_file, tokens)
        assert corpus.ids.tolist() == whole
        assert corpus.lengths == (len(TEXT), len(TEXT.encode()))
    assert Corpus.of_texts([TEXT], tokens).digest == corpus.digest


@pytest.mark.parametrize("name", ["words", "bpe"])
def test_small_units_give_the_ids_of_large_ones(name, monkeypatch):
    from ostinato.data.language.cutting import Units

    tokens = KINDS[name]
    monkeypatch.setattr(Units.__init__, "__defaults__", (100,))
    assert Corpus.of_texts([TEXT], tokens).ids.tolist() == tokens.encode(TEXT).tolist()


def test_ids_take_as_few_bytes_as_they_can(tokens):
    corpus = Corpus.of_texts([TEXT], tokens)
    assert corpus.ids.dtype == ("uint8" if tokens.size <= 256 else "uint16")
    large = Tokens("words", tuple(str(k) for k in range(70_000)))
    assert Corpus.of_texts(["69999"], large).ids.dtype == "uint32"


def test_a_mark_stands_before_each_document_and_after_the_last(tokens):
    parts = [tokens.encode(text).tolist() for text in ("to", "be\n")]
    corpus = Corpus.of_texts(["to", "", "be\n"], tokens, mark="<end>")
    assert corpus.ids.tolist() == [0, *parts[0], 0, *parts[1], 0]
    assert corpus.starts.tolist() == [0, 1 + len(parts[0])]
    plain = Corpus.of_texts(["to", "", "be\n"], tokens)
    assert plain.ids.tolist() == parts[0] + parts[1]
    assert plain.starts.tolist() == [0, len(parts[0])]
    with pytest.raises(OptionError, match="no special token '<edn>'; did you mean '<end>'"):
        Corpus.of_texts(["to"], tokens, mark="<edn>")


def test_several_files_are_several_documents(tmp_path, tokens):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(f"to {name}e")
    corpus = Corpus.of_files([tmp_path / "a.txt", tmp_path / "b.txt"], tokens)
    assert corpus.ids.tolist() == [*tokens.encode("to ae"), *tokens.encode("to be")]
    assert corpus.starts.tolist() == [0, len(tokens.encode("to ae"))]
    (tmp_path / "c.jsonl").write_text('{"t": "to"}\n{"t": "be"}\n')
    assert len(Corpus.of_files(str(tmp_path / "c.jsonl"), tokens, column="t").starts) == 2


def test_a_part_shares_the_ids_and_begins_a_document():
    corpus = Corpus.of_texts(["abc", "defg", "hi"], Tokens("bytes"))
    part = corpus[2:8]
    assert bytes(part.ids.tolist()) == b"cdefgh"
    assert part.starts.tolist() == [0, 1, 5]
    assert numpy.shares_memory(part.ids, corpus.ids)
    assert part[1:5].starts.tolist() == [0]
    assert corpus[:] is corpus
    assert part.lengths == (6, 6)
    assert part.digest != corpus.digest
    for wrong in (slice(3, 3), slice(0, 8, 2)):
        with pytest.raises(OptionError, match="some neighbouring ids"):
            corpus[wrong]


def test_the_end_is_held_out_at_the_beginning_of_a_document():
    one = Corpus.of_texts(["a" * 100], Tokens("bytes"))
    assert [len(part) for part in one.split(0.1)] == [90, 10]
    many = Corpus.of_texts(["a" * 40, "b" * 45, "c" * 15], Tokens("bytes"))
    assert [len(part) for part in many.split(0.1)] == [85, 15]
    two = Corpus.of_texts(["a" * 99, "b"], Tokens("bytes"))
    assert [len(part) for part in two.split(0.5)] == [99, 1]
    assert [len(part) for part in one.split(1e-9)] == [98, 2]
    with pytest.raises(OptionError, match="share wanted a number between 0 and 1"):
        one.split(1.0)
    with pytest.raises(DataError, match="cannot be cut into two"):
        one[:3].split(0.5)


def test_the_lengths_of_a_part_are_those_of_its_text(tokens):
    corpus = Corpus.of_texts([TEXT], tokens)
    part = corpus[: len(corpus) // 2]
    text = tokens.decode(part.ids)
    assert part.lengths == (len(text), len(text.encode())) or tokens.kind == "words"


def test_no_text_at_all_is_refused(tmp_path, tokens):
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(DataError, match=r"a\.txt is empty: there is no text"):
        Corpus.of_files(tmp_path / "a.txt", tokens)
    for nothing in ([], ["", ""]):
        with pytest.raises(DataError, match="the corpus is empty"):
            Corpus.of_texts(nothing, tokens)
    with pytest.raises(DataError, match="at least one file, got none"):
        Corpus.of_files([], tokens)
    with pytest.raises(DataError, match="or use of_files"):
        Corpus.of_texts("to be", tokens)
    with pytest.raises(DataError, match="a corpus wanted texts, got 3 of type int"):
        Corpus.of_texts([3], tokens)


def test_a_line_of_ten_megabytes_is_read_in_little_memory(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("x" * 10_000_000)
    tokens = Tokens.learn(["xy"], kind="characters")
    tracemalloc.start()
    try:
        corpus = Corpus.of_files(path, tokens)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(corpus) == 10_000_000
    assert peak < 8_000_000


def test_a_long_line_of_pieces_without_a_blank_is_read_too():
    tokens = Tokens.learn(["ababab abab"], kind="bpe", size=259)
    text = "ab" * 50_000
    corpus = Corpus.of_texts([text], tokens)
    assert tokens.decode(corpus.ids) == text
    assert corpus.ids.tolist() == tokens.encode(text).tolist()


def test_bytes_are_read_from_any_file(tmp_path):
    data = bytes(range(256)) * 2
    (tmp_path / "a.bin").write_bytes(data)
    corpus = Corpus.of_files(tmp_path / "a.bin", Tokens("bytes"))
    assert bytes(corpus.ids.tolist()) == data
    assert corpus.lengths[1] == 512


def test_a_cache_is_used_until_its_source_changes(tmp_path, tokens, text_file, monkeypatch):
    from ostinato.data.language import corpus as module

    cache = tmp_path / "ids"
    first = Corpus.of_files(text_file, tokens, cache=cache)
    written = module._write
    monkeypatch.setattr(module, "_write", None)
    again = Corpus.of_files(text_file, tokens, cache=cache)
    assert again.ids.tolist() == first.ids.tolist()
    assert again.lengths == first.lengths
    monkeypatch.setattr(module, "_write", written)
    marked = Corpus.of_files(text_file, tokens, cache=cache, mark="<end>")
    assert len(marked) == len(first) + 2
    text_file.write_text("to be")
    changed = Corpus.of_files(text_file, tokens, cache=cache)
    assert len(changed) < len(first)
    # What was mapped before still reads what it read.
    assert first.ids.tolist() == tokens.encode(TEXT).tolist()
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "ids"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-9], "is cut off: it has .* of .* bytes; remove it"),
        (lambda data: data[:100], "is damaged|is cut off"),
        (lambda data: data + b"x", "is damaged: its header does not fit"),
        (lambda data: b"hello" + data, "is not a file of ids that ostinato wrote"),
        (lambda data: b"", "is not a file of ids"),
        (lambda data: data.replace(b'"uint8"', b'"int8" '), "is damaged"),
        (lambda data: data.replace(b'"documents": 1', b'"documents": 0'), "is damaged"),
        (lambda data: data.replace(b'"ids": ', b'"ids": 9'), "is cut off|is damaged"),
    ],
)
def test_a_damaged_cache_is_refused(tmp_path, text_file, change, message):
    cache = tmp_path / "ids"
    Corpus.of_files(text_file, KINDS["characters"], cache=cache)
    cache.write_bytes(change(cache.read_bytes()))
    before = cache.read_bytes()
    with pytest.raises(DataError, match=message):
        Corpus.of_files(text_file, KINDS["characters"], cache=cache)
    assert cache.read_bytes() == before


def test_an_id_that_no_token_has_is_found_when_it_is_read(tmp_path, text_file):
    cache = tmp_path / "ids"
    Corpus.of_files(text_file, KINDS["characters"], cache=cache)
    data = bytearray(cache.read_bytes())
    data[4096 + 5] = 255
    cache.write_bytes(data)
    corpus = Corpus.of_files(text_file, KINDS["characters"], cache=cache)
    with pytest.raises(DataError, match="the corpus holds the id 255, and there are"):
        corpus.read(0, 10)


def test_a_cache_that_cannot_be_written_is_told(tmp_path, text_file):
    with pytest.raises(OutputError, match="there is no directory"):
        Corpus.of_files(text_file, KINDS["bytes"], cache=tmp_path / "no" / "ids")


def test_what_fails_leaves_no_file_behind(tmp_path, text_file, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(DataError):
        Corpus.of_files([text_file, tmp_path / "none.txt"], KINDS["bytes"], cache=tmp_path / "ids")
    corpus = Corpus.of_files(text_file, KINDS["bytes"])
    assert os.listdir(tmp_path) == ["a.txt"]
    assert len(corpus) == len(TEXT.encode())


def test_places_beyond_the_corpus_are_refused():
    corpus = Corpus.of_texts(["abcdef"], Tokens("bytes"))
    assert corpus.read(1, 3, rows=2, apart=3).tolist() == [[98, 99], [101, 102]]
    for wrong in ((0, 7, 1, 0), (-1, 2, 1, 0), (0, 3, 2, 4)):
        with pytest.raises(OptionError, match="ids wanted places from 0 to 6"):
            corpus.read(*wrong)
