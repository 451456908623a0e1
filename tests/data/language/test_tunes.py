from __future__ import annotations

import random

import pytest

from ostinato.data.language.metre import count_bars
from ostinato.data.language.tunes import Tune, parse_tunes, read_tunes, skeleton, split_tunes
from ostinato.errors import DataError, OptionError

BOOK = """% a book
X: 1
T: The First Air
T: Its other name
M: 2/4   % walking
K: Gm
N: slow
G3-A (Bcd=e) | f4 (g2 dB) \\
| F4 G2 z2 |:|   % half

Words between tunes. A2 B2 |

X:2
T:the first air
C:trad.
M:C|
L:1/8
K:D
w: la la
d2 fd | [K:G] a2 [N:up] fd |1  d4 :| [2 d8 |]
X:3
T:No notes
K:D
X:4
M:6/8
"""


def test_tunes_of_a_book_are_read_in_order():
    first, second = parse_tunes(BOOK)
    assert (first.title, first.field("M"), first.unit, first.field("K")) == ("The First Air", "2/4", "1/16", "Gm")
    assert (second.title, second.unit, second.field("C"), second.field("Q")) == ("the first air", "1/8", "trad.", "")


def test_a_normal_tune_has_the_fields_that_matter_and_single_spaces():
    first, second = parse_tunes(BOOK.replace("\n", "\r\n"))
    assert first.normal() == "X:1\nM:2/4\nL:1/16\nK:Gm\nG3-A (Bcd=e)|f4 (g2 dB)|F4 G2 z2|:|"
    assert second.normal(title=True, number=7) == (
        "X:7\nT:the first air\nM:C|\nL:1/8\nK:D\nd2 fd|[K:G] a2 fd|1 d4:|[2 d8|]"
    )


def test_two_signs_with_a_space_between_stay_two():
    assert Tune((("K", "G"),), "A4 | | B4 |  |: c4 :: d").normal().endswith("\nA4| |B4| |:c4::d")


def test_a_normal_tune_is_normal_and_keeps_its_metre():
    for tune in parse_tunes(BOOK):
        [again] = parse_tunes(tune.normal())
        assert again.normal() == tune.normal()
        full = "\n".join(f"{letter}:{value}" for letter, value in tune.fields)
        assert count_bars([tune.normal()]) == count_bars([f"X:1\n{full}\n{tune.body}"])


def test_the_skeleton_is_the_notes_alone():
    first = 'X:1\nT:Abba\nM:3/4\nK:G\nG2 "Am"(3Bcd {ag}!trill!e>^f |[M:2/4] z4\nw:abc\n'
    assert skeleton(first) == "GBcdef"
    assert skeleton("G2 Bcd|") == "GBcd"


def test_no_setting_of_a_tune_is_in_two_parts():
    def tune(title, notes):
        return Tune((("T", title), ("K", "G")), notes)

    source = random.Random(1)
    tunes = [tune(f"t{k}", "".join(source.choices("abcdefg", k=20))) for k in range(40)]
    # Other notes by the same name; the same notes by another name, and with other lengths.
    tunes += [tune(f"T{k}", "".join(source.choices("abcdefg", k=20))) for k in range(40)]
    tunes += [tune(f"by {k}", "|".join(tunes[k].body)) for k in range(40, 60)]
    split = split_tunes(tunes, test=0.2, valid=0.1, seed=3)
    assert split == split_tunes(tunes, test=0.2, valid=0.1, seed=3)
    assert split != split_tunes(tunes, test=0.2, valid=0.1, seed=4)
    parts = (split.train, split.valid, split.test)
    assert sum(map(len, parts)) == 100
    assert 18 <= len(split.test) <= 24
    for marks in (lambda t: {t.title.casefold()}, lambda t: {skeleton(t.normal())}):
        found = [set().union(*map(marks, part)) for part in parts]
        assert not found[0] & found[1]
        assert not found[0] & found[2]
        assert not found[1] & found[2]


@pytest.mark.parametrize("shares", [(-0.1, 0.1), (1.0, 0.0), (0.5, 0.5), (float("nan"), 0.1)])
def test_shares_that_leave_nothing_are_refused(shares):
    with pytest.raises(OptionError, match="less than 1 together"):
        split_tunes([], test=shares[0], valid=shares[1])


def test_files_and_folders_are_read(tmp_path):
    (tmp_path / "b.abc").write_text(BOOK, encoding="utf-8")
    (tmp_path / "a.abc").write_text("X:9\nK:C\nc8|", encoding="utf-8")
    assert [tune.title for tune in read_tunes(tmp_path)] == ["", "The First Air", "the first air"]
    assert len(read_tunes([tmp_path / "b.abc", tmp_path / "a.abc"])) == 3


def test_files_without_tunes_are_refused(tmp_path):
    (tmp_path / "words.txt").write_text("Only words.", encoding="utf-8")
    with pytest.raises(DataError, match=r"words.txt holds no tune; wanted ABC notation"):
        read_tunes(tmp_path / "words.txt")
    with pytest.raises(DataError, match=r"holds no files that end in \.abc"):
        read_tunes(tmp_path)
    with pytest.raises(DataError, match="got none"):
        read_tunes([])
    with pytest.raises(DataError, match="there is no file"):
        read_tunes(tmp_path / "none.abc")


@pytest.mark.parametrize("seed", range(10))
def test_any_text_can_be_parsed(seed):
    source = random.Random(seed)
    text = "".join(source.choices(["X:", "K:G\n", "\n", "\n\n", "A", "|", ":", "[", "%", "\\\n", "é\0", "w:"], k=300))
    for tune in parse_tunes(text):
        assert skeleton(tune.normal())
        assert count_bars([tune.normal(title=True)]).full >= 0
