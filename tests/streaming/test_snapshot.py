import pytest

from ostinato.errors import StreamError
from ostinato.streaming.snapshot import MAGIC, opened, pack, unpack

ONE, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def test_every_changed_bit_is_found():
    data = pack(ONE, b"state of a stream")
    for place in range(8 * len(data)):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(StreamError):
            unpack(bytes(changed), ONE)


def test_every_truncation_is_found():
    data = pack(ONE, b"state")
    for length in range(len(data)):
        with pytest.raises(StreamError):
            unpack(data[:length], ONE)
    with pytest.raises(StreamError, match="98 of 97 bytes"):
        unpack(data + b"\0", ONE)


def test_a_state_of_another_model_is_refused_by_name():
    with pytest.raises(StreamError, match="belongs to the model sha256:111111111111"):
        unpack(pack(ONE, b""), OTHER)


@pytest.mark.parametrize("data", [None, "text", 3, b"other bytes", MAGIC[::-1]], ids=repr)
def test_what_is_no_state_is_refused(data):
    with pytest.raises(StreamError, match="state"):
        opened(data)


def test_a_later_format_asks_for_an_update():
    data = bytearray(pack(ONE, b""))
    data[16] = 9
    with pytest.raises(StreamError, match="pip install -U"):
        opened(data)
