from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ostinato.compiling.cache import open_cache
from tests.cli.terminal import refused, run

KEY, OTHER = "a1" * 32, "b2" * 32


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where compiled cells would be kept; nothing is there."""
    place = tmp_path / "kernels"
    monkeypatch.setenv("OSTINATO_CACHE", str(place))
    return place


@pytest.fixture
def kept(folder):
    cache = open_cache()
    cache.put(KEY, b"x" * 20_400, {"cell": "mine", "dtype": "float32", "target": "avx2"})
    cache.put(OTHER, b"x" * 9_600, {"cell": "peephole", "dtype": "float64", "target": "neon"})
    return cache


def test_an_empty_cache_is_told_and_not_made(folder):
    assert run("cache", "info").stdout == f"{folder}\nno kernels\n"
    assert run("cache", "clear").stdout == f"{folder} holds no kernels\n"
    assert json.loads(run("cache", "info", "--json").stdout) == {"path": str(folder), "kernels": [], "bytes": 0}
    assert not folder.exists()


def test_what_is_kept_is_told(kept, folder):
    place, head, *rows, total = run("cache", "info").stdout.splitlines()
    assert (place, total) == (str(folder), "2 kernels, 30 kB")
    assert head.split() == ["cell", "type", "target", "size", "compiled"]
    assert sorted(row.split()[:5] for row in rows) == [
        ["mine", "float32", "avx2", "20", "kB"],
        ["peephole", "float64", "neon", "10", "kB"],
    ]


def test_json_tells_the_same(kept, folder):
    told = json.loads(run("cache", "info", "--json").stdout)
    assert (told["path"], told["bytes"]) == (str(folder), 30_000)
    (mine,) = [kernel for kernel in told["kernels"] if kernel["cell"] == "mine"]
    assert mine.pop("date").endswith("+00:00")
    assert mine == {"key": KEY, "cell": "mine", "dtype": "float32", "target": "avx2", "bytes": 20_400}


def test_a_damaged_entry_is_told(kept, folder):
    (folder / f"{KEY}.json").write_text("{")
    told = [row.split()[:4] for row in run("cache", "info").stdout.splitlines()]
    assert ["damaged", "damaged", "damaged", "20"] in told


def test_clearing_says_what_was_removed(kept, folder):
    (folder / "notes.txt").write_text("precious")
    assert run("cache", "clear").stdout == f"removed 2 kernels, 30 kB from {folder}\n"
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_clearing_says_it_in_json_too(kept, folder):
    gone = json.loads(run("cache", "clear", "--json").stdout)
    assert {kernel["key"] for kernel in gone["kernels"]} == {KEY, OTHER}
    assert json.loads(run("cache", "info", "--json").stdout)["kernels"] == []


@pytest.mark.parametrize("verb", ["info", "clear"])
def test_a_directory_that_others_can_write_is_refused(kept, folder, verb):
    folder.chmod(0o777)
    assert f"is refused: others can write into {folder}" in refused("cache", verb)
    assert (folder / f"{KEY}.so").exists()


def test_unknown_verbs_and_flags_name_the_nearest():
    assert "unknown command 'ostinato cache cler'; did you mean 'clear'?" in refused("cache", "cler")
    assert "unknown flag '--jsn'; did you mean '--json'?" in refused("cache", "info", "--jsn")


def test_it_needs_no_torch_and_no_core(folder):
    code = (
        "import sys; sys.modules['torch'] = sys.modules['ostinato._core'] = None\n"
        "from ostinato.cli import app\napp(['cache', 'info'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"{folder}\nno kernels\n"), done.stderr
