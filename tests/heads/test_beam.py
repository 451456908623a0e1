from __future__ import annotations

import itertools
import math

import pytest
import torch

from ostinato.errors import OptionError, ShapeError
from ostinato.heads.beam import Ranking, beam_search

START, END, SIZE = 0, 1, 6


def chain(seed=0, size=SIZE, order=2):
    """A score that depends on the last two words and on a number of the sentence, which goes with the state."""
    torch.manual_seed(seed)
    table = torch.randn(8, size, size, size, dtype=torch.float64).log_softmax(-1)

    def score(ids, state):
        sentence, before = state
        shown = torch.nn.functional.one_hot(ids % 4, 4).double()
        return table[sentence, before, ids], (sentence, ids), shown

    return score


def begun(*sentences):
    return torch.tensor(sentences), torch.zeros(len(sentences), dtype=torch.int64)


def told(found):
    return [(each.ids, round(each.score, 10)) for each in found]


def search(score, *sentences, **words):
    return beam_search(score, begun(*sentences), rows=len(sentences), start=START, end=END, **words)


def greedy(score, sentence, longest):
    ids, state, out, log_p = torch.tensor([START]), begun(sentence), [], 0.0
    while True:
        shares, state, _ = score(ids, state)
        if len(out) == longest:
            word = END if int(shares.argmax()) == END else None
            return tuple(out), log_p + (float(shares[0, END]) if word is not None else 0.0)
        ids = shares.argmax(1)
        log_p += float(shares.max())
        if int(ids) == END:
            return tuple(out), log_p
        out.append(int(ids))


def everything(score, sentence, longest):
    """All sequences that end within a length, and their log p."""
    answers = {}
    for length in range(longest + 1):
        for words in itertools.product([w for w in range(SIZE) if w != END], repeat=length):
            ids, state, log_p = torch.tensor([START]), begun(sentence), 0.0
            for word in (*words, END):
                shares, state, _ = score(ids, state)
                log_p += float(shares[0, word])
                ids = torch.tensor([word])
            answers[words] = log_p
    return answers


@pytest.mark.parametrize("sentence", range(8))
def test_a_beam_of_one_is_the_greedy_choice(sentence):
    [found] = search(chain(), sentence, width=1, longest=9)
    ids, log_p = greedy(chain(), sentence, 9)
    assert found[0].ids == ids
    assert found[0].log_p == pytest.approx(log_p)


@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("penalty", [0.0, 0.7, 2.0])
def test_a_batch_finds_what_each_of_its_sentences_finds_alone(width, penalty):
    ranking = Ranking(penalty, 0.2)
    longest = [3, 9, 5, 12, 1, 9, 9, 9]
    words = {"width": width, "best": width, "ranking": ranking, "places": [4] * 8}
    together = search(chain(1), *range(8), longest=longest, **words)
    for sentence, found in enumerate(together):
        alone = search(chain(1), sentence, longest=longest[sentence], **{**words, "places": [4]})
        assert told(found) == told(alone[0])


def test_a_beam_wide_enough_finds_the_best_of_all():
    answers = everything(chain(2), 3, 3)
    [found] = search(chain(2), 3, width=1000, best=4, longest=3)
    wanted = sorted(answers.items(), key=lambda item: -item[1])[:4]
    assert [each.ids for each in found if each.ended][:4] == [words for words, _ in wanted]


def test_answers_come_in_falling_order_and_differ():
    [found] = search(chain(3), 2, width=6, best=6, longest=8, ranking=Ranking(0.6))
    scores = [each.score for each in found if each.ended]
    assert scores == sorted(scores, reverse=True)
    assert len({each.ids for each in found}) == len(found)


def test_the_score_is_the_log_of_the_chance_by_length():
    [found] = search(chain(), 1, width=3, longest=8, ranking=Ranking(0.6))
    assert found[0].score == pytest.approx(found[0].log_p / ((5 + len(found[0].ids) + 1) / 6) ** 0.6)


def test_coverage_counts_places_that_no_step_looked_at():
    attention = torch.tensor([[0.5, 0.5, 0.0], [0.9, 0.1, 0.0]])
    assert Ranking(0.0, 2.0).coverage(attention, 2) == pytest.approx(2 * math.log(0.6), abs=1e-6)
    assert Ranking().coverage(attention, 2) == 0.0


def test_attention_has_a_row_for_each_step():
    [found] = search(chain(), 1, width=3, best=3, longest=8)
    for each in found:
        words = (START, *each.ids)
        assert [int(row.argmax()) for row in each.attention] == [word % 4 for word in words]


def test_what_cannot_end_is_cut_off_and_says_so():
    def endless(ids, state):
        return torch.tensor([[-9.0, -math.inf, -1.0]]).repeat(len(ids), 1), state, None

    [found] = beam_search(endless, None, rows=1, start=0, end=1, width=2, longest=4)
    assert not found[0].ended
    assert found[0].ids == (2, 2, 2, 2)
    assert found[0].attention is None


@pytest.mark.parametrize("width", [4, 50])
def test_a_beam_wider_than_the_vocabulary_begins_with_fewer(width):
    def three(ids, state):
        return torch.tensor([[0.2, 0.5, 0.3]]).log().repeat(len(ids), 1), state, None

    [found] = beam_search(three, None, rows=1, start=0, end=1, width=width, best=2, longest=3)
    assert [each.ids for each in found] == [(), (2,)]


def test_it_stops_when_nothing_better_can_come():
    calls = []

    def sure(ids, state):
        calls.append(len(ids))
        return torch.tensor([[0.01, 0.98, 0.01]]).log().repeat(len(ids), 1), state, None

    beam_search(sure, None, rows=3, start=0, end=1, width=3, longest=50)
    assert calls == [3]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"width": 0}, "beam wanted"),
        ({"width": True}, "beam wanted"),
        ({"best": 6, "width": 5}, "finds at most 5 answers, got best=6"),
        ({"longest": 0}, "longest wanted"),
        ({"longest": [3, 3]}, "for each of 1 rows"),
    ],
)
def test_widths_that_mean_nothing_are_refused(words, message):
    with pytest.raises(OptionError, match=message):
        search(chain(), 0, **words)


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, "much"])
def test_a_penalty_is_a_number_from_0_on(value):
    with pytest.raises(OptionError, match="length_penalty wanted"):
        Ranking(value)


def test_scores_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match=r"wanted \[1, V\], got \[3\]"):
        beam_search(lambda ids, state: (torch.zeros(3), state, None), None, rows=1, start=0, end=1)
