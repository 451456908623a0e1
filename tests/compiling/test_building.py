from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from ostinato.compiling import building
from ostinato.compiling import cache as caches
from ostinato.compiling.building import build, load_kept
from ostinato.compiling.cache import open_cache
from ostinato.compiling.compiler import find_compiler, run_compiler
from ostinato.compiling.source import write_plugin
from ostinato.core import load_core
from ostinato.errors import CompileError, OutputError


@pytest.fixture
def plugin(cache, mine):
    return write_plugin(mine, "float32", load_core())


def built(plugin, seconds=60.0):
    return build(plugin, find_compiler(), "mine", "float32", seconds)


def test_it_is_compiled_once_and_kept(plugin, cache, capsys):
    first, second = built(plugin), built(plugin)
    assert first.address
    assert (first.path, second.path) == (str(cache / f"{plugin.key(find_compiler())}.so"),) * 2
    assert first.seconds > second.seconds == 0.0
    line = f"ostinato: compiling the cell 'mine' for {load_core().target}, float32 ... "
    assert capsys.readouterr().err.startswith(line)
    assert capsys.readouterr().err == ""
    assert load_kept(plugin, find_compiler()) == second


def test_nothing_else_is_left_behind(plugin, cache, monkeypatch, tmp_path):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    built(plugin)
    key = plugin.key(find_compiler())
    assert sorted(path.name for path in cache.iterdir()) == [f"{key}.json", f"{key}.so"]
    assert list(place.iterdir()) == []


def machine_code(plugin, source=None):
    """What the compiler makes of a plugin, or of another source, without loading it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in plugin.files.items():
            (Path(folder) / name).write_text(text if source is None else source)
        run_compiler(find_compiler(), plugin.arguments, Path(folder), 60.0)
        return (Path(folder) / "cell.so").read_bytes()


# Only what this process has never loaded is looked at again by the system's loader.
@pytest.mark.parametrize("damage", ["cut", "changed", "no library", "no description", "of another core"])
def test_a_damaged_entry_is_compiled_again(plugin, damage):
    kept, key, content = open_cache(), plugin.key(find_compiler()), machine_code(plugin)
    library = kept.put(key, content, {})
    if damage == "cut":
        library.write_bytes(content[:5000])
    elif damage == "changed":
        library.write_bytes(content[:-1] + b"!")
    elif damage == "no library":
        kept.put(key, b"a text, as it was written", {})
    elif damage == "of another core":
        kept.put(key, machine_code(plugin, "int nothing() { return 0; }\n"), {})
    else:
        (kept.folder / f"{key}.json").unlink()
    assert load_kept(plugin, find_compiler()) is None
    again = built(plugin)
    assert again.seconds > 0
    assert library.read_bytes() == content
    assert load_kept(plugin, find_compiler()).path == str(library)


def test_without_a_cache_it_serves_this_process_and_says_so_once(plugin, cache, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cache.parent.write_text("a file where the directory should be")
    results = [built(plugin), built(plugin)]
    assert all(one.address and one.path is None and one.seconds > 0 for one in results)
    told = capsys.readouterr().err
    assert told.count(f"compiled cells are not kept: the cache {cache} cannot be made: Not a directory") == 1
    assert not list(tmp_path.glob("ostinato-*"))


def test_a_cache_that_others_can_write_is_told_and_not_used(plugin, cache, capsys):
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    assert built(plugin).path is None
    assert f"refused: others can write into {cache}" in capsys.readouterr().err
    assert list(cache.iterdir()) == []
    assert load_kept(plugin, find_compiler()) is None


def test_a_full_disk_costs_the_entry_and_not_the_kernel(plugin, cache, monkeypatch, capsys):
    def refuse(path, content, **_):
        raise OutputError(f"cannot write {path} ({len(content)} bytes): the disk is full")

    monkeypatch.setattr(caches, "replace_file", refuse)
    result = built(plugin)
    assert result.address
    assert result.path is None
    assert "compiled cells are not kept: cannot write" in capsys.readouterr().err
    assert list(cache.iterdir()) == []


def test_libraries_that_may_not_be_run_from_the_cache_are_run_from_elsewhere(plugin, cache, monkeypatch, capsys):
    load = load_core().load_kernel

    def refuse(path):
        if str(cache) in path:
            raise ValueError("failed to map segment from shared object: Operation not permitted")
        return load(path)

    monkeypatch.setattr(load_core(), "load_kernel", refuse)
    result = built(plugin)
    assert result.address
    assert result.path is None
    assert f"not kept: {cache}: failed to map segment" in capsys.readouterr().err
    monkeypatch.setattr(load_core(), "load_kernel", lambda path: load("/no/such/file"))
    with pytest.raises(CompileError, match="the compiled cell cannot be loaded: "):
        built(plugin)
    assert list(cache.iterdir()) == []


def test_no_place_for_temporary_files_is_told(plugin, monkeypatch):
    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(CompileError, match="no place for temporary files: No space left on device"):
        built(plugin)


def test_a_disk_that_fills_while_compiling_is_told(plugin, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(building, "run_compiler", full)
    with pytest.raises(CompileError, match=r"cannot be compiled in .*: No space left on device"):
        built(plugin)
    assert capsys.readouterr().err.endswith("... failed\n")


def test_a_compiler_that_fails_is_told_with_what_it_says(plugin, cache, monkeypatch, script, capsys):
    monkeypatch.setenv("CXX", script("echo no such luck; exit 1"))
    with pytest.raises(CompileError, match="fails with code 1: no such luck"):
        built(plugin)
    monkeypatch.setenv("CXX", script("exit 0", "silent"))
    with pytest.raises(CompileError, match=r"cannot be compiled in .*: No such file"):
        built(plugin)
    assert capsys.readouterr().err.count("failed\n") == 2
    assert list(cache.iterdir()) == []


def test_a_compiler_that_hangs_is_ended(plugin, cache, monkeypatch, script, capsys):
    monkeypatch.setenv("CXX", script("sleep 600"))
    with pytest.raises(CompileError, match=r"was ended after 0.3 s"):
        built(plugin, 0.3)
    assert capsys.readouterr().err.endswith("... failed\n")
    assert list(cache.iterdir()) == []


def test_the_kept_library_is_readable_by_its_user_alone(plugin, cache):
    assert os.stat(built(plugin).path).st_uid == os.geteuid()
    assert cache.stat().st_mode & 0o077 == 0
