from __future__ import annotations

import subprocess
import sys

import pytest

import ostinato.data


@pytest.mark.parametrize("name", ostinato.data.__all__)
def test_every_public_name_is_there(name):
    assert getattr(ostinato.data, name).__name__ == name
    assert name in dir(ostinato.data)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Tabel'"):
        _ = ostinato.data.Tabel


def test_only_batches_need_torch():
    code = """
import sys
sys.modules["torch"] = None
import ostinato.data
from ostinato.errors import MissingExtraError
try:
    ostinato.data.Batch
except MissingExtraError as error:
    assert "pip install 'ostinato[train]'" in str(error), error
else:
    raise SystemExit("Batch came without torch")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
