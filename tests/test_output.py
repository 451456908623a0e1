from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from ostinato.errors import OutputError
from ostinato.output import new_file, probe_output, replace_file

NEW = b"new" * 1000


def refusal(call, *arguments):
    with pytest.raises(OutputError) as caught:
        call(*arguments)
    return str(caught.value)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("old", [None, b"", b"old" * 9999])
def test_a_file_is_replaced_whole(tmp_path, old):
    path = tmp_path / "a.bin"
    if old is not None:
        path.write_bytes(old)
    replace_file(path, NEW)
    assert path.read_bytes() == NEW
    assert files(tmp_path) == ["a.bin"]


STEPS = ("open", "write", "fsync", "replace", "close")


def fail_at(monkeypatch, step, error, times=1):
    """Let one step of the operating system fail; closing fails after it has closed."""
    true = getattr(os, step)
    left = [times]

    def fail(*arguments):
        if step == "close":
            true(*arguments)
        if left[0]:
            left[0] -= 1
            raise error
        return None if step == "close" else true(*arguments)

    monkeypatch.setattr(os, step, fail)


@pytest.mark.parametrize("old", [None, b"old"])
@pytest.mark.parametrize("step", STEPS[:-1])
def test_a_full_disk_at_any_step_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step, old):
    path = tmp_path / "a.bin"
    if old is not None:
        path.write_bytes(old)
    with monkeypatch.context() as patch:
        fail_at(patch, step, OSError(errno.ENOSPC, "No space left on device"))
        message = refusal(replace_file, path, NEW)
    assert message == f"cannot write {path} (3,000 bytes): the disk is full; what stood there is untouched"
    assert files(tmp_path) == ([] if old is None else ["a.bin"])
    assert old is None or path.read_bytes() == old


@pytest.mark.parametrize("step", STEPS[:-1])
def test_ctrl_c_at_any_step_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        fail_at(patch, step, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            replace_file(path, NEW)
    assert path.read_bytes() == b"old"
    assert files(tmp_path) == ["a.bin"]


def test_closing_that_fails_is_told(tmp_path, monkeypatch):
    # By then the new file is in place; some network disks report a full disk only here.
    path = tmp_path / "a.bin"
    with monkeypatch.context() as patch:
        fail_at(patch, "close", OSError(errno.EDQUOT, "Quota exceeded"))
        assert "the disk quota is used up" in refusal(replace_file, path, NEW)
    assert files(tmp_path) in ([], ["a.bin"])


def test_a_write_that_takes_only_a_part_is_continued(tmp_path, monkeypatch):
    true = os.write
    monkeypatch.setattr(os, "write", lambda file, data: true(file, data[:7]))
    replace_file(tmp_path / "a.bin", NEW)
    assert (tmp_path / "a.bin").read_bytes() == NEW


def test_a_directory_that_cannot_be_synced_matters_only_if_the_disk_fails(tmp_path, monkeypatch):
    true = os.fsync

    def fsync(number):
        def sync(file):
            if stat.S_ISDIR(os.fstat(file).st_mode):
                raise OSError(number, os.strerror(number))
            true(file)

        return sync

    monkeypatch.setattr(os, "fsync", fsync(errno.EINVAL))
    replace_file(tmp_path / "a.bin", b"one")
    monkeypatch.setattr(os, "fsync", fsync(errno.EIO))
    message = refusal(replace_file, tmp_path / "a.bin", NEW)
    assert message.endswith("a.bin is written, but may not survive a power cut: Input/output error")
    assert (tmp_path / "a.bin").read_bytes() == NEW


def test_a_truly_full_device_is_told(tmp_path, monkeypatch):
    if not os.path.exists("/dev/full"):
        pytest.skip("/dev/full is missing; only Linux has a device that is always full")
    true = os.open
    monkeypatch.setattr(
        os, "open", lambda path, flags, *mode: true("/dev/full" if flags & os.O_CREAT else path, os.O_WRONLY)
    )
    for call in (lambda: replace_file(tmp_path / "a.bin", NEW), lambda: probe_output(tmp_path / "a.bin")):
        assert "the disk is full; what stood there is untouched" in refusal(call)


def run(code, *arguments, **options):
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, **options)


def test_a_limit_of_file_sizes_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    code = """
import resource, sys
from ostinato.output import replace_file
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
replace_file(sys.argv[1], bytes(1_000_000))
"""
    done = run(code, path)
    assert f"OutputError: cannot write {path} (1,000,000 bytes): a file of this size is not allowed" in done.stderr
    assert path.read_bytes() == b"old"
    assert files(tmp_path) == ["a.bin"]


def test_a_killed_writer_leaves_the_old_or_the_new_file_and_the_next_one_sweeps(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"\0" * 2_000_000)
    code = """
import sys
from ostinato.output import replace_file
print("ready", flush=True)
number = 0
while True:
    number = (number + 1) % 256
    replace_file(sys.argv[1], bytes([number]) * 2_000_000)
"""
    left = 0
    for wait in (0.05, 0.11, 0.17):
        writer = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE)
        writer.stdout.readline()
        time.sleep(wait)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        data = path.read_bytes()
        assert data == data[:1] * 2_000_000
        left += len(files(tmp_path)) - 1
    # Whether a kill met the writer in the middle is chance; one file more is certain.
    (tmp_path / f".a.bin.{'0' * 12}.tmp").write_bytes(b"cut o")
    (tmp_path / "a.bin.tmp").write_bytes(b"somebody else's")
    replace_file(path, NEW)
    assert files(tmp_path) == ["a.bin", "a.bin.tmp"]
    assert path.read_bytes() == NEW


def test_a_file_that_another_process_is_writing_is_not_swept(tmp_path):
    path = tmp_path / "a.bin"
    code = """
import os, sys
from ostinato import output
true = os.fsync
def wait(file):
    print("writing", flush=True)
    sys.stdin.readline()
    true(file)
os.fsync = wait
output.replace_file(sys.argv[1], b"theirs")
"""
    other = subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    other.stdout.readline()
    replace_file(path, b"ours")
    assert len(files(tmp_path)) == 2
    other.communicate("go on\ngo on\n")
    assert other.returncode == 0
    assert path.read_bytes() == b"theirs"
    assert files(tmp_path) == ["a.bin"]


def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    link, target = tmp_path / "latest.bin", tmp_path / "real" / "a.bin"
    link.symlink_to(target)
    replace_file(link, NEW)
    assert link.is_symlink()
    assert target.read_bytes() == NEW
    assert files(tmp_path / "real") == ["a.bin"]


def test_permissions_of_an_older_file_are_kept_and_new_ones_follow_the_umask(tmp_path):
    old, new = tmp_path / "old.bin", tmp_path / "new.bin"
    old.write_bytes(b"")
    old.chmod(0o640)
    before = os.umask(0o027)
    try:
        replace_file(old, NEW)
        replace_file(new, NEW)
    finally:
        os.umask(before)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert stat.S_IMODE(new.stat().st_mode) == 0o640


def test_a_private_file_is_private_whatever_stood_there_and_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        for path in (tmp_path / "new", tmp_path / "old"):
            if path.name == "old":
                path.write_bytes(b"old")
                path.chmod(0o666)
            replace_file(path, b"mine", private=True)
            assert path.stat().st_mode & 0o777 == 0o600
            assert path.read_bytes() == b"mine"
    finally:
        os.umask(before)


def test_a_name_of_the_greatest_length_can_be_written(tmp_path):
    for name in ("a" * 255, "é" * 127):
        probe_output(tmp_path / name)
        replace_file(tmp_path / name, NEW)
        assert (tmp_path / name).read_bytes() == NEW


def test_probing_leaves_everything_as_it_was(tmp_path):
    path = tmp_path / "a.bin"
    probe_output(path)
    assert files(tmp_path) == []
    path.write_bytes(b"old")
    probe_output(path)
    assert path.read_bytes() == b"old"
    assert files(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("call", [probe_output, lambda path: replace_file(path, NEW)], ids=["probe", "write"])
class TestWhereNothingCanBeWritten:
    def test_a_directory(self, call, tmp_path):
        assert refusal(call, tmp_path) == f"cannot write {tmp_path}: it is a directory; name a file in it"
        assert (
            refusal(call, f"{tmp_path}/models/")
            == f"cannot write {tmp_path}/models/: it is a directory; name a file in it"
        )

    def test_no_parent(self, call, tmp_path):
        path = tmp_path / "models" / "a.bin"
        assert refusal(call, path) == f"cannot write {path}: there is no directory {path.parent}; make it first"

    def test_below_a_file(self, call, tmp_path):
        (tmp_path / "file").write_bytes(b"")
        path = tmp_path / "file" / "a.bin"
        assert refusal(call, path) == f"cannot write {path}: {path.parent} is not a directory"

    def test_a_device(self, call):
        assert refusal(call, "/dev/null") == "cannot write /dev/null: it is not an ordinary file"
        assert stat.S_ISCHR(os.stat("/dev/null").st_mode)

    def test_a_nul_in_the_name(self, call):
        assert refusal(call, "a\0b") == "a path cannot hold a NUL character, got 'a\\x00b'"

    def test_a_name_that_is_too_long(self, call, tmp_path):
        message = refusal(call, tmp_path / ("a" * 256))
        assert "File name too long" in message

    def test_a_file_system_that_is_read_only(self, call, tmp_path, monkeypatch):
        fail_at(monkeypatch, "open", OSError(errno.EROFS, "Read-only file system"))
        assert "the file system is read-only; what stood there is untouched" in refusal(call, tmp_path / "a.bin")


AS_NOBODY = """
import os, sys
from ostinato.output import probe_output
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for path in sys.argv[1:]:
    try:
        probe_output(path)
    except OSError as error:
        print(error)
    else:
        print("writable", path)
"""


def test_permissions_are_found_out_by_probing():
    # Root may write everywhere, so root asks as nobody, in a place that nobody may enter.
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        closed, locked, free = folder / "closed", folder / "locked.bin", folder / "free.bin"
        closed.mkdir()
        locked.write_bytes(b"old")
        folder.chmod(0o777)
        closed.chmod(0o555)
        locked.chmod(0o444)
        done = run(AS_NOBODY, closed / "a.bin", locked, free)
        closed.chmod(0o755)
        refused = "writing is not permitted in this directory; what stood there is untouched"
        assert done.stdout.splitlines() == [
            f"cannot write {closed / 'a.bin'}: {refused}",
            f"cannot write {locked}: the file is write-protected",
            f"writable {free}",
        ], done.stderr
        assert files(folder) == ["closed", "locked.bin"]


def test_a_file_written_in_parts_stands_there_when_it_is_whole(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with new_file(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    with pytest.raises(KeyError), new_file(path) as file:
        raise KeyError(file.write(b"half"))
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.bin"]
    with pytest.raises(OutputError, match="there is no directory"), new_file(tmp_path / "no" / "a.bin"):
        pass
    with pytest.raises(OutputError, match="the disk is full; what stood there is untouched"), new_file(path) as file:
        raise OSError(errno.ENOSPC, "No space left on device")
    assert path.read_bytes() == b"new"
