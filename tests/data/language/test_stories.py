from __future__ import annotations

from collections import Counter

import pytest

from ostinato.data.language import stories
from ostinato.data.language.stories import KINDS, make_stories
from ostinato.errors import OptionError


def answer_of(text):
    """The answer to a story, worked out here a second time, from nothing but its words."""
    *sentences, question = text.split(" . ")
    at, hands, last = {}, {}, {}
    for sentence in sentences:
        words = sentence.split()
        who, what = words[0], [word for word in words if word not in ("the", "there")][-1]
        if " to " in sentence or " now in " in sentence:
            at[who] = what
        elif words[1] in ("picked", "took", "grabbed"):
            assert all(what not in held for held in hands.values())
            assert last.get(what, at[who]) == at[who]
            hands.setdefault(who, []).append(what)
        else:
            assert words[1] in ("put", "left", "dropped")
            hands[who].remove(what)
        for someone, held in hands.items():
            last.update(dict.fromkeys(held, at[someone]))
    words = question.split()
    if words[0] == "is":
        return "yes" if at[words[1]] == words[4] else "no"
    if words[0] == "where":
        return last[words[3]] if words[2] == "the" else at[words[2]]
    held = hands.get(words[4] if words[0] == "how" else words[2], [])
    if words[0] == "how":
        return ["none", "one", "two", "three", "four", "five", "six"][len(held)]
    return ", ".join(held) or "nothing"


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_follows_from_the_words_of_its_story(kind):
    made = make_stories(300, kind=kind, seed=2, longest=24)
    assert [answer_of(story.text) for story in made] == [story.answer for story in made]
    assert len({story.text for story in made}) == 300
    assert {len(story.sentences) for story in made} == set(range(4, 25))


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("where is somebody", 0.2),
        ("where is the thing", 0.2),
        ("is somebody there", 0.55),
        ("how many things", 0.6),
        ("which things", 0.25),
    ],
)
def test_no_answer_is_right_most_of_the_time(kind, most):
    answers = Counter(story.answer for story in make_stories(600, kind=kind, seed=3))
    assert answers.most_common(1)[0][1] / 600 < most


def test_equal_seeds_make_equal_stories_and_more_of_them_begin_alike():
    few, many = make_stories(5, seed=7), make_stories(9, seed=7)
    assert many[:5] == few
    assert make_stories(5, seed=8) != few


def test_a_story_comes_with_several_questions_where_they_are_asked_for():
    made = make_stories(200, kind="how many things", seed=5, questions=3)
    asked = Counter(story.sentences for story in made)
    assert len(asked) == 200
    assert 1 < max(asked.values()) <= 3
    assert len(set(made)) == len(made)
    assert all(story.question.startswith("how many things does") for story in made)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"count": 1, "questions": 0}, "questions wanted a whole number from 1 on, got 0"),
        ({"count": 0}, "count wanted a whole number from 1 on, got 0"),
        ({"count": 1, "kind": "how many thing"}, "did you mean 'how many things'"),
        ({"count": 1, "shortest": 1}, "wanted 2 <= shortest <= longest, got 1 and 12"),
        ({"count": 1, "shortest": 9, "longest": 8}, "got 9 and 8"),
    ],
)
def test_what_cannot_be_made_is_told(asked, words):
    with pytest.raises(OptionError, match=words):
        make_stories(asked.pop("count"), **asked)


def test_where_there_are_too_few_stories_it_is_told(monkeypatch):
    monkeypatch.setattr(stories, "PEOPLE", ("anna",))
    monkeypatch.setattr(stories, "_IN_VAIN", 200)
    with pytest.raises(OptionError, match="too few stories of 2 to 2 sentences for 100,000"):
        make_stories(100_000, kind="which things", shortest=2, longest=2)
