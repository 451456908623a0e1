"""The state of a stream as bytes: versioned, bound to the model, and guarded by a hash over every byte."""

from __future__ import annotations

import hashlib
import struct

from ostinato.errors import StreamError

MAGIC = b"ostinato stream\n"
VERSION = 1
# Magic, version, length of the content, hash of the model.
_HEAD = struct.Struct("<16sIQ32s")
_HASH = 32


def pack(digest: str, content: bytes) -> bytes:
    """The bytes that keep the content of a stream of the model with this digest.

    >>> data = pack("sha256:" + "0" * 64, b"state")
    >>> len(data), unpack(data, "sha256:" + "0" * 64)
    (97, b'state')
    """
    body = _HEAD.pack(MAGIC, VERSION, len(content), _bytes(digest)) + content
    return body + hashlib.sha256(body).digest()


def unpack(data: bytes | bytearray | memoryview, digest: str) -> bytes:
    """The content of :func:`pack`.

    Raises :class:`~ostinato.errors.StreamError` for bytes that are cut off, changed, foreign, from a later version, or
    of another model.
    """
    model, content = opened(data)
    if model != digest:
        raise StreamError(
            f"this state belongs to the model {model[:19]}..., and the stream runs {digest[:19]}...; "
            "restore it with the model it was taken from"
        )
    return content


def opened(data: bytes | bytearray | memoryview) -> tuple[str, bytes]:
    """The digest of the model that a snapshot belongs to, and its content, after verifying every byte."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise StreamError(f"a state wanted bytes that snapshot() gave, got {type(data).__name__}")
    data = bytes(data)
    if not data.startswith(MAGIC[: len(data)]) or not data:
        raise StreamError("these bytes are no state of a stream; restore() wants what snapshot() gave")
    if len(data) < _HEAD.size + _HASH:
        raise StreamError(f"the state is cut off: it has only {len(data)} bytes; take it again")
    _, version, length, model = _HEAD.unpack_from(data)
    if version > VERSION:
        raise StreamError(
            f"the state was written by a later version of ostinato (format {version}, this version reads {VERSION}); "
            "update with: pip install -U ostinato"
        )
    wanted = _HEAD.size + length + _HASH
    if len(data) != wanted:
        what = "is cut off" if len(data) < wanted else "is damaged"
        raise StreamError(f"the state {what}: it has {len(data):,} of {wanted:,} bytes; take it again")
    if hashlib.sha256(data[:-_HASH]).digest() != data[-_HASH:] or version != VERSION:
        raise StreamError("the state is damaged: its hash does not match its content; take it again")
    return f"sha256:{model.hex()}", data[_HEAD.size : -_HASH]


def _bytes(digest: str) -> bytes:
    return bytes.fromhex(digest.removeprefix("sha256:"))
