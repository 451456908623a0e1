"""``ostinato info``: what a file of ours says about itself."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ostinato.errors import ArtifactError, OstinatoError


def info(
    file: Annotated[
        str, typer.Argument(help="A model file, a checkpoint, a stream's state or an export.", metavar="FILE")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole manifest as JSON.")] = False,
) -> None:
    """Verify a file that ostinato wrote, and tell what it holds.

    Needs no torch; an .onnx file needs the extra 'onnx'.
    """
    if Path(file).suffix in _EXPORTS:
        _EXPORTS[Path(file).suffix](file, as_json)
        return
    state = _state(file)
    if state is not None:
        _told_state(file, *state, as_json=as_json)
        return
    from ostinato import artifact

    stored = artifact.read(file)
    if as_json:
        typer.echo(json.dumps({"digest": stored.digest, **stored.manifest}, ensure_ascii=False, indent=1))
        return
    describe = {"model": _model, "network": _network, "checkpoint": _checkpoint}[stored.manifest["kind"]]
    numbers = sum(math.prod(array.shape) for array in stored.tensors.values())
    size = Path(file).stat().st_size
    _title(f"{file}  ({stored.manifest['kind']}, {size / 1e6:.1f} MB)")
    _row("digest", f"{stored.digest}  verified")
    _row("tensors", f"{len(stored.tensors)} with {numbers:,} numbers")
    describe(stored.manifest)
    if stored.manifest["kind"] != "checkpoint":
        _streamed(stored)


def _onnx(file: str, as_json: bool) -> None:
    """What an exported graph says of itself."""
    from ostinato.errors import needs

    onnx = needs("onnx", "onnx")
    try:
        model = onnx.load(file, load_external_data=False)
    except OSError as error:
        raise ArtifactError(f"{file} cannot be read: {error.strerror}") from None
    except Exception as error:
        # What the reader of another format raises for bytes that are none has no class of its own.
        raise ArtifactError(f"{file} is no ONNX file, or it is damaged: {str(error)[:80]}") from None
    told = {p.key.removeprefix("ostinato."): p.value for p in model.metadata_props if p.key.startswith("ostinato.")}
    if "digest" not in told:
        raise ArtifactError(f"{file} is an ONNX file of another program; ostinato.from_onnx reads recurrent networks")
    ports = {"inputs": model.graph.input, "outputs": model.graph.output}
    fields = {
        "kind": "onnx",
        "model": told["digest"],
        "form": told.get("form", ""),
        "task": told.get("task") or None,
        "opset": max((entry.version for entry in model.opset_import if not entry.domain), default=0),
        "ir_version": model.ir_version,
        **{name: [port.name for port in each] for name, each in ports.items()},
    }
    if as_json:
        typer.echo(json.dumps(fields, indent=1))
        return
    _title(f"{file}  (ONNX, {Path(file).stat().st_size / 1e6:.1f} MB)")
    for name, value in fields.items():
        if name != "kind":
            _row({"model": "of the model", "ir_version": "IR version"}.get(name, name), _inline(value))


def _c(file: str, as_json: bool) -> None:
    """What an exported source says at its head."""
    try:
        head = Path(file).read_text(encoding="utf-8", errors="replace")[:4000].partition("*/")[0]
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{file} cannot be read: {getattr(error, 'strerror', error)}") from None
    lines = [line.strip().lstrip("/*").strip() for line in head.splitlines()]
    if "Written by ostinato" not in head:
        raise ArtifactError(f"{file} is no C file that ostinato wrote")
    if as_json:
        typer.echo(json.dumps({"kind": "c", "about": [line for line in lines if line]}, indent=1))
        return
    _title(f"{file}  (C99, {Path(file).stat().st_size / 1e6:.1f} MB)")
    for line in lines:
        if line:
            typer.echo(f"  {line}")


_EXPORTS = {".onnx": _onnx, ".c": _c, ".h": _c}


def _state(file: str) -> tuple[str, int] | None:
    """The digest of the model that a stream's state belongs to, and the size of its content; None for other files."""
    from ostinato.streaming.snapshot import MAGIC, opened

    try:
        with Path(file).open("rb") as source:
            if source.read(len(MAGIC)) != MAGIC:
                return None
            source.seek(0)
            digest, content = opened(source.read())
    except (OSError, ValueError) as error:
        if isinstance(error, OstinatoError):
            raise
        # The reader of model files tells what is wrong with a path.
        return None
    return digest, len(content)


def _told_state(file: str, digest: str, size: int, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"kind": "state", "model": digest, "bytes": size}, indent=1))
        return
    _title(f"{file}  (state of a stream, {size:,} bytes)")
    _row("hash", "verified")
    _row("of the model", digest)


def _streamed(stored: Any) -> None:
    """What a step of the network takes, or why there is none."""
    from ostinato.plan import plan_of

    _title("step by step")
    try:
        program = plan_of(stored).program
    except OstinatoError as error:
        _row("streams", f"no: {error}")
        return
    weights = sum(array.size for array in program.weights.values())
    _row("streams", "yes: ostinato stream")
    _row("state", f"{4 * sum(part.width for part in program.state.values()):,} bytes")
    _row("a step", f"{program.operations():,} operations, {4 * weights:,} bytes of weights in float32")


def _network(manifest: Mapping[str, Any]) -> None:
    _title("network")
    for part in ("embed", "encoder", "decoder", "attention", "body", "pool", "head", "beside"):
        if part in manifest["architecture"]:
            _row(part, _part(manifest["architecture"][part]))


def _model(manifest: Mapping[str, Any]) -> None:
    training, labels = manifest["training"], manifest.get("labels")
    _row("task", manifest["task"])
    if labels is not None:
        _row("labels", f"{len(labels['names'])}: {_listed(labels['names'])}")
    if manifest["options"].get("out_of_scope") is not None:
        _row("out of scope", manifest["options"]["out_of_scope"])
    if "threshold" in manifest:
        _row("does not know", f"below a confidence of {100 * manifest['threshold']:.1f} %")
    vocabulary, features = manifest.get("vocabulary"), manifest.get("features")
    if vocabulary is not None:
        pieces = f", {vocabulary['buckets']:,} vectors for pieces of words" if vocabulary["buckets"] else ""
        _row("vocabulary", f"{len(vocabulary['words']):,} words{pieces}")
    if features is not None:
        layout = features["layout"]
        _row("channels", f"{len(layout['target'])}: {_listed(layout['target'])}")
        for name, words in (("known ahead", layout["known"]), ("known up to now", layout["past"])):
            if words:
                _row(name, _listed(words))
    if "horizon" in manifest["options"]:
        _row("horizon", f"{manifest['options']['horizon']} steps")
    _network(manifest)
    _title("training")
    _row("data", training["data"])
    _row("licence of the data", training["licence"] or "not given")
    if "init_from" in training:
        _row("began from", training["init_from"])
    _row("epochs", f"{training['epochs']}, the best was {training['best_epoch']}")
    for name in ("train", "valid"):
        if training[name]:
            _row({"train": "training data", "valid": "validation data"}[name], _inline(training[name]))
    _row("took", f"{training['seconds']:,.0f} s, with seed {training['seed']}")
    _row("made with", _inline(training["versions"]))


def _part(content: Any) -> str:
    """A part of the architecture: what it is first, what is off or absent left out."""
    if not isinstance(content, Mapping):
        return _inline(content)
    if isinstance(content.get("cell"), Mapping):
        own = content["cell"]
        graph = f"a graph of {len(own['nodes'])} nodes that --trust-cell allows to compile"
        content = {**content, "cell": f"{own['name']} ({graph})"}
    first = [name for name in ("kind", "cell", "hidden", "layers", "classes", "words") if name in content]
    return _inline({name: content[name] for name in dict.fromkeys([*first, *content]) if content[name]})


def _checkpoint(manifest: Mapping[str, Any]) -> None:
    place, identity = manifest["position"], manifest["identity"]
    _row("stands at", f"epoch {place['epoch'] + 1}, batch {place['batch'] + 1} of {identity['batches']}")
    _row("made on", f"{_inline(manifest['machine'])}, {manifest['threads']} threads")
    _title("training")
    _row("options", _inline(identity["options"]))
    for entry in manifest["history"][-3:]:
        if entry["event"] == "epoch":
            _row(f"epoch {entry['epoch'] + 1}", f"{_inline(entry['train'])}; validation: {_inline(entry['valid'])}")


def _title(text: str) -> None:
    typer.echo(typer.style(text, bold=True))


def _row(name: str, value: Any) -> None:
    typer.echo(f"  {typer.style(name.ljust(20), fg='cyan')}  {value}")


def _inline(value: Any) -> str:
    """A value of a manifest in one line.

    >>> _inline({"cell": "gru", "norm": False, "loss": 0.123456})
    'cell gru, norm no, loss 0.1235'
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_inline(member)}" for key, member in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return " ".join(map(_inline, value))
    return "none" if value is None else str(value)


def _listed(names: list[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
