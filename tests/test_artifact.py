from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import safetensors.numpy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ostinato import artifact
from ostinato.artifact import Artifact, probe_output, read, write
from ostinato.errors import ArtifactError, OutputError

KINDS_OF_NUMBER = [
    *("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"),
    *("float16", "float32", "float64"),
]
ANY_TEXT = st.text(st.characters())
NOT_OURS = " is not a model file that ostinato wrote, or its beginning is damaged"
UNKNOWN = ": the tensor 'w' has a type or shape that is not known here"
UNFIT = " is damaged: the size of the tensor 'w' does not fit its shape"
APART = " is damaged: its tensors overlap or leave holes"
WRONGLY = " is damaged: its header describes the tensor 'w' wrongly"
WANTED = "; wanted a model file that ostinato wrote"
LATER = "this version reads 1); update with: pip install -U ostinato"
UNREADABLE = " is damaged: its header cannot be read: "
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=12,
)


@pytest.fixture
def small(tmp_path):
    """A model file of about 2 KB that holds some of everything."""
    path = tmp_path / "small.safetensors"
    tensors = {
        "weights": numpy.arange(300, dtype=numpy.float32),
        "half": numpy.ones((3, 5), numpy.float16),
        "steps": numpy.array(12, numpy.int64),
        "mask": numpy.array([True, False, True]),
        "empty": numpy.zeros((0, 4)),
    }
    write(path, tensors, {"kind": "model", "vocabulary": ["light", "naïve", "\ud800"], "architecture": {"cell": "gru"}})
    return path


def refusal(path, **options):
    with pytest.raises(ArtifactError) as caught:
        read(path, **options)
    message = str(caught.value)
    assert message.startswith((str(path), "there is no file", "a path"))
    return message.removeprefix(str(path))


def assert_same(one, two):
    assert one.keys() == two.keys()
    for name, array in one.items():
        numpy.testing.assert_array_equal(array, two[name])
        assert (array.shape, array.dtype.newbyteorder("=")) == (two[name].shape, two[name].dtype)


@settings(max_examples=60)
@given(data=st.data())
def test_what_is_written_is_read(tmp_path_factory, data):
    shapes = arrays.array_shapes(min_dims=0, min_side=0, max_side=4)
    kinds = st.sampled_from(KINDS_OF_NUMBER)
    tensor = kinds.flatmap(lambda kind: arrays.arrays(kind, shapes))
    tensors = data.draw(st.dictionaries(st.text(max_size=8), tensor, max_size=4))
    keys = ANY_TEXT.filter(lambda key: key not in ("kind", "digest", "schema"))
    manifest = {"kind": "checkpoint", **data.draw(st.dictionaries(keys, JSON, max_size=4))}
    path = tmp_path_factory.mktemp("artifact") / "a.safetensors"
    write(path, tensors, manifest)
    again = read(path, kind="checkpoint")
    assert isinstance(again, Artifact)
    assert again.manifest == manifest
    assert_same(tensors, again.tensors)
    assert all(array.flags.writeable for array in again.tensors.values())


@pytest.mark.parametrize("kind", KINDS_OF_NUMBER)
def test_arrays_may_lie_in_memory_as_they_like(tmp_path, kind):
    plain = numpy.arange(24).reshape(2, 3, 4).astype(kind)
    tensors = {
        "fortran": numpy.asfortranarray(plain),
        "strided": plain[::-1, :, ::2],
        "big": plain.astype(plain.dtype.newbyteorder(">")),
        "scalar": plain[1, 1, 1],
        "point": numpy.array(1, kind),
    }
    write(tmp_path / "a.safetensors", tensors, {"kind": "model"})
    assert_same(tensors, read(tmp_path / "a.safetensors").tensors)


def test_other_programs_can_read_the_arrays(small):
    assert_same(read(small).tensors, safetensors.numpy.load_file(small))
    metadata = safetensors.safe_open(small, framework="numpy").metadata()
    assert list(metadata) == ["ostinato"]


def test_the_metadata_is_one_key_with_a_manifest_that_begins_with_the_digest(small):
    data = small.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert list(header["__metadata__"]) == ["ostinato"]
    manifest = json.loads(header["__metadata__"]["ostinato"])
    assert list(manifest)[:2] == ["digest", "schema"]
    digits = manifest["digest"].removeprefix("sha256:")
    assert hashlib.sha256(data.replace(digits.encode(), b"0" * 64)).hexdigest() == digits
    assert read(small).digest == f"sha256:{digits}"


def test_every_flipped_bit_is_detected(small):
    data = small.read_bytes()
    assert 1500 < len(data) < 4096
    with small.open("r+b", buffering=0) as file:
        for at, byte in enumerate(data):
            for bit in range(8):
                os.pwrite(file.fileno(), bytes([byte ^ 1 << bit]), at)
                with pytest.raises(ArtifactError):
                    read(small)
            os.pwrite(file.fileno(), bytes([byte]), at)
    assert read(small).manifest["kind"] == "model"


def test_every_truncation_and_every_longer_file_is_detected(small):
    data = small.read_bytes()
    messages = set()
    for length in reversed(range(len(data))):
        os.truncate(small, length)
        messages.add(refusal(small).split(":")[0])
    assert messages == {
        " is cut off",
        " is empty; wanted a model file",
        NOT_OURS,
    }
    small.write_bytes(data[:-100])
    assert refusal(small) == f" is cut off: it has {len(data) - 100:,} of {len(data):,} bytes; copy it again"
    small.write_bytes(data + b"\0")
    assert refusal(small) == " is damaged: it has 1 bytes too many; copy it again"


def test_damage_is_told_in_words(small):
    data = bytearray(small.read_bytes())
    data[-1] ^= 1
    small.write_bytes(data)
    assert refusal(small) == " is damaged: its digest does not match its content; copy it again"


def test_digits_of_the_digest_in_capitals_are_not_the_digest(small):
    data = small.read_bytes()
    digits = read(small).digest.removeprefix("sha256:").encode()
    small.write_bytes(data.replace(digits, digits.upper()))
    assert "its digest does not match" in refusal(small)


def test_equal_content_gives_equal_bytes_in_every_process_and_order(tmp_path):
    code = """
import sys, numpy
from ostinato.artifact import write
names = [f"layer{k}.weight" for k in range(20)]
manifest = {"kind": "model", "b": {"y": 1, "x": {"q": 2, "p": [3.5]}}, "a": None}
tensors = {name: numpy.arange(5).astype(["float32", "int64", "bool"][len(name) % 3]) for name in names}
if sys.argv[2] == "reversed":
    tensors = dict(reversed(tensors.items()))
    manifest = dict(reversed(manifest.items()))
    manifest["b"] = dict(reversed(manifest["b"].items()))
write(sys.argv[1], tensors, manifest)
"""
    seen = set()
    for seed, order in (("0", "forward"), ("1", "reversed"), ("2", "forward")):
        path = tmp_path / f"{seed}.safetensors"
        subprocess.run(
            [sys.executable, "-c", code, path, order], check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        )
        seen.add(path.read_bytes())
    assert len(seen) == 1


def test_the_kind_is_checked_when_it_is_asked_for(tmp_path):
    path = tmp_path / "a.safetensors"
    write(path, {}, {"kind": "checkpoint"})
    assert read(path).manifest == read(path, kind="checkpoint").manifest == {"kind": "checkpoint"}
    assert (
        refusal(path, kind="model") == " is a checkpoint, wanted a model; go on training from it, then save the model"
    )


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({}, "a manifest's kind is one of model, network, checkpoint; got None"),
        ({"kind": "modell"}, "a manifest's kind is one of model, network, checkpoint; got 'modell'"),
        ({"kind": "model", "digest": ""}, "'digest' and 'schema' are filled in by write"),
        ({"kind": "model", "schema": 1}, "'digest' and 'schema' are filled in by write"),
        ({"kind": "model", "a": {"b": [1, float("nan")]}}, r"manifest\.a\.b\[1\] wanted plain data .*, got nan"),
        ({"kind": "model", "a": float("-inf")}, r"manifest\.a wanted plain data"),
        ({"kind": "model", "a": {1: 2}}, r"manifest\.a wanted words as keys, got 1 of type int"),
        ({"kind": "model", "a": numpy.int64(1)}, r"manifest\.a wanted plain data"),
        ({"kind": "model", "a": {1, 2}}, r"manifest\.a wanted plain data"),
        ({"kind": "model", "a": b"x"}, r"manifest\.a wanted plain data"),
    ],
)
def test_a_manifest_that_would_not_come_back_is_refused(tmp_path, manifest, message):
    with pytest.raises(ArtifactError, match=message):
        write(tmp_path / "a.safetensors", {}, manifest)
    assert list(tmp_path.iterdir()) == []


def test_tuples_become_lists(tmp_path):
    write(tmp_path / "a.safetensors", {}, {"kind": "model", "sizes": (3, 5)})
    assert read(tmp_path / "a.safetensors").manifest["sizes"] == [3, 5]


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (numpy.array(["a"]), "the tensor 'w' cannot be stored as <U1; known: bool, uint8"),
        (numpy.array([object()]), "the tensor 'w' cannot be stored as object"),
        (numpy.array([1j]), "the tensor 'w' cannot be stored as complex128"),
        (numpy.array([1], "datetime64[s]"), "the tensor 'w' cannot be stored as datetime64"),
        (numpy.zeros(2, [("a", "f4")]), "the tensor 'w' cannot be stored as"),
        (torch.zeros(2), "the tensor 'w' wanted a numpy array, got Tensor"),
        ([1.0], "the tensor 'w' wanted a numpy array, got list"),
    ],
    ids=["str", "object", "complex", "datetime", "structure", "torch", "list"],
)
def test_a_tensor_that_cannot_be_stored_is_refused(tmp_path, tensor, message):
    with pytest.raises(ArtifactError, match=message):
        write(tmp_path / "a.safetensors", {"w": tensor}, {"kind": "model"})


@pytest.mark.parametrize("name", ["__metadata__", "w\ud800"])
def test_names_that_no_tensor_can_have_are_refused(tmp_path, name):
    with pytest.raises(ArtifactError, match="no tensor can be called '"):
        write(tmp_path / "a.safetensors", {name: numpy.zeros(1)}, {"kind": "model"})


def test_a_manifest_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(artifact, "_LONGEST_HEADER", 1000)
    with pytest.raises(ArtifactError, match=r"a header has at most 1,000 bytes, and this manifest needs [\d,]+"):
        write(tmp_path / "a.safetensors", {}, {"kind": "model", "a": "x" * 1000})
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_model(small, monkeypatch):
    before = small.read_bytes()

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    for step in ("open", "write", "fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, step, full)
            with pytest.raises(OutputError, match="the disk is full; what stood there is untouched"):
                write(small, {"w": numpy.ones(9)}, {"kind": "model"})
        assert small.read_bytes() == before
        assert list(small.parent.iterdir()) == [small]


def test_an_output_is_probed_before_training(tmp_path):
    probe_output(tmp_path / "a.safetensors")
    with pytest.raises(OutputError, match="it is a directory; name a file in it"):
        probe_output(tmp_path)


# Files that are not ours.


def torch_file(path):
    torch.save({"w": torch.zeros(2)}, path)


def numpy_file(path):
    with path.open("wb") as file:
        numpy.savez(file, w=numpy.zeros(2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (torch_file, " is a zip archive (a PyTorch or Keras file, perhaps)" + WANTED),
        (numpy_file, " is a zip archive (a PyTorch or Keras file, perhaps)" + WANTED),
        (
            lambda path: path.write_bytes(pickle.dumps({"w": [1.0] * 99})),
            " is a pickle" + WANTED,
        ),
        (
            lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99)),
            " is an HDF5 file" + WANTED,
        ),
        (
            lambda path: safetensors.numpy.save_file({"w": numpy.zeros(2)}, path),
            " is a safetensors file of another program: it has no manifest of ostinato",
        ),
        (
            lambda path: safetensors.numpy.save_file({"w": numpy.zeros(2)}, path, metadata={"format": "pt"}),
            " is a safetensors file of another program: it has no manifest of ostinato",
        ),
        (lambda path: path.write_bytes(b""), " is empty; wanted a model file"),
        (
            lambda path: path.write_text("text,label\nhi,greet\n" * 20),
            NOT_OURS,
        ),
        (lambda path: path.write_bytes(b"\0"), NOT_OURS),
        (lambda path: path.mkdir(), " is a directory; wanted a model file"),
        (lambda path: os.mkfifo(path), " is not an ordinary file; wanted a model file"),
    ],
    ids=["torch", "numpy", "pickle", "hdf5", "plain", "metadata", "empty", "text", "byte", "directory", "pipe"],
)
def test_a_file_of_another_program_is_named(tmp_path, make, message):
    path = tmp_path / "a.safetensors"
    make(path)
    assert refusal(path) == message


def test_a_missing_file_names_the_nearest(small):
    path = small.with_name("smal.safetensors")
    message = refusal(path)
    assert message == f"there is no file {path}; did you mean 'small.safetensors'? known: 'small.safetensors'"
    assert "there is no file" in refusal(small / "below.safetensors")
    assert "there is no file" in refusal("no\0where")
    assert "File name too long" in refusal("a" * 300)


# Files that somebody made to do harm: their digest is right.


def forge(path, manifest=None, tensors="", data=b"", length=None):
    """Write a file from the words of its manifest and of its tensors, and give it its true digest."""
    manifest = '"schema":1,"kind":"model"' if manifest is None else manifest
    words = json.dumps('{"digest":"sha256:' + "0" * 64 + '",' + manifest + "}")
    header = f'{{"__metadata__":{{"ostinato":{words}}}{tensors}}}'.encode()
    header += b" " * (-len(header) % 8)
    whole = bytearray((len(header) if length is None else length).to_bytes(8, "little") + header + data)
    at = whole.index(b"0" * 64)
    whole[at : at + 64] = hashlib.sha256(whole).hexdigest().encode()
    path.write_bytes(whole)
    return path


def entry(name="w", dtype='"U8"', shape="[4]", offsets="[0,4]"):
    return f',"{name}":{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}}}'


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.safetensors"


def test_a_forged_file_that_is_well_made_is_read(path):
    forge(path, tensors=entry(), data=b"\1\2\3\4")
    assert read(path).tensors["w"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (
            '"schema":2,"kind":"model"',
            " was written by a later version of ostinato (schema 2, " + LATER,
        ),
        (
            '"schema":99,"kind":"dream"',
            " was written by a later version of ostinato (schema 99, " + LATER,
        ),
        ('"schema":true,"kind":"model"', ": the manifest has no known schema and kind"),
        ('"schema":1.0,"kind":"model"', ": the manifest has no known schema and kind"),
        ('"schema":0,"kind":"model"', ": the manifest has no known schema and kind"),
        ('"schema":1,"kind":"dream"', ": the manifest has no known schema and kind"),
        ('"schema":1', ": the manifest has no known schema and kind"),
        ('"schema":1,"kind":["model"]', ": the manifest has no known schema and kind"),
        ('"schema":1,"kind":"model","kind":"model"', ": the manifest cannot be read: a key stands there twice"),
        ('"schema":1,"kind":"model","a":{"b":1,"b":2}', ": the manifest cannot be read: a key stands there twice"),
        ('"schema":1,"kind":"model","a":NaN', ": the manifest cannot be read: NaN is not a finite number"),
        ('"schema":1,"kind":"model","a":-Infinity', ": the manifest cannot be read: -Infinity is not a finite number"),
        ('"schema":1,"kind":"model","a":1e999', ": the manifest cannot be read: 1e999 is not a finite number"),
        ('"schema":1,"kind":"model","a":' + "[" * 100_000, ": the manifest cannot be read: "),
        ('"schema":1,"kind":"model","a":' + "9" * 10_000, ": the manifest cannot be read: "),
        ('"schema":1,"kind":"model"} {', ": the manifest cannot be read: "),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(path, manifest, message):
    assert refusal(forge(path, manifest=manifest)).startswith(message)


@pytest.mark.parametrize(
    ("tensors", "size", "message"),
    [
        (entry() * 2, 4, UNREADABLE + "a key stands there twice"),
        (',"__metadata__":{}', 0, UNREADABLE + "a key stands there twice"),
        (entry() + entry("v"), 8, APART),
        (entry() + entry("v", offsets="[2,6]"), 8, APART),
        (entry(offsets="[4,8]"), 8, APART),
        (entry() + entry("v", offsets="[8,12]"), 12, APART),
        (entry(offsets="[0,5]"), 5, UNFIT),
        (entry(offsets="[4,0]"), 4, UNFIT),
        (
            entry(shape="[4611686018427387904,4]", offsets="[0,0]"),
            0,
            UNFIT,
        ),
        (entry(shape="[9223372036854775807,2]", offsets="[0,18446744073709551614]"), 4, " is cut off: it has"),
        (entry(shape="[1099511627776]", offsets="[0,1099511627776]"), 4, " is cut off: it has"),
        (entry(shape="[0,18446744073709551616]", offsets="[0,0]"), 0, ""),
        (entry(shape="[0,9223372036854775807,9223372036854775807]", offsets="[0,0]"), 0, ""),
        (entry(shape="[-4]"), 4, UNKNOWN),
        (entry(shape="[4.0]"), 4, UNKNOWN),
        (entry(shape="[true,4]"), 4, UNKNOWN),
        (entry(shape="4"), 4, UNKNOWN),
        (entry(shape=str([1] * 40)), 4, UNKNOWN),
        (entry(offsets="[0]"), 4, UNKNOWN),
        (entry(offsets="[-4,0]"), 4, UNKNOWN),
        (entry(dtype='"F4"'), 4, UNKNOWN),
        (entry(dtype='["U8"]'), 4, UNKNOWN),
        (entry(dtype='"BOOL"'), 4, ": the tensor 'w' holds truth values other than 0 and 1"),
        (',"w":[]', 0, WRONGLY),
        (
            ',"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"run":"rm"}',
            0,
            WRONGLY,
        ),
        (',"w":' + "[" * 100_000, 0, UNREADABLE),
        (',"w":\xff', 0, UNREADABLE),
    ],
)
def test_tensors_that_cannot_be_are_refused(path, tensors, size, message):
    assert refusal(forge(path, tensors=tensors, data=b"\7" * size)).startswith(message)


def test_a_second_key_in_the_metadata_is_refused(path):
    forge(path)
    data = path.read_bytes().rstrip()
    header = data[8:-2] + b',"more":"1"}}'
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    whole = bytearray(path.read_bytes())
    at = whole.index(b"sha256:") + 7
    whole[at : at + 64] = b"0" * 64
    whole[at : at + 64] = hashlib.sha256(whole).hexdigest().encode()
    path.write_bytes(whole)
    assert refusal(path) == " wanted one manifest in its metadata, got ['more', 'ostinato']"


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (2**60, " is damaged: its header claims 1,152,921,504,606,846,976 bytes"),
        (2**64 - 1, " is damaged: its header claims 18,446,744,073,709,551,615 bytes"),
        (100_000_001, " is damaged: its header claims 100,000,001 bytes"),
        (100_000_000, " is cut off: it has"),
        (10, " is damaged: its header claims only 10 bytes"),
        (0, " is damaged: its header claims only 0 bytes"),
    ],
)
def test_the_length_of_the_header_is_bounded_before_it_is_believed(path, length, message):
    assert refusal(forge(path, length=length)).startswith(message)


def test_a_huge_file_is_refused_before_it_is_read(path):
    # A terabyte with a hole in it, which takes no place on the disk.
    forge(path, tensors=entry(), data=b"\1\2\3\4")
    os.truncate(path, 2**40)
    assert "bytes too many" in refusal(path)


def test_a_file_larger_than_the_memory_is_told(path, monkeypatch):
    forge(path)

    def refuse(*arguments):
        raise MemoryError

    monkeypatch.setattr(artifact, "_data_size", refuse)
    assert refusal(path) == " cannot be read: it does not fit into memory"


def test_reading_imports_nothing():
    code = """
import sys, tempfile, numpy
from ostinato.artifact import read, write
with tempfile.TemporaryDirectory() as folder:
    write(f"{folder}/a", {"w": numpy.ones(3)}, {"kind": "model", "module": "antigravity", "cell": "this"})
    read(f"{folder}/a")
    before = set(sys.modules)
    read(f"{folder}/a")
    assert set(sys.modules) == before
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_file_that_cannot_be_opened_is_told(small, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert refusal(small) == " cannot be read: Permission denied"


HEADERS = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2**65) | st.floats() | st.sampled_from(["U8", "BOOL", "F32", "model"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["w", "v", "dtype", "shape", "data_offsets", "schema", "kind"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
ENTRIES = HEADERS | st.fixed_dictionaries({"dtype": HEADERS, "shape": HEADERS, "data_offsets": HEADERS})


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from("wv"), ENTRIES), HEADERS, st.binary(max_size=9))
def test_whatever_a_forged_file_holds_it_is_read_or_an_artifact_error(tmp_path_factory, entries, manifest, data):
    tensors = "".join(f",{json.dumps(name)}:{json.dumps(value)}" for name, value in entries.items())
    words = f'"schema":1,"kind":"model","more":{json.dumps(manifest)}'
    path = forge(tmp_path_factory.mktemp("any") / "a.safetensors", words, tensors, data)
    with contextlib.suppress(ArtifactError):
        assert read(path).tensors.keys() == entries.keys()
