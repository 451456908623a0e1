from __future__ import annotations

import os
import re
import shlex

import pytest
import typer

from ostinato.cli import app
from tests.house.tree import ROOT, own_files, run_python

PAGES = [path for path in own_files() if path.suffix == ".md"]
# A block, and the remark before it that tells why it is not run.
BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>[^>]+?) -->\s*\n)?^```python\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE
)
SHELL = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|#|mailto:)([^)#\s]+)")


def name_of(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_code_of_a_page_runs(page, tmp_path):
    blocks = [m["code"] for m in BLOCK.finditer(page.read_text(encoding="utf-8")) if not m["reason"]]
    if blocks:
        # The blocks of one page go on from each other, in an empty folder.
        run_python("\n".join(blocks), cwd=tmp_path, env={**os.environ, "MPLBACKEND": "agg"})


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_links_of_a_page_lead_somewhere(page):
    dead = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert not dead


def command_lines(page):
    for block in SHELL.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.strip().removeprefix("$ "), comments=True)
            if words[:1] == ["ostinato"]:
                yield words[1:]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_commands_of_a_page_are_known(page):
    for words in command_lines(page):
        command, rest = typer.main.get_command(app), list(words)
        while rest and rest[0] in getattr(command, "commands", ()):
            command = command.commands[rest.pop(0)]
        assert not getattr(command, "commands", ()) or rest[0].startswith("-"), (
            f"no such verb: ostinato {' '.join(words)}"
        )
        known = {"-h", "--help"}.union(*((*param.opts, *param.secondary_opts) for param in command.params))
        unknown = {word.partition("=")[0] for word in rest if word.startswith("-")} - known
        assert not unknown, f"ostinato {' '.join(words)}"


def test_the_readme_names_commands_that_make_has():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in {"demo", "test"} | set(re.findall(r"^make (\w+)", readme, re.MULTILINE)):
        assert re.search(rf"^{target}:", rules, re.MULTILINE), f"make {target}"
    assert re.search(r"^make test$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
