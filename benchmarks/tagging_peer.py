"""The other side of tagging: crfsuite with hand-made features; sentences come on the standard input."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from importlib.metadata import version

import pycrfsuite


def features(words: list[str]) -> list[list[str]]:
    """What is known to work for parts of speech: the word, its ends, its shape, and its neighbours."""
    found = []
    for at, word in enumerate(words):
        small = word.lower()
        mine = ["bias", f"w={small}", f"W={word}"]
        mine += [f"s{n}={small[-n:]}" for n in range(1, 5)] + [f"p{n}={small[:n]}" for n in range(1, 4)]
        mine += [f"upper={word[:1].isupper()}", f"all={word.isupper()}", f"dash={'-' in word}"]
        mine += [f"digit={any(c.isdigit() for c in word)}", f"first={at == 0}"]
        for step in (-2, -1, 1, 2):
            if 0 <= at + step < len(words):
                other = words[at + step]
                mine += [f"{step}w={other.lower()}", f"{step}s={other[-3:].lower()}"]
                mine += [f"{step}u={other[:1].isupper()}"] if abs(step) == 1 else []
            else:
                mine.append(f"{step}edge")
        if at:
            mine.append(f"-1w0w={words[at - 1].lower()}_{small}")
        if at + 1 < len(words):
            mine.append(f"0w1w={small}_{words[at + 1].lower()}")
        found.append(mine)
    return found


def main() -> None:
    given = json.load(sys.stdin)
    trainer = pycrfsuite.Trainer(verbose=False)
    for words, tags in given["train"]:
        trainer.append(features(words), tags)
    trainer.select("lbfgs")
    trainer.set_params({"c1": 0.0, "c2": 1.0, "max_iterations": 100, "feature.possible_transitions": True})
    began, spent = time.monotonic(), time.process_time()
    with tempfile.NamedTemporaryFile() as file:
        trainer.train(file.name)
        seconds, processor = time.monotonic() - began, time.process_time() - spent
        tagger = pycrfsuite.Tagger()
        tagger.open(file.name)
        answers = [tagger.tag(features(words)) for words in given["test"]]
    told = {"training_seconds": round(seconds, 1), "processor_seconds": round(processor, 1)}
    json.dump({**told, "answers": answers, "python_crfsuite": version("python-crfsuite")}, sys.stdout)


if __name__ == "__main__":
    main()
