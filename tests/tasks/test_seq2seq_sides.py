from __future__ import annotations

import pytest

from ostinato.data.language.pairs import Pairs
from ostinato.errors import ArtifactError, DataError
from ostinato.tasks.seq2seq_options import Seq2SeqOptions
from ostinato.tasks.seq2seq_sides import Sides


def learnt(**options):
    return Sides.learn(Seq2SeqOptions(**options), Pairs(["to Rome now", "to Oslo"], ["Rome!", "Oslo"], (1, 2)))


@pytest.mark.parametrize("options", [{}, {"shared": True}, {"tokens": "words", "copying": True}, {"tokens": "bytes"}])
def test_sides_are_plain_data_and_back(options):
    sides = learnt(**options)
    again = Sides.from_dict(sides.to_dict())
    assert again.to_dict() == sides.to_dict()
    assert (again.source is again.target) == bool(options.get("shared"))
    [ids] = sides.answers(["Rome!"])
    assert sides.text(ids[:-1].tolist(), "to Rome now") == "Rome!"
    assert ids[-1] == sides.end


def test_words_of_a_text_alone_have_numbers_of_their_own():
    sides = learnt(tokens="words", copying=True)
    text = "to Bergen, Oslo or Bergen"
    [ids] = sides.answers(["Bergen!"], [text])
    # "to" comes first among those that answers do not know.
    own = sides.target.size + 1
    assert ids.tolist()[0] == own
    assert sides.text(ids[:-1].tolist(), text) == "Bergen!"
    [marks] = sides.copies([text], sides.encoded([text]))
    assert [k for k, mark in enumerate(marks) if mark == own] == [1, 5]


def test_pieces_are_what_each_id_writes():
    sides = learnt()
    assert sides.places("to", sides.encoded(["to"])[0].tolist()) == ["t", "o"]
    assert sides.pieces(sides.answers(["Oz"])[0].tolist(), "to") == ["O", "?", "<end>"]


def test_hostile_data_are_refused():
    with pytest.raises(DataError, match="wanted source, target and copy"):
        Sides.from_dict({"source": 1})
    with pytest.raises(ArtifactError):
        Sides.from_dict({"source": {}, "target": None, "copy": False})
    data = learnt(tokens="bytes").to_dict()
    with pytest.raises(DataError, match="the special ones"):
        Sides.from_dict({**data, "source": {**data["source"], "specials": []}})
