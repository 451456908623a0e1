"""Checks an sdist and a wheel that was built from it; run by CI in an environment with the wheel and no extras.

``python tests/house/wheel.py ostinato-0.1.0.tar.gz ostinato-0.1.0-....whl``
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    path.relative_to(ROOT).as_posix() for path in (ROOT / "src").rglob("*.py*") if path.suffix in (".py", ".pyi")
}
ONLY_TO_BUILD = {"CMakeLists.txt", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}


def check_sdist(path: str) -> None:
    """The sdist has what the build reads, and nothing else."""
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = SOURCES | ONLY_TO_BUILD | {"src/ostinato/py.typed"} | {f"csrc/{p.name}" for p in (ROOT / "csrc").iterdir()}
    assert names == wanted, f"missing: {sorted(wanted - names)}; too much: {sorted(names - wanted)}"


def check_wheel(path: str) -> None:
    """The wheel has the package, its types, its licence and one compiled module, and nothing else."""
    with zipfile.ZipFile(path) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        information = {name.partition(".dist-info/")[2] for name in archive.namelist() if ".dist-info/" in name}
    compiled = {name for name in names if name.startswith("ostinato/_core.") and not name.endswith(".pyi")}
    wanted = {name.removeprefix("src/") for name in SOURCES} | {"ostinato/py.typed"} | compiled
    assert len(compiled) == 1, f"wanted one compiled module, got {sorted(compiled)}"
    assert names == wanted, f"missing: {sorted(wanted - names)}; too much: {sorted(names - wanted)}"
    assert {"METADATA", "entry_points.txt", "licenses/LICENSE"} <= information, sorted(information)


def run(*command: str, status: int = 0) -> str:
    """What a command prints, run outside the checkout; its exit status is checked."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == status, f"{' '.join(command)} ended with {done.returncode}:\n{said}"
    return said


# A layer of three units as its file; there is no torch to train one.
LAYER = """
import numpy as np
from ostinato import artifact
from ostinato.cells import gru
rng = np.random.default_rng(1)
tensors = {f"body.layers.0.0.{n}": rng.standard_normal(s).astype("f4") for n, s in gru.shapes(2, 3).items()}
parts = {"embed": {"kind": "numbers", "width": 2}, "body": {"cell": "gru", "hidden": [3]}}
artifact.write("layer.safetensors", tensors, {"kind": "network", "architecture": parts})
"""


def check_stream(command: str) -> None:
    """A stream and an export to C need the base alone; ONNX says what it needs."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", LAYER], cwd=folder, check=True)
        words = [command, "stream", "layer.safetensors"]
        done = subprocess.run(words, cwd=folder, input="0.5,1\n1,2\n", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert [len(line.split(",")) for line in done.stdout.splitlines()] == [3, 3], done.stdout
        assert "yes: ostinato stream" in run(command, "info", f"{folder}/layer.safetensors")
        assert "bytes of state" in run(
            command, "export", f"{folder}/layer.safetensors", "--to", "c", "-o", f"{folder}/layer.c"
        )
        onnx = ("--to", "onnx", "-o", f"{folder}/layer.onnx")
        said = run(command, "export", f"{folder}/layer.safetensors", *onnx, status=2)
        assert "pip install 'ostinato[onnx]'" in said, said


def check_installed() -> None:
    """The installed package works without torch, and says what is missing and how to get it."""
    assert importlib.util.find_spec("torch") is None, "this check wants an environment without torch"
    command = str(Path(sys.executable).parent / "ostinato")
    table = run(
        sys.executable, "-c", "from ostinato.core import load_core; print(*(c.name for c in load_core().cells()))"
    )
    assert "lstm" in table.split(), table
    assert "site-packages" in run(sys.executable, "-c", "import ostinato; print(ostinato.__file__)")
    assert "train" in run(command, "--help")
    assert run(sys.executable, "-m", "ostinato", "--help")
    assert "torch" in run(command, "check-install")
    # Whichever way one comes to what needs an extra, the message has the command that installs it.
    ways = ("ostinato.layers", "ostinato.TextClassifier().fit(['a b', 'c d'], ['a', 'c'])", "ostinato.train.train")
    for way in ways:
        said = run(sys.executable, "-c", f"import ostinato; {way}", status=1)
        assert "pip install 'ostinato[" in said, said
    check_stream(command)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "train.csv")
        table.write_text("text,label\nturn on,on\nturn off,off\n")
        flags = ("--text", "text", "--label", "label", "--output", f"{folder}/m.safetensors")
        said = run(command, "train", "text-classifier", str(table), *flags, status=2)
    assert "pip install 'ostinato[" in said, said
    assert "Traceback" not in said, said


if __name__ == "__main__":
    check_sdist(sys.argv[1])
    check_wheel(sys.argv[2])
    check_installed()
    print("the sdist, the wheel and the installed package are as they should be")
