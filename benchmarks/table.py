"""The tables of the README and of docs, and the picture of speed, from what is kept: ``python -m benchmarks.table``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import geometric_mean
from typing import Any

from benchmarks import language_rows, registry, series_sets, which_cell
from benchmarks.registry import percent
from benchmarks.series_sets import PEERS
from ostinato.bench import chart, history
from ostinato.bench.table import markdown

README = Path(__file__).parent.parent / "README.md"
BETWEEN = re.compile(r"(<!-- numbers -->\n).*?(<!-- /numbers -->)", re.DOTALL)
SPEED = re.compile(r"(<!-- speed -->\n).*?(<!-- /speed -->)", re.DOTALL)
# What `ostinato bench --full` wrote in this checkout.
HISTORY = Path(__file__).parent / "history"
PICTURE = README.parent / "docs" / "speed.png"


def table() -> str:
    """The table as Markdown; a benchmark without results has no row."""
    kept = {name: registry.find(name) for name in registry.NAMES}
    results = {name: benchmark.results() for name, benchmark in kept.items()}
    rows = ["| what | ostinato | beside it |", "|---|---|---|"]
    for name, write_rows in ROWS.items():
        if results[name]:
            summary = kept[name].summary(results[name])
            rows += [f"| {what} | {ours} | {beside} |" for what, ours, beside in write_rows(summary)]
    return "\n".join(rows) + "\n"


def speed() -> str | None:
    """The newest full comparison of speed as Markdown, or None where there is none."""
    newest = history.newest(HISTORY, "full")
    return None if newest is None else markdown(history.read(newest))


def _clinc150(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    seeds, minutes = s["in_scope_accuracy"]["runs"], s["training_seconds"]["mean"] / 60
    yield (
        f"CLINC150, 150 intents, from scratch, mean of {seeds} seeds ({minutes:.0f} min each)",
        f"**{percent(s['in_scope_accuracy'])}**",
        "SVM 91.0, CNN on GloVe 91.2, MLP on pretrained sentence vectors 93.5 (Larson et al., 2019)",
    )
    yield (
        "the same when it may refuse: in scope / out-of-scope recall",
        f"**{percent(s['in_scope_accuracy_with_refusal'])} / {percent(s['out_of_scope_recall'])}**",
        "that MLP: recall 47.4",
    )


def _polarity(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield (
        f"sentence polarity, {s['accuracy']['runs']}-fold, no pretrained vectors",
        f"**{percent(s['accuracy'])}**",
        "CNN-rand 76.1 (Kim, 2014)",
    )


def _assistant(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    # The stronger of the two SVMs is the peer.
    kind, peer = max((("counts", s["svm_counts_accuracy"]), ("TF-IDF", s["svm_tfidf_accuracy"])), key=_mean)
    splits, seconds = s["accuracy"]["runs"], s["training_seconds"]["mean"]
    yield (
        f"assistant, 42 intents, {splits} splits by template ({seconds:.0f} s each)",
        f"**{percent(s['accuracy'])}**",
        f"linear SVM on 1-2-grams ({kind}), same splits: {percent(peer)}",
    )
    yield (
        "the same when it may refuse: in scope / requests outside refused",
        f"{percent(s['accuracy_with_refusal'])} / {percent(s['out_of_scope_recall'])}",
        "the SVM cannot refuse",
    )


def _mean(named: tuple[str, Mapping[str, float]]) -> float:
    return named[1]["mean"]


def _overhead(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    worst = max(part["ratio"] for part in s.values())
    yield "training time, same model, same batches", f"{worst:.2f}x", "a bare PyTorch loop with fused Adam 1x"


def _latency(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield (
        "import / `--help` / one sentence understood",
        f"{s['import'][1]:.2f} s / {s['help'][1]:.2f} s / {s['predict'][1]:.1f} ms",
        "",
    )


def _alternation(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield (
        "an LSTM's call in turns with `torch.mm`, 2 threads: cost above both alone, worst of 3 sizes",
        f"{100 * s['torch']:.0f} %",
        f"on threads that are not torch's {100 * s['own']:.0f} %",
    )


def _kills(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield (
        "runs killed at random moments and resumed: different weights or logs",
        f"{s['differences']} of {s['kills']}",
        "",
    )


def _bitflips(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    bits = s["all-bits"]
    yield "flipped bits of a model file that go unnoticed", f"{bits['flips_accepted']} of {bits['flips']:,}", ""


def _certificates(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    # A cell has a row of its own in docs/which-cell.md.
    yield from ()


def _listops(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    named = {"tree": "LSTM folded over binarized trees", "child-sum": "child-sum", "flat-lstm": "flat LSTM"}
    found = {name: f"{named[name]} {100 * part['accuracy']:.1f} %" for name, part in s.items()}
    if "tree" in found:
        others = ", ".join(text for name, text in found.items() if name != "tree")
        yield "ListOps, 20,000 lists of 8-100 tokens to learn from", f"**{found['tree']}**", f"equally large: {others}"


def _function_names(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    named = {"flat-lstm": "flat LSTM", "majority": "majority class"}
    shares = {name: f"{100 * part['accuracy']:.1f} %" for name, part in s.items()}
    trees = {"tree": "binarized", "child-sum": "child-sum"}
    found = [f"{what} {shares[name]}" for name, what in trees.items() if name in shares]
    if found:
        others = ", ".join(f"{named[name]} {shares[name]}" for name in named if name in shares)
        yield "first word of a Python function's name, 30 words: LSTM over its tree", f"**{', '.join(found)}**", others


def _trees(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    shown = [f"{record['times_faster']:.0f}x" for name, record in s.items() if name.startswith("child-sum")]
    if shown:
        what = "64 trees evaluated level by level over the batch, child-sum LSTM of width 32 / 64 / 128, one thread"
        yield what, f"**{' / '.join(shown)}**", "one node at a time 1x"


def _cells(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    cells, changed = ({n: r for n, r in s.items() if ("over_plain" in r) == kind} for kind in (False, True))
    means, loops = ([r[key] for r in cells.values()] for key in ("geometric_mean", "over_loop"))
    if cells:
        yield (
            f"training of {len(cells)} cells at six sizes: the fastest of torch.nn, a fair torch loop, jax's scan",
            f"**{geometric_mean(means):.1f}x**, from {min(means):.1f}x to {max(means):.1f}x",
            f"1x; the torch loop alone: {geometric_mean(loops):.1f}x",
        )
    if changed:
        yield (
            "layer norm, zoneout or recurrent dropout in an LSTM or a GRU: time over the plain cell",
            f"**{geometric_mean(r['over_plain'] for r in changed.values()):.2f}x**, at most "
            f"{max(r['over_plain'] for r in changed.values()):.2f}x",
            f"a fair torch loop: {geometric_mean(r['over_loop'] for r in changed.values()):.1f} times as slow",
        )


def _electricity(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if "ours" not in s:
        return
    ours = s["ours"]
    others = [
        f"{name} {s[name]['mase']:.3f}" for name in ("ridge", "naive-day", "naive-week", "lstm", "deepar") if name in s
    ]
    yield (
        "electricity demand a day ahead, temperature known: MASE / share in the 80 % interval, "
        f"{ours['mase']['runs']} seeds",
        f"**{ours['mase']['mean']:.3f} / {percent(ours['coverage'])}**",
        f"MASE of {', '.join(others)}",
    )


def _forecast_speed(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for job, pair in s.items():
        yield f"training a forecaster, {job}, beside NeuralForecast's LSTM", f"**{pair['faster']:.1f}x**", "1x"


def _streaming(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for cell in ("gru", "lstm"):
        if cell not in s:
            continue
        row, widths = s[cell], " / ".join(map(str, s[cell]["hidden"]))
        faster = row["times_faster_than"]

        def told(numbers: list[float], digits: int = 2) -> str:
            return " / ".join(f"{number:.{digits}f}" for number in numbers)

        yield (
            f"one {cell.upper()} step of a stream, I = H = {widths}, one core, microseconds: in the core / in C, -O3",
            f"**{told(row['core'])}** / {told(row['c'])}",
            f"from Python {told(row['push'], 1)}; times faster than torch.nn {told(faster['torch'], 0)}, than ONNX "
            f"Runtime {told(faster['onnxruntime'], 0)}, with bound buffers {told(faster['onnxruntime_bound'], 1)}",
        )
    if "silence" in s and "cold-start" in s:
        yield (
            "a million zero inputs after noise / import and first answer of a stream, without torch",
            f"{s['silence']['slower']:.2f}x the time / {s['cold-start']['import_and_stream_seconds']:.2f} s",
            "",
        )


def _cmapss(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield (
        f"turbofan life, C-MAPSS FD001, {s['rmse']['runs']} seeds ({s['training_seconds']['mean']:.0f} s each): RMSE "
        "against truth capped at 125 / as it is",
        f"**{s['rmse']['mean']:.2f}** / {s['rmse_uncapped']['mean']:.2f}",
        f"NASA score {s['nasa']['mean']:.0f} / {s['nasa_uncapped']['mean']:.0f}; published with mixed conventions: "
        "BiLSTM 13.65, LSTM 14.93",
    )


def _series_sets(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    words = {"hybrid": "convolutions beside a recurrence", "recurrent": "a recurrence alone"}
    for recipe, told in words.items():
        if recipe in s:
            row = s[recipe]
            yield (
                f"eight sets of series, official splits, one recipe, {told}: mean accuracy of {row['runs']} runs "
                f"({row['cpu_minutes']:.0f} minutes of one core)",
                f"**{100 * row['mean']:.1f} %**",
                ", ".join(f"{told} {100 * s[peer]['mean']:.1f} %" for peer, told in PEERS.items() if peer in s),
            )


def _nab(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    rows = s["budget 1.0"]
    own = rows["detector"]
    score, forest = (max((n for n in rows if n.startswith(kind)), key=lambda n: rows[n]["f1"]) for kind in ("z", "iso"))
    beside = "; ".join(f"{name}: {rows[name]['f1']:.3f} / {rows[name]['wait']:.0f}" for name in (score, forest))
    yield (
        "NAB, known causes, first 15 % of each series not scored, 3 seeds: pooled window F1 / steps until the alarm "
        "(the whole window where it was missed)",
        f"**{own['f1']:.3f}** / {own['wait']:.0f}",
        f"with as many alarms, thresholds and the best of three settings in hindsight: {beside}",
    )


ROWS = {
    "clinc150": _clinc150,
    "polarity": _polarity,
    "assistant": _assistant,
    "overhead": _overhead,
    "latency": _latency,
    "alternation": _alternation,
    "kills": _kills,
    "bitflips": _bitflips,
    "certificates": _certificates,
    "listops": _listops,
    "function_names": _function_names,
    "trees": _trees,
    "cells": _cells,
    "streaming": _streaming,
    "electricity": _electricity,
    "forecast_speed": _forecast_speed,
    "cmapss": _cmapss,
    "series_sets": _series_sets,
    "nab": _nab,
    **language_rows.ROWS,
}


def main() -> None:
    """Write the tables into the README and the pages on cells and on sets of series, and draw the picture of speed."""
    text = BETWEEN.sub(lambda found: found[1] + table() + found[2], README.read_text(encoding="utf-8"))
    measured, newest = speed(), history.newest(HISTORY, "full")
    if measured is not None and newest is not None:
        text = SPEED.sub(lambda found: found[1] + measured + found[2], text)
        chart.draw(history.read(newest), PICTURE)
    README.write_text(text, encoding="utf-8")
    which_cell.main()
    series_sets.write_page()


if __name__ == "__main__":
    main()
