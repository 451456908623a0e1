"""What stands beside an ONNX file: how texts become its ids, and its probabilities answers, as JSON."""

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
    return said


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
    known = "it is known where that probability is at least the threshold and the text has a word"
    if plan.answers.outside is None:
        return f"the label with the highest probability; {known}"
    other = "the label with the highest probability among all but the one outside"
    return f"{other}; {known}, and the one outside is not more probable; what is not known has the label outside"
