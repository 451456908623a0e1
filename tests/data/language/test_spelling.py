from __future__ import annotations

from ostinato.data.language.spelling import speller


def test_a_character_waits_until_it_is_whole():
    spelt = speller("bytes", [bytes([k]) for k in range(256)])
    assert [spelt.push(k) for k in "a😀".encode()] == ["a", "", "", "", "😀"]
    assert spelt.push(0xC3) == ""
    fork = spelt.fork()
    assert (spelt.end(), spelt.end()) == ("\ufffd", "")
    assert fork.push(0xA9) == "é"
    assert fork.push(0xFF) == "\ufffd"


def test_blanks_stand_between_words_but_not_before_signs():
    spelt = speller("words", [None, "a", ",", "(", ")", "\n"])
    assert "".join(map(spelt.push, [1, 2, 1, 3, 1, 4, 0, 5, 1])) == "a, a (a)\na"


def test_characters_are_written_at_once():
    spelt = speller("characters", [None, "a"])
    assert (spelt.push(0), spelt.push(1), spelt.end(), spelt.fork() is spelt) == ("", "a", "", True)
