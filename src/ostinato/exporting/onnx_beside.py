"""What stands beside an ONNX file: how texts and series become its inputs, and its numbers answers, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ostinato.data.grams import LONGEST_WORD
from ostinato.data.words import Vocabulary
from ostinato.plan import Plan
from ostinato.plan.steps import Bag

FORMAT = "ostinato-onnx-1"
# The rule of splitting "words-1" as a regular expression in Oniguruma's syntax.
PATTERN = r"\p{Han}|[\w&&[^\p{Han}]]+(?:'[\w&&[^\p{Han}]]+)*|[^\w\s]"


def described(plan: Plan, form: str, ports: Mapping[str, Any]) -> dict[str, Any]:
    """All that a reader of the ONNX file needs to know, as plain data.

    ``ports`` are its inputs, outputs and states. Of a network without a vocabulary or labels there is less to say.
    """
    said: dict[str, Any] = {
        "format": FORMAT,
        "digest": plan.digest,
        "task": plan.task,
        "form": form,
        **ports,
    }
    if plan.vocabulary is not None:
        said["text"] = _reading(plan, plan.vocabulary, form)
    if plan.answers is not None:
        said["answers"] = {
            "labels": list(plan.answers.names),
            "threshold": plan.answers.threshold,
            "outside": plan.answers.outside,
            "rule": _rule(plan),
        }
    if plan.series is not None:
        said["series"] = {**plan.series.to_dict(), "rules": _series_rules(plan)}
    return said


def _series_rules(plan: Plan) -> dict[str, str]:
    """How x is made of a series, and what the outputs mean, in words."""
    reading = plan.series
    assert reading is not None
    rules = {
        "x": "the columns of a step: first those observed, then those known ahead; a missing value is 0 and its twin "
        "'missing ...' at the end of its block 1",
        "scales": "a target v becomes (v - offset) / scale of its series, or of the one entry where scope is 'panel'; "
        "each covariate by its own pair [offset, scale]",
    }
    if reading.window is not None:
        rules["window"] = "an answer is that after the last so many steps, from the state of a beginning"
    if reading.wear is not None:
        rules["wear"] = (
            "beside its channels a unit has covariates: with age its steps from 1 on; with baseline how far each "
            "channel is from its mean over the first so many steps, as far as they have come, 0 where it is missing"
        )
    if reading.forecast is not None:
        rules["steps"] = (
            "each step reads the observed columns of the step before what it foretells and the columns known of that "
            "step; then 1 where nothing is observed any more, else 0; then static numbers; categories come as ids, 0 "
            "for an unknown word"
        )
        rules["parameters"] = (
            "raw, of each member those of one target after another; head says of what, in units of the scale"
        )
    elif reading.alarm is not None:
        rules["y"] = "the scaled targets that are expected of the step that comes next"
    elif reading.bounds is not None:
        rules["y"] = "kept between the bounds"
    return rules


def _reading(plan: Plan, vocabulary: Vocabulary, form: str) -> dict[str, Any]:
    data = vocabulary.to_dict()
    rules: dict[str, Any] = {
        "normalise": "Unicode NFC; then U+2019 becomes U+0027" + ("; then lower case" if vocabulary.lowercase else ""),
        "split": {"matches": PATTERN, "syntax": "Oniguruma"},
        "words": "the id of words[k] is k + 1, that of every other word is 0",
    }
    if "pieces" in plan.ids:
        rules["pieces"] = {
            "of": f"the word's first {LONGEST_WORD} characters between < and >",
            "sizes": data["ngrams"],
            "order": "by first character, shorter ones first",
            "hash": "FNV-1a, 32 bit, of the piece in UTF-8",
            "offset_basis": 0x811C9DC5,
            "prime": 0x01000193,
            "id": f"hash modulo {vocabulary.buckets}",
            "padding": -1,
        }
    bags = [step for step in plan.steps if isinstance(step, Bag) and "pairs" in step.tables]
    if bags:
        edges = "of each step: the pair of its word and the edge" if form == "step" else "of each text: its last pair"
        rules["pairs"] = {
            "of": "the ids of two neighbouring words; the edge of a text counts as a word",
            "edge": vocabulary.size,
            "hash": "m = left * 2654435761 + right * 2246822519 in 64 bits; m xor (m >> 15)",
            "id": f"hash modulo {len(bags[0].tables['pairs'])}",
            "pairs": "of each step: the pair of the word before, or the edge, and its word",
            "edges": edges,
        }
    return {**data, "rules": rules}


def _rule(plan: Plan) -> str:
    assert plan.answers is not None
    if plan.task == "tagger":
        return "at each word the tag with the highest probability"
    known = "it is known where that probability is at least the threshold and the text has a word"
    if plan.answers.outside is None:
        return f"the label with the highest probability; {known}"
    other = "the label with the highest probability among all but the one outside"
    return f"{other}; {known}, and the one outside is not more probable; what is not known has the label outside"
