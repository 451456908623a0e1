from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from ostinato.lowering import source_digest
from ostinato.lowering.sources import source_files
from tests.house.tree import PACKAGE, ROOT, pyproject, run_python

CSRC = ROOT / "csrc"


def compiler(*names):
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        pytest.skip(f"none of the compilers {', '.join(names)} is on the path; the build needs one, this test too")
    return found


def run(*command, cwd=ROOT):
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_header_is_plain_c(tmp_path):
    program = tmp_path / "program.c"
    program.write_text('#include "ostinato.h"\nint main(void) { return ostinato_cell_at(0) == 0; }\n')
    run(
        compiler("cc", "gcc", "clang"),
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        "-fsyntax-only",
        f"-I{CSRC}",
        program,
    )


def test_only_the_door_knows_python():
    for path in [*CSRC.glob("*.h"), *CSRC.glob("*.cc"), *CSRC.glob("*.inl")]:
        included = " ".join(re.findall(r"#\s*include\s*[<\"]([^>\"]+)", path.read_text(encoding="utf-8")))
        knows = re.search(r"Python|nanobind|pybind|torch|ATen", included)
        assert not knows or path.name.startswith("bind"), path.name


def test_a_c_program_reads_the_table(tmp_path):
    run(sys.executable, "-m", "ostinato.lowering", "--out", tmp_path)
    program = tmp_path / "program.cc"
    program.write_text(
        '#include "ostinato.h"\n#include <cstring>\n'
        "int main() {\n"
        "  if (std::strlen(ostinato_source_digest()) != 64) return 1;\n"
        "  if (ostinato_cell_at(-1) || ostinato_cell_at(ostinato_cell_count())) return 2;\n"
        '  return std::strcmp(ostinato_cell_at(ostinato_cell_count() - 1)->name, "") == 0;\n'
        "}\n"
    )
    warnings = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror")
    checks = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    empty, binary = tmp_path / "empty.cc", tmp_path / "program"
    empty.write_text("int main() { return 0; }\n")
    if subprocess.run(
        [compiler("c++", "g++", "clang++"), *checks, empty, "-o", binary], capture_output=True
    ).returncode:
        pytest.skip("the compiler has no sanitizers (Fedora: dnf install libasan libubsan), so memory goes unchecked")
    run(
        compiler("c++", "g++", "clang++"),
        "-std=c++17",
        *warnings,
        *checks,
        f"-I{CSRC}",
        f"-I{tmp_path}",
        CSRC / "cells.cc",
        program,
        "-o",
        binary,
    )
    run(binary)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of what the build reads, configured with CMake."""
    cmake = shutil.which("cmake")
    if cmake is None:
        pytest.skip(
            "cmake is not on the path (pip's isolated build brings its own), so the build's dependencies go unseen"
        )
    nanobind = pytest.importorskip("nanobind", reason="nanobind is in the extra 'test'")
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(CSRC, root / "csrc")
    shutil.copytree(PACKAGE, root / "src" / "ostinato", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    shutil.copy(ROOT / "CMakeLists.txt", root)
    options = (f"-DPython_EXECUTABLE={sys.executable}", f"-Dnanobind_DIR={nanobind.cmake_dir()}")
    run(cmake, "-S", root, "-B", root / "build", *options)
    return root


def generate(root):
    run("cmake", "--build", root / "build", "--target", "ostinato_generated")
    table = root / "build" / "generated" / "cells.inc"
    return re.search('source_digest.*"([0-9a-f]{64})"', table.read_text())[1], table.stat().st_mtime_ns


def test_generated_sources_follow_every_file_that_they_are_made_from(checkout):
    digest, written = generate(checkout)
    assert digest == source_digest()
    assert generate(checkout) == (digest, written)
    seen = {digest}
    for path in source_files():
        with open(checkout / "src" / "ostinato" / path.relative_to(PACKAGE), "a") as file:
            file.write("# A change.\n")
        digest, _ = generate(checkout)
        assert digest not in seen, f"a change of {path.name} did not reach the generated sources"
        seen.add(digest)


def test_generated_sources_follow_a_new_file(checkout):
    before, _ = generate(checkout)
    (checkout / "src" / "ostinato" / "cells" / "new.py").write_text('"""A new family of cells."""\n')
    after, _ = generate(checkout)
    assert after != before


def test_the_digest_covers_all_that_lowering_imports():
    # Whatever generation loads of the package decides what is generated.
    script = """
import sys
from ostinato.lowering.table import cell_table
cell_table()
print(*(module.__file__ for name, module in sys.modules.items() if name.startswith("ostinato.")), sep="\\n")
"""
    loaded = run_python(script).split("\n")
    assert {str(path) for path in source_files()} >= {line for line in loaded if line}


def test_the_sdist_lists_all_kinds_of_sources():
    listed = pyproject()["tool"]["scikit-build"]["sdist"]["include"]
    kinds = {path.suffix for path in CSRC.iterdir()}
    assert {f"/csrc/*{kind}" for kind in kinds} <= set(listed)
