"""Writes what layers of real Keras compute: ``KERAS_BACKEND=torch python -m tests.golden.make_keras``, with Keras 3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy

FILE = Path(__file__).parent / "keras_layers.json"
INPUTS, HIDDEN, LENGTHS = 3, 4, [5, 3]
# What is not asked for here would only make the file longer.
KEPT = (
    *("units", "activation", "recurrent_activation", "use_bias", "unit_forget_bias", "dropout", "recurrent_dropout"),
    *("reset_after", "go_backwards", "merge_mode", "stateful", "return_sequences", "return_state", "unroll"),
)
FORMS: dict[str, list[dict[str, Any]]] = {
    "SimpleRNN": [{"activation": "hard_sigmoid"}, {"activation": None}],
    "LSTM": [{"unit_forget_bias": False}, {"recurrent_activation": "hard_sigmoid"}, {"activation": "linear"}],
    "GRU": [
        {"reset_after": False},
        {"reset_after": False, "use_bias": False},
        {"reset_after": False, "recurrent_activation": "hard_sigmoid"},
        {"recurrent_activation": "hard_sigmoid"},
        {"activation": "linear", "recurrent_activation": "tanh"},
    ],
}


def numbers(*shape: int, seed: int) -> Any:
    """Numbers with few digits, which every type holds alike."""
    return numpy.random.default_rng(seed).uniform(-0.9, 0.9, shape).round(3).astype("float32")


def made() -> Iterator[tuple[str, Any]]:
    """The layers, each with a name that tells its options."""
    from keras import layers

    always = {"return_sequences": True, "return_state": True}
    for kind, more in FORMS.items():
        for form in [{}, {"use_bias": False}, {"activation": "relu"}, {"go_backwards": True}, *more]:
            yield (
                "_".join([kind, *(f"{n}_{v}" for n, v in form.items())]),
                getattr(layers, kind)(HIDDEN, **form, **always),
            )
        yield f"Bidirectional_{kind}", layers.Bidirectional(getattr(layers, kind)(HIDDEN, **always))
    yield "Bidirectional_GRU_before", layers.Bidirectional(layers.GRU(HIDDEN, reset_after=False, **always))


def short(config: dict[str, Any]) -> dict[str, Any]:
    """The options that decide what is computed."""
    kept = {name: value for name, value in config.items() if name in KEPT}
    for half in ("layer", "backward_layer"):
        if half in config:
            kept[half] = {"class_name": config[half]["class_name"], "config": short(config[half]["config"])}
    return kept


def plain(array: Any) -> Any:
    """Nested lists of numbers."""
    return numpy.asarray(array.detach().cpu() if hasattr(array, "detach") else array).astype(float).round(8).tolist()


def case(layer: Any, x: Any, seed: int) -> dict[str, Any]:
    """One layer with its weights and what it answers, whole and with the padding masked."""
    import keras

    layer.build((None, None, INPUTS))
    layer.set_weights([numbers(*weight.shape, seed=seed) for weight in layer.get_weights()])
    mask = keras.ops.convert_to_tensor(numpy.arange(x.shape[1])[None] < numpy.array(LENGTHS)[:, None])
    return {
        "class": type(layer).__name__,
        "config": short(layer.get_config()),
        "weights": [weight.astype(float).round(3).tolist() for weight in layer.get_weights()],
        "whole": [plain(part) for part in layer(x)],
        "masked": [plain(part) for part in layer(x, mask=mask)],
    }


if __name__ == "__main__":
    x = numbers(len(LENGTHS), max(LENGTHS), INPUTS, seed=99) * 2
    lines = [f"{json.dumps(n)}: {json.dumps(case(layer, x, seed))}" for seed, (n, layer) in enumerate(made())]
    head = f'{{"lengths": {LENGTHS}, "x": {json.dumps(plain(x))}, "cases": {{\n'
    # One case a line.
    FILE.write_text(head + ",\n".join(lines) + "\n}}\n", encoding="utf-8")
