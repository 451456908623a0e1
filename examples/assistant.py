"""An assistant that understands requests to a smart home, with what they are about, and says when it does not.

Reached: see README.md, the rows "assistant". Run: python examples/assistant.py [epochs]
"""

from __future__ import annotations

import sys

import ostinato as ost
from ostinato.data.assistant import OUTSIDE, Record, read_sentences, split_by_template, with_outside


def columns(records: list[Record]) -> tuple[list[str], list[str], list[tuple[tuple[int, int, str], ...]]]:
    return [r.text for r in records], [r.intent for r in records], [r.slots for r in records]


def main(epochs: int | None = None) -> None:
    split = with_outside(split_by_template(read_sentences()))
    model = ost.IntentParser(epochs=epochs, out_of_scope=OUTSIDE, cut="snap")
    model.fit(*columns(split.train), valid=columns(split.valid))
    print(model.evaluate(*columns(split.test)))
    requests = ["what time is it", "turn off the lamp in the kitchen", "set a timer for ten minutes", "tell me a joke"]
    for text, answer in zip(requests, model.answers(requests), strict=True):
        meaning = answer if answer.known else f"I do not know (perhaps {answer.label})"
        print(f"{text:<35} {meaning}  {answer.confidence:.0%}")
    model.save("assistant.safetensors")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else None)
