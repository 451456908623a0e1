"""The rows of the README's table on models of language, from their summaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.registry import percent


def _tunes(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    real, free, metre = (s[f"{name}: right"]["mean"] for name in ("real", "free", "metre"))
    yield (
        f"O'Neill's tunes, split by tune, {_seeds(s['bits_per_character'])}: bits per character / full bars of the "
        "right length in 200 tunes that the model wrote with the constraint on metre",
        f"**{s['bits_per_character']['mean']:.3f} / {100 * metre:.1f} %**",
        f"without it {100 * free:.1f} %, tunes of the test {100 * real:.1f} %",
    )


def _tagging(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if "accuracy" in s:
        peer = (
            f"a CRF with features made by hand: {100 * s['crfsuite_accuracy']:.2f} %"
            if "crfsuite_accuracy" in s
            else ""
        )
        yield (
            f"Brown corpus, 12 tags, every tenth file to test, {s['accuracy']['runs']} seeds "
            f"({s['processor_seconds']['mean'] / 60:.0f} minutes of one core): right tags / those of unknown words",
            f"**{100 * s['accuracy']['mean']:.2f} %** / {percent(s['unknown_accuracy'])}",
            peer,
        )
    if "field_batched_faster" in s:
        yield (
            "a linear-chain field's loss and gradient, 64 sentences, 12 tags",
            f"**{s['field_batched_faster']:.0f}x**",
            "a loop over the sentences 1x",
        )


def _slots(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if "joint" in s:
        joint, alone = s["joint"], s.get("intents")
        yield (
            f"assistant, intents and slots in one model, {joint['accuracy']['runs']} splits by template: right "
            "intents / F1 of slots",
            f"**{percent(joint['accuracy'])}** / {percent(joint['slot_f1'])}",
            f"intents alone: {percent(alone['accuracy'])}" if alone else "",
        )


def _language(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, row in s.items():
        if not name.startswith(("words", "torch")):
            yield (
                f"tinyshakespeare, characters, {name}, {_minutes(row)}: nats on the last tenth (of 4 settings the best "
                "there, and on the slice that chooses the epoch)",
                f"**{row['test_nats']:.3f}**",
                _peers(s.get(f"torch-{name}")),
            )
    if {"words-adam", "words-awd"} <= {*s}:
        adam, awd = s["words-adam"], s["words-awd"]
        yield (
            "tinyshakespeare, words that came 3 times: perplexity by the recipe `adam` / `awd`",
            f"**{adam['perplexity']:.1f}** / **{awd['perplexity']:.1f}**",
            f"after {_minutes(adam)} / {_minutes(awd)}",
        )


def _peers(plain: Mapping[str, Any] | None) -> str:
    """What others reach on the last tenth, an LSTM of that shape on torch.nn first."""
    measured = (
        f"on torch.nn, one setting, other dropout, {_minutes(plain)}: {plain['test_nats']:.3f}; " if plain else ""
    )
    return f"{measured}minGRU 1.548, Transformer 1.547 (Feng et al., 2024)"


def _minutes(row: Mapping[str, Any]) -> str:
    return f"{row['training_seconds'] / 60:.0f} minutes of {row['threads']} core{'s' * (row['threads'] > 1)}"


def _language_speed(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield (
        f"training of a language model, 2 threads, 32 x 128 characters: {', '.join(s)}",
        "**" + " / ".join(f"{row['faster']:.2f}x" for row in s.values()) + "**",
        "the same on torch.nn 1x",
    )


def _generation(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, row in s.items():
        yield (
            f"a language model writes a million characters on one core, {name}: characters a second, memory it grew by",
            f"**{row['characters_per_second']:,.0f}**, {max(0, row['memory_grew_bytes']) / 1e6:.1f} MB",
            f"a loop over torch.nn: {row['characters_per_second'] / row['faster']:,.0f}",
        )


def _translation(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if {"speed-plain", "speed-feeding"} <= {*s}:
        yield (
            "training of an encoder-decoder with attention, one thread: without input feeding / with it",
            f"**{s['speed-plain']:.2f}x / {s['speed-feeding']:.2f}x**",
            "the same on torch.nn 1x",
        )
    forms = {
        "plain": ("German to English, short sentences", "the same architecture on torch.nn, as many epochs"),
        "time": ("the same, trained for about as long as the other takes", "the same architecture on torch.nn"),
        "feeding": ("the same with input feeding", "the same architecture on torch.nn, as many epochs"),
    }
    for form, (what, beside) in forms.items():
        if {f"ours-{form}", f"peer-{form}"} <= {*s}:
            ours, peer = s[f"ours-{form}"], s[f"peer-{form}"]
            yield (
                f"{what}, {ours['pairs']:,} to learn from, {_seeds(ours)}: BLEU / chrF by the beam (greedy)",
                f"**{_translated(ours, 'beam')}** ({_translated(ours, 'greedy')})",
                f"{beside}: {_translated(peer, 'beam')} ({_translated(peer, 'greedy')})",
            )


def _translated(part: Mapping[str, float], way: str) -> str:
    return f"{part[f'{way}_bleu']:.2f} / {part[f'{way}_chrf']:.2f}"


def _transfer(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    sizes = [labels for labels in ("100", "1000", "all") if labels in s]
    if sizes:
        told = " / ".join(f"{int(labels):,}" if labels.isdecimal() else labels for labels in sizes)
        shares = {
            side: [percent(s[labels][f"{side}_accuracy"]) for labels in sizes] for side in ("transfer", "scratch")
        }
        yield (
            f"sentence polarity with {told} labels, from a language model of the sentences without theirs, "
            f"{s[sizes[0]]['gain']['runs']} seeds",
            f"**{' / '.join(shares['transfer'])}**",
            f"the same network from scratch, its own learning rate: {' / '.join(shares['scratch'])}",
        )


def _stories(s: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    told = {name: " / ".join(f"{100 * part['mean']:.1f}" for part in kinds.values()) for name, kinds in s.items()}
    if {"additive", "none"} <= {*told}:
        yield (
            f"synthetic stories up to twice as long as learnt from, {_seeds(s['additive']['1'])}: right answers in %, "
            f"kinds {', '.join(s['none'])}",
            f"{told['additive']}",
            f"without attention {told['none']}",
        )


def _seeds(of: Mapping[str, Any]) -> str:
    return f"{of['runs']} seed" + "s" * (of["runs"] > 1)


ROWS = {
    "tagging": _tagging,
    "slots": _slots,
    "transfer": _transfer,
    "language": _language,
    "language_speed": _language_speed,
    "generation": _generation,
    "translation": _translation,
    "tunes": _tunes,
    "stories": _stories,
}
