"""The demo's task: requests to a voice assistant, split by template, against a linear SVM on the same splits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.registry import spread

SENTENCE = "the assistant over 5 template splits against a linear SVM on 1-2-grams (TF-IDF and counts), same splits"
SPLITS = range(5)


def runs() -> Mapping[str, Callable[[], dict[str, Any]]]:
    """One run for each split."""
    return {f"split-{seed}": lambda seed=seed: measure(seed) for seed in SPLITS}


def measure(seed: int) -> dict[str, Any]:
    """Train as the demo does and the SVM on all that the demo sees, intents only; count on the same test templates."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    import ostinato as ost
    from ostinato.data.assistant import OUTSIDE, read_sentences, split_by_template, with_outside

    plain = split_by_template(read_sentences(), seed)
    split = with_outside(plain)
    model = ost.TextClassifier(out_of_scope=OUTSIDE, seed=seed)
    began = time.monotonic()
    model.fit(*columns(split.train), valid=columns(split.valid), progress=False)
    seconds = time.monotonic() - began
    texts, intents = columns(plain.test)
    answers = model.answers(texts)
    report = model.evaluate(*columns(split.test))
    record: dict[str, Any] = {
        "seed": seed,
        "test_rows": len(texts),
        # What the SVM can do too: the best intent, whatever the confidence.
        "accuracy": share(a.label == intent for a, intent in zip(answers, intents, strict=True)),
        "accuracy_with_refusal": report.in_scope_accuracy,
        "out_of_scope_recall": report.out_of_scope_recall,
        "epochs": model.training_["epochs"],
        "training_seconds": round(seconds, 1),
    }
    known, labels = columns([*plain.train, *plain.valid])
    for name, vectorizer in (("tfidf", TfidfVectorizer), ("counts", CountVectorizer)):
        svm = make_pipeline(vectorizer(ngram_range=(1, 2)), LinearSVC())
        svm.fit(known, labels)
        record[f"svm_{name}_accuracy"] = share(a == b for a, b in zip(svm.predict(texts), intents, strict=True))
    return record


def columns(records: Any) -> tuple[list[str], list[str]]:
    """Texts and intents apart."""
    return [record.text for record in records], [record.intent for record in records]


def share(right: Any) -> float:
    """The share of what holds."""
    found = list(right)
    return sum(map(bool, found)) / len(found)


def summary(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Means over the splits."""
    names = ("accuracy", "accuracy_with_refusal", "out_of_scope_recall", "svm_tfidf_accuracy", "svm_counts_accuracy")
    return {name: spread(r[name] for r in results.values()) for name in (*names, "training_seconds")}
