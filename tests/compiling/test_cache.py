from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ostinato.compiling import cache as caches
from ostinato.compiling.cache import Cache, cache_folder, check_private, open_cache
from ostinato.errors import OutputError

KEY, OTHER = "a1" * 32, "b2" * 32
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to somebody else")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A cache with one entry."""
    monkeypatch.setenv("OSTINATO_CACHE", str(tmp_path / "kernels"))
    found = open_cache()
    found.put(KEY, b"code", {"cell": "mine", "dtype": "float32", "target": "avx2"})
    return found


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_place_is_asked_for_or_among_the_user_s_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("OSTINATO_CACHE", "some/where")
    assert cache_folder() == Path.cwd() / "some" / "where"
    monkeypatch.setenv("OSTINATO_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "ostinato" / "kernels"
    monkeypatch.setenv("HOME", str(tmp_path))
    # A relative path counts for nothing there.
    monkeypatch.setenv("XDG_CACHE_HOME", "caches")
    assert cache_folder() == tmp_path / ".cache" / "ostinato" / "kernels"
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    with pytest.raises(OutputError, match=r"no home directory .* set OSTINATO_CACHE"):
        cache_folder()


def test_it_is_made_for_its_user_alone(kept, monkeypatch, tmp_path):
    assert kept.folder.stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("OSTINATO_CACHE", str(tmp_path / "a" / "b"))
    before = os.umask(0)
    try:
        assert open_cache().folder.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700


def test_looking_makes_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("OSTINATO_CACHE", str(tmp_path / "kernels"))
    found = open_cache(make=False)
    assert (found.entries(), found.clear(), found.find(KEY)) == ([], [], None)
    assert names(tmp_path) == []


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777, 0o707, 0o720])
def test_a_directory_that_others_can_write_is_refused(kept, mode):
    kept.folder.chmod(mode)
    for make in (True, False):
        with pytest.raises(OutputError, match=f"others can write into {kept.folder} .*: chmod go-w {kept.folder}"):
            open_cache(make=make)


def test_a_link_to_a_directory_that_others_can_write_is_refused(kept, monkeypatch, tmp_path):
    (tmp_path / "link").symlink_to(kept.folder)
    monkeypatch.setenv("OSTINATO_CACHE", str(tmp_path / "link"))
    assert open_cache().folder == kept.folder
    kept.folder.chmod(0o777)
    with pytest.raises(OutputError, match="others can write"):
        open_cache()


def test_what_could_be_renamed_away_by_others_is_refused(kept):
    above = kept.folder.parent
    above.chmod(0o777)
    with pytest.raises(OutputError, match=f"others can write into {above} "):
        open_cache()
    # In a sticky directory such as /tmp nobody renames what is another's; many systems give each user a group.
    for mode in (0o1777, 0o775):
        above.chmod(mode)
        assert open_cache().find(KEY)


@AS_ROOT
@pytest.mark.parametrize("which", [0, 1])
def test_a_directory_of_somebody_else_is_refused(kept, which):
    place = [kept.folder, *kept.folder.parents][which]
    os.chown(place, 4242, 4242)
    with pytest.raises(OutputError, match=rf"{place} belongs to another user \(number 4242\).* set OSTINATO_CACHE"):
        open_cache()


def test_what_is_no_directory_is_told(kept, monkeypatch):
    monkeypatch.setenv("OSTINATO_CACHE", str(kept.library(KEY)))
    with pytest.raises(OutputError, match="cannot be made: File exists"):
        open_cache()
    with pytest.raises(OutputError, match="is not a directory"):
        open_cache(make=False)
    monkeypatch.setenv("OSTINATO_CACHE", str(kept.library(KEY) / "below"))
    with pytest.raises(OutputError, match="cannot be made: Not a directory"):
        open_cache()
    with pytest.raises(OutputError, match="cannot be read: No such file"):
        check_private(kept.folder / "absent")


def test_what_is_put_is_found(kept):
    assert kept.find(KEY) == kept.folder / f"{KEY}.so"
    assert kept.find(KEY).read_bytes() == b"code"
    assert kept.find(OTHER) is None
    (entry,) = kept.entries()
    assert (entry.key, entry.size, entry.facts["cell"]) == (KEY, 4, "mine")


def test_what_is_removed_is_not_found(kept):
    kept.remove(KEY)
    kept.remove(OTHER)
    assert names(kept.folder) == []


@pytest.mark.parametrize("content", [b"", b"cod", b"code!", b"edoc"])
def test_a_changed_library_is_not_found(kept, content):
    kept.library(KEY).write_bytes(content)
    assert kept.find(KEY) is None


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_a_library_that_others_could_change_is_not_found(kept, mode):
    kept.library(KEY).chmod(mode)
    assert kept.find(KEY) is None
    kept.put(KEY, b"code", {})
    assert kept.library(KEY).stat().st_mode & 0o777 == 0o600
    assert kept.find(KEY)


def test_what_is_put_is_private_whatever_the_user_s_habits(kept):
    before = os.umask(0)
    try:
        kept.put(OTHER, b"more", {})
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in kept.folder.iterdir()} == {0o600}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"sha256": 3}', "null", "[" * 100_000, "\x00\xff"])
def test_a_damaged_description_makes_no_entry(kept, text):
    (kept.folder / f"{KEY}.json").write_text(text, encoding="latin-1")
    assert kept.find(KEY) is None
    assert kept.entries()[0].facts.get("cell") is None


def test_a_library_without_its_description_is_not_found(kept):
    (kept.folder / f"{KEY}.json").unlink()
    assert kept.find(KEY) is None


def test_what_interrupts_writing_leaves_no_half_entry(kept, monkeypatch):
    written = caches.replace_file

    def stopped(path, content, **how):
        if str(path).endswith(".json"):
            raise KeyboardInterrupt
        written(path, content, **how)

    monkeypatch.setattr(caches, "replace_file", stopped)
    with pytest.raises(KeyboardInterrupt):
        kept.put(OTHER, b"more", {})
    assert names(kept.folder) == [f"{KEY}.json", f"{KEY}.so"]


def test_entries_come_newest_first(kept):
    kept.put(OTHER, b"more", {})
    os.utime(kept.library(KEY), (1, 1))
    assert [entry.key for entry in kept.entries()] == [OTHER, KEY]


def test_clearing_removes_what_is_ours_and_nothing_else(kept, tmp_path):
    kept.put(OTHER, b"more", {})
    hashed = hashlib.sha256(b"x").hexdigest()
    foreign = ["notes.txt", f"{hashed}.txt", "a.so", f"{hashed[:-1]}.so", f"{hashed}.so.bak", ".hidden.tmp"]
    for name in foreign:
        (kept.folder / name).write_text("precious")
    left = [f".{hashed[:50]}.0123456789ab.tmp", f"{hashed}.lock", f"{hashed}.json"]
    for name in left:
        (kept.folder / name).write_text("")
    (kept.folder / f"{hashed}.so").mkdir()
    outside = tmp_path / "outside"
    outside.write_text("precious")
    (kept.folder / f"{'c3' * 32}.so").symlink_to(outside)
    gone = kept.clear()
    assert {entry.key for entry in gone} == {KEY, OTHER}
    assert names(kept.folder) == sorted([*foreign, f"{hashed}.so", f"{'c3' * 32}.so"])
    assert outside.read_text() == "precious"
    assert kept.clear() == []


def test_one_thread_of_a_process_after_the_other_gets_the_lock(kept):
    with kept.lock(KEY, 1.0):
        assert f"{KEY}.lock" in names(kept.folder)
    with kept.lock(KEY, 1.0):
        pass
    assert f"{KEY}.lock" not in names(kept.folder)


HOLD = """
import sys
from pathlib import Path
from ostinato.compiling.cache import Cache
cache = Cache(Path(sys.argv[1]))
with cache.lock(sys.argv[2], 10.0):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(kept):
    """Another process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(kept.folder), KEY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.stdin.close()
    process.wait()
    process.stdout.close()


def test_another_process_waits_for_the_lock(kept, holder):
    order = []

    def wait():
        with kept.lock(KEY, 60.0):
            order.append("mine")

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.2)
    order.append("theirs")
    holder.stdin.write("\n")
    holder.stdin.flush()
    thread.join()
    assert order == ["theirs", "mine"]


def test_who_has_waited_long_enough_goes_on_without_the_lock(kept, holder):
    with kept.lock(KEY, 0.0), kept.lock(OTHER, 0.0):
        assert f"{OTHER}.lock" in names(kept.folder)
    assert f"{KEY}.lock" in names(kept.folder)
    kept.clear()
    assert names(kept.folder) == [f"{KEY}.lock"]


def test_a_killed_holder_holds_nothing(kept, holder):
    holder.kill()
    holder.wait()
    with kept.lock(KEY, 0.0):
        assert f"{KEY}.lock" in names(kept.folder)
    assert f"{KEY}.lock" not in names(kept.folder)


def test_a_file_system_without_locks_is_used_all_the_same(kept, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(caches.fcntl, "lockf", refuse)
    with kept.lock(KEY, 0.0):
        kept.put(KEY, b"new", {})
    assert kept.find(KEY).read_bytes() == b"new"
    with Cache(kept.folder / "absent").lock(KEY, 0.0):
        pass


def test_what_cannot_be_read_is_told(kept, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(caches.os, "scandir", refuse)
    with pytest.raises(OutputError, match="cannot be read: Permission denied"):
        kept.entries()


def test_a_description_says_what_was_put(kept):
    facts = json.loads((kept.folder / f"{KEY}.json").read_text())
    assert facts == {
        "cell": "mine",
        "dtype": "float32",
        "target": "avx2",
        "sha256": hashlib.sha256(b"code").hexdigest(),
    }
