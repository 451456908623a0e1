"""The model file: one safetensors file with a manifest, a digest over every byte, and nothing that could be executed.

>>> import tempfile, numpy
>>> with tempfile.TemporaryDirectory() as folder:
...     write(f"{folder}/m.safetensors", {"w": numpy.ones(3)}, {"kind": "model", "cell": "gru"})
...     artifact = read(f"{folder}/m.safetensors", kind="model")
>>> artifact.manifest["cell"], artifact.tensors["w"]
('gru', array([1., 1., 1.]))

The header's ``__metadata__`` has one key, "ostinato": the manifest as JSON, which begins with the digest. That is the
SHA-256 of the whole file with the 64 digits of the digest itself replaced by zeros, so that every changed bit shows.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy
import safetensors
from numpy.typing import NDArray

from ostinato.errors import ArtifactError, nearest
from ostinato.output import probe_output, replace_file

__all__ = ["KINDS", "SCHEMA", "Artifact", "probe_output", "read", "save", "sealed", "write"]

SCHEMA = 1
# A model knows its task; a network is layers alone, without labels or a vocabulary.
KINDS = ("model", "network", "checkpoint")

_LONGEST_HEADER = 100_000_000
# Every file of ours begins so, after the eight bytes of the header's length; the digest's digits follow.
_PREFIX = b'{"__metadata__":{"ostinato":"{\\"digest\\":\\"sha256:'
_DIGITS = slice(8 + len(_PREFIX), 8 + len(_PREFIX) + 64)
_TYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "U32": "uint32",
    "I32": "int32",
    "U64": "uint64",
    "I64": "int64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
}
_FOREIGN = {
    b"PK\x03\x04": "a zip archive (a PyTorch or Keras file, perhaps)",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"\x89HDF": "an HDF5 file",
    b"GGUF": "a GGUF file",
    b"\x1f\x8b": "a gzip archive",
}


@dataclass(frozen=True)
class Artifact:
    """What a model file holds: arrays by name, the manifest as it was written, and the digest."""

    tensors: dict[str, NDArray[Any]]
    manifest: dict[str, Any]
    digest: str


def write(path: str | os.PathLike[str], tensors: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any]) -> None:
    """Write arrays and a manifest as one file, whole or not at all; equal content gives equal bytes.

    The manifest is plain data (what JSON knows, finite numbers, tuples become lists) and has a "kind", "model",
    "network" or "checkpoint"; "digest" and "schema" are ours. Arrays are of whole numbers, truth values, or floating
    point of 16, 32 or 64 bits. Raises :class:`~ostinato.errors.OutputError` where nothing can be written, and leaves
    nothing behind.
    """
    replace_file(path, _sealed(tensors, manifest)[0])


def save(network: Any, path: str | os.PathLike[str]) -> None:
    """Write a trained model or a layer as one file, which :func:`ostinato.load` and :func:`ostinato.stream` read.

    What can be saved has a method ``description``: models of tasks, networks, and stacks of recurrent layers.
    """
    described = getattr(network, "description", None)
    if not callable(described):
        raise ArtifactError(
            f"save wanted a trained model, a network or a Recurrent layer, got {type(network).__name__}"
        )
    manifest, tensors = described()
    write(path, tensors, manifest)


def sealed(tensors: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any]) -> Artifact:
    """What :func:`read` would give of the file that :func:`write` would make, its digest included.

    >>> sealed({"w": numpy.ones(3)}, {"kind": "network"}).digest[:15]
    'sha256:775c64d2'
    """
    data, fields, arrays = _sealed(tensors, manifest)
    manifest = {name: value for name, value in fields.items() if name not in ("digest", "schema")}
    return Artifact(arrays, manifest, f"sha256:{data[_DIGITS].decode()}")


def _sealed(
    tensors: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any]
) -> tuple[bytearray, dict[str, Any], dict[str, NDArray[Any]]]:
    """The bytes of a file with its digest, its manifest as written, and its arrays."""
    if manifest.get("kind") not in KINDS:
        raise ArtifactError(f"a manifest's kind is one of {', '.join(KINDS)}; got {manifest.get('kind')!r}")
    if "digest" in manifest or "schema" in manifest:
        raise ArtifactError("the manifest's fields 'digest' and 'schema' are filled in by write; leave them out")
    fields = {"digest": f"sha256:{'0' * 64}", "schema": SCHEMA, **_plain(manifest, "manifest")}
    described = json.dumps(fields, separators=(",", ":"), allow_nan=False)
    arrays = {name: _dense(name, array) for name, array in tensors.items()}
    data = bytearray(_safetensors(arrays, described))
    data[_DIGITS] = hashlib.sha256(data).hexdigest().encode()
    return data, fields, arrays


def read(path: str | os.PathLike[str], *, kind: str | None = None) -> Artifact:
    """Read a file of ours and verify all of it; nothing that the file names is imported or run.

    Raises :class:`~ostinato.errors.ArtifactError` for a file that is missing, foreign, damaged, cut off, from a later
    version, or of another kind than asked for.
    """
    source = os.fsdecode(path)
    try:
        data, layout = _read_bytes(source)
    except OSError as error:
        raise ArtifactError(f"{source} cannot be read: {error.strerror}") from None
    except MemoryError:
        raise ArtifactError(f"{source} cannot be read: it does not fit into memory") from None
    digest = _verified(data, source)
    fields = _manifest(layout, source)
    if kind is not None and fields["kind"] != kind:
        advice = "; go on training from it, then save the model" if kind == "model" else ""
        raise ArtifactError(f"{source} is a {fields['kind']}, wanted a {kind}{advice}")
    manifest = {name: value for name, value in fields.items() if name not in ("digest", "schema")}
    return Artifact(_arrays(data, source), manifest, digest)


def _plain(value: Any, where: str) -> Any:
    """The value as JSON will give it back, keys sorted; what JSON would change or lose is refused."""
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ArtifactError(f"{where} wanted words as keys, got {key!r} of type {type(key).__name__}")
        return {key: _plain(value[key], f"{where}.{key}") for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_plain(member, f"{where}[{index}]") for index, member in enumerate(value)]
    if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise ArtifactError(f"{where} wanted plain data (words, finite numbers, lists, dicts), got {value!r:.60}")


def _dense(name: str, array: Any) -> NDArray[Any]:
    if not isinstance(array, numpy.ndarray | numpy.generic):
        raise ArtifactError(f"the tensor '{name}' wanted a numpy array, got {type(array).__name__}")
    if array.dtype.name not in _TYPES.values():
        raise ArtifactError(
            f"the tensor '{name}' cannot be stored as {array.dtype}; known: {', '.join(_TYPES.values())}"
        )
    if name == "__metadata__" or name.encode(errors="replace").decode() != name:
        raise ArtifactError(f"no tensor can be called {name!r}")
    return numpy.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _safetensors(arrays: dict[str, NDArray[Any]], described: str) -> bytes:
    """The bytes of a safetensors file: the length of its header, the header, and the arrays, widest numbers first.

    Written here, because the bytes should not depend on the version of the library that reads them.
    """
    names = {kind: name for name, kind in _TYPES.items()}
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    layout: dict[str, Any] = {"__metadata__": {"ostinato": described}}
    end = 0
    for name in order:
        begin, end = end, end + arrays[name].nbytes
        kind = names[arrays[name].dtype.name]
        layout[name] = {"dtype": kind, "shape": list(arrays[name].shape), "data_offsets": [begin, end]}
    header = json.dumps(layout, separators=(",", ":")).encode()
    # Blanks at its end let the arrays begin at a multiple of eight.
    header += b" " * (-len(header) % 8)
    if len(header) > _LONGEST_HEADER:
        raise ArtifactError(f"a header has at most {_LONGEST_HEADER:,} bytes, and this manifest needs {len(header):,}")
    return b"".join([len(header).to_bytes(8, "little"), header, *(arrays[name].tobytes() for name in order)])


def _read_bytes(source: str) -> tuple[bytes, dict[str, Any]]:
    """The whole file and its header, each part read only after its size is known to be true."""
    path = Path(source)
    if "\0" in source or not path.exists():
        raise ArtifactError(_no_file(path, source))
    if not stat.S_ISREG(path.stat().st_mode):
        raise ArtifactError(
            f"{source} is {'a directory' if path.is_dir() else 'not an ordinary file'}; wanted a model file"
        )
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(_DIGITS.start)
        length = _header_length(start, size, source, file)
        header = start[8:] + file.read(length - len(_PREFIX))
        layout = _json(header, f"{source} is damaged: its header")
        promised = 8 + length + _data_size(layout, source)
        if size < promised:
            raise ArtifactError(f"{source} is cut off: it has {size:,} of {promised:,} bytes; copy it again")
        if size > promised:
            raise ArtifactError(f"{source} is damaged: it has {size - promised:,} bytes too many; copy it again")
        return start[:8] + header + file.read(promised - 8 - length), layout


def _no_file(path: Path, source: str) -> str:
    try:
        names = sorted(p.name for p in path.parent.iterdir() if p.suffix == ".safetensors")
    except (OSError, ValueError):
        return f"there is no file {source!r}"
    return f"there is no file {source}; {nearest(path.name, names)}"


def _header_length(start: bytes, size: int, source: str, file: BinaryIO) -> int:
    """The length of the header, after making sure that the file is ours."""
    if size == 0:
        raise ArtifactError(f"{source} is empty; wanted a model file")
    for magic, what in _FOREIGN.items():
        if start.startswith(magic) and start[8:] != _PREFIX:
            raise ArtifactError(f"{source} is {what}; wanted a model file that ostinato wrote")
    length = int.from_bytes(start[:8], "little")
    if start[8:] != _PREFIX:
        if len(start) < _DIGITS.start and _PREFIX.startswith(start[8:]) and len(start) > 8:
            raise ArtifactError(f"{source} is cut off: it has only {size} bytes; copy it again")
        if start[8:9] == b"{" and length <= min(size - 8, _LONGEST_HEADER):
            raise ArtifactError(f"{source} is a safetensors file of another program: it has no manifest of ostinato")
        raise ArtifactError(f"{source} is not a model file that ostinato wrote, or its beginning is damaged")
    if length > _LONGEST_HEADER:
        raise ArtifactError(f"{source} is damaged: its header claims {length:,} bytes")
    if size < 8 + length:
        raise ArtifactError(f"{source} is cut off: it has {size:,} bytes, and its header alone ends at {8 + length:,}")
    if length < len(_PREFIX) + 64:
        raise ArtifactError(f"{source} is damaged: its header claims only {length} bytes")
    return length


def _json(text: bytes | str, what: str) -> dict[str, Any]:
    """A JSON object, strictly: no duplicate keys, no NaN or infinity."""
    try:
        value = json.loads(
            text.decode() if isinstance(text, bytes) else text,
            object_pairs_hook=_without_duplicates,
            parse_constant=_not_finite,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{what} cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise ArtifactError(f"{what} is not a JSON object")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands there twice")
    return dict(pairs)


def _not_finite(word: str) -> float:
    raise ValueError(f"{word} is not a finite number")


def _finite(word: str) -> float:
    return float(word) if math.isfinite(float(word)) else _not_finite(word)


def _data_size(layout: dict[str, Any], source: str) -> int:
    """The bytes of all arrays, after making sure that they lie side by side and are as large as their shapes."""
    spans: list[tuple[int, int]] = []
    for name, entry in layout.items():
        if name == "__metadata__":
            continue
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise ArtifactError(f"{source} is damaged: its header describes the tensor '{name:.60}' wrongly")
        kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        whole = all(
            isinstance(part, list) and all(type(n) is int and n >= 0 for n in part) for part in (shape, offsets)
        )
        if not isinstance(kind, str) or kind not in _TYPES or not whole or len(shape) > 32 or len(offsets) != 2:
            raise ArtifactError(f"{source}: the tensor '{name:.60}' has a type or shape that is not known here")
        begin, end = offsets
        if end - begin != math.prod(shape) * numpy.dtype(_TYPES[kind]).itemsize:
            raise ArtifactError(f"{source} is damaged: the size of the tensor '{name:.60}' does not fit its shape")
        spans.append((begin, end))
    size = 0
    for begin, after in sorted(spans):
        if begin != size:
            raise ArtifactError(f"{source} is damaged: its tensors overlap or leave holes")
        size = after
    return size


def _verified(data: bytes, source: str) -> str:
    """The digest of the file, after making sure that it is the true one."""
    hashed = hashlib.sha256(data[: _DIGITS.start])
    hashed.update(b"0" * 64)
    hashed.update(memoryview(data)[_DIGITS.stop :])
    digest = hashed.hexdigest()
    if data[_DIGITS] != digest.encode():
        raise ArtifactError(f"{source} is damaged: its digest does not match its content; copy it again")
    return f"sha256:{digest}"


def _manifest(layout: dict[str, Any], source: str) -> dict[str, Any]:
    metadata = layout["__metadata__"]
    if not isinstance(metadata, dict) or set(metadata) != {"ostinato"} or not isinstance(metadata["ostinato"], str):
        raise ArtifactError(f"{source} wanted one manifest in its metadata, got {sorted(metadata)!r:.80}")
    fields = _json(metadata["ostinato"], f"{source}: the manifest")
    schema = fields.get("schema")
    if type(schema) is int and schema > SCHEMA:
        raise ArtifactError(
            f"{source} was written by a later version of ostinato (schema {schema}, this version reads {SCHEMA}); "
            "update with: pip install -U ostinato"
        )
    if type(schema) is not int or schema != SCHEMA or fields.get("kind") not in KINDS:
        raise ArtifactError(f"{source}: the manifest has no known schema and kind")
    return fields


def _arrays(data: bytes, source: str) -> dict[str, NDArray[Any]]:
    try:
        entries = safetensors.deserialize(data)  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        raise ArtifactError(f"{source} is damaged: {error}") from None
    arrays = {}
    for name, entry in sorted(entries, key=lambda pair: pair[0]):
        kind = _TYPES[entry["dtype"]]
        if kind == "bool" and entry["data"].translate(None, b"\0\1"):
            raise ArtifactError(f"{source}: the tensor '{name:.60}' holds truth values other than 0 and 1")
        little = numpy.frombuffer(entry["data"], numpy.dtype(kind).newbyteorder("<"))
        try:
            arrays[name] = little.astype(kind, copy=False).reshape(entry["shape"])
        except (ValueError, OverflowError):
            # An empty array of a shape that no array can have.
            raise ArtifactError(f"{source}: the tensor '{name:.60}' has an impossible shape") from None
    return arrays
