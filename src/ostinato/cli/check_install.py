"""``ostinato check-install``: what is installed, what is missing, and the command that brings it."""

from __future__ import annotations

import platform
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import typer

from ostinato.cli.program import installed_version
from ostinato.errors import OstinatoError

# The packages of each extra: how pip calls them, and how Python does.
EXTRAS = {
    "train": {
        "torch": "torch",
        "accelerate": "accelerate",
        "pydantic": "pydantic",
        "rich": "rich",
        "matplotlib": "matplotlib",
        "narwhals": "narwhals",
    },
    "text": {"tokenizers": "tokenizers"},
    "onnx": {"onnx": "onnx", "onnxruntime": "onnxruntime"},
    "series": {"pandas": "pandas", "pyarrow": "pyarrow", "tzdata": "tzdata"},
    "translate": {"sacrebleu": "sacrebleu"},
    "music": {"music21": "music21"},
    "demo": {"home-assistant-intents": "home_assistant_intents", "hassil": "hassil"},
}
BASE = {"numpy": "numpy", "safetensors": "safetensors", "typer": "typer"}


def check_install() -> None:
    """Tell what is installed and what is missing.

    Where all that training needs is there, trains a tiny network to see that it works. Ends with exit code 1 if
    something is broken; for a missing extra the command that installs it is told.
    """
    import ostinato

    sound = True
    _heading(f"ostinato {installed_version('ostinato') or 'from its sources, not installed'}")
    _good("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    _good("installed in", str(Path(ostinato.__file__).parent))
    sound &= _core()
    _compiler()
    for package in BASE:
        sound &= _package(package, BASE[package])
    for extra, packages in EXTRAS.items():
        _heading(f"extra {extra}")
        found = [_package(package, module) for package, module in packages.items()]
        if not all(found):
            typer.echo(f"    install it with: pip install 'ostinato[{extra}]'")
    if all(find_spec(module) for extra in ("train", "text") for module in EXTRAS[extra].values()):
        _heading("self-test")
        sound &= _train()
    typer.echo()
    typer.echo(
        typer.style("all is well" if sound else "something is broken", fg="green" if sound else "red", bold=True)
    )
    if not sound:
        raise typer.Exit(1)


def _core() -> bool:
    """Whether the compiled core is there and fits the cells that are installed."""
    from ostinato.core import load_core

    try:
        core = load_core()
    except OstinatoError as error:
        _bad("compiled core", str(error))
        return False
    _good("compiled core", f"fresh, built for {len(core.cells())} cells")
    return True


def _compiler() -> None:
    """What would compile cells of one's own; nothing is broken without it."""
    from ostinato.compiling.compiler import find_compiler

    try:
        compiler = find_compiler()
    except OstinatoError as error:
        _bad("C++ compiler", f"{error} (cells of your own run by the plain loop without it)")
        return
    version = (compiler.version.splitlines() or compiler.command)[0]
    _good("C++ compiler", f"{version}, for cells of your own")


def _package(package: str, module: str) -> bool:
    if find_spec(module) is None:
        _bad(package, "missing")
        return False
    _good(package, installed_version(package) or "")
    return True


def _train() -> bool:
    """Train on sixteen sentences that any working network learns by heart."""
    from ostinato.tasks import TextClassifier

    began = time.monotonic()
    texts = [
        f"turn {way} the {thing}"
        for way in ("on", "off")
        for thing in ("lamp", "fan", "radio", "oven", "fridge", "heater", "kettle", "clock")
    ]
    labels = ["on"] * 8 + ["off"] * 8
    model = TextClassifier(
        hidden=8,
        embedding=16,
        buckets=64,
        epochs=30,
        batch=4,
        lr=0.02,
        patience=0,
        holdout=0.0,
        warmup=0.0,
        min_count=1,
        device="cpu",
        dropout=0.0,
        embedding_dropout=0.0,
        word_dropout=0.0,
    )
    import torch

    threads = torch.get_num_threads()
    # A network this small gains nothing from threads, and on a busy machine they wait for each other.
    torch.set_num_threads(1)
    try:
        accuracy = model.fit(texts, labels, progress=False).score(texts, labels)
    except Exception as error:
        _bad("training", f"{type(error).__name__}: {error}")
        return False
    finally:
        torch.set_num_threads(threads)
    seconds = time.monotonic() - began
    if accuracy < 1:
        _bad("training", f"learned only {100 * accuracy:.0f} % of 16 sentences by heart")
        return False
    _good("training", f"16 sentences learned by heart in {seconds:.1f} s")
    return True


def _heading(text: str) -> None:
    typer.echo(typer.style(text, bold=True))


def _good(name: str, value: str) -> None:
    _tell("ok", "green", name, value)


def _bad(name: str, value: str) -> None:
    _tell("no", "red", name, value)


def _tell(mark: str, colour: str, name: str, value: str) -> None:
    typer.echo(f"  {typer.style(mark, fg=colour, bold=True)}  {name.ljust(22)}  {value}")


if sys.version_info < (3, 11):
    EXTRAS["train"]["tomli"] = "tomli"
