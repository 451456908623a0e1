from __future__ import annotations

import pytest

from ostinato.data.language.byte_pairs import Splitter, learn_merges, pieces_of
from ostinato.errors import ArtifactError

TEXT = "the cat sat on the mat\nthe hat\n"


def test_frequent_pairs_come_first_and_never_cross_a_lines_end():
    merges = learn_merges([TEXT * 5], 300, 2)
    spelt = pieces_of(merges)
    assert spelt[256] in (b"at", b"th", b"he")
    assert b" the" in spelt
    assert all(b"\n" not in piece for piece in spelt[256:])


def test_pieces_spell_the_text():
    merges = learn_merges([TEXT], 270, 2)
    spelt = pieces_of(merges)
    found = [piece for part in Splitter(merges).split("the cat\n\n  für 12!") for piece in part]
    assert b"".join(spelt[k] for k in found).decode() == "the cat\n\n  für 12!"


def test_without_pairs_there_are_the_bytes():
    assert [k for part in Splitter(()).split("é") for k in part] == [0xC3, 0xA9]


def test_two_ways_to_one_piece_give_one_piece():
    merges = ((97, 98), (98, 99), (256, 99), (97, 257))
    assert pieces_of(merges)[256:] == (b"ab", b"bc", b"abc")
    assert [k for part in Splitter(merges).split("abc") for k in part] == [258]


def test_pairs_of_what_is_not_there_are_refused():
    with pytest.raises(ArtifactError, match="two of the 256 before it"):
        pieces_of([(0, 256)])
