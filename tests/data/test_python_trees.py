from __future__ import annotations

import ast

import pytest

from ostinato.data.expressions import write_tree
from ostinato.data.python_trees import python_tree, read_python
from ostinato.errors import DataError, OptionError


def written(source, **options):
    return write_tree(python_tree(source, **options))


def test_names_of_types_are_inner_words_and_identifiers_leaves():
    assert written("a.b = f(x, k=2)") == (
        "(Module (Assign (Attribute (Name a) b) (Call (Name f) (Name x) (keyword k (Constant 2)))))"
    )


def test_identifiers_and_constants_may_be_left_out():
    assert written("x = 'text'", identifiers=False, constants="none") == "(Module (Assign Name Constant))"
    assert written("x = 'text'", constants="kinds") == "(Module (Assign (Name x) (Constant str)))"
    assert written("x = None", constants="values") == "(Module (Assign (Name x) (Constant None)))"


def test_a_part_of_a_module_has_a_tree_too():
    [function] = read_python("async def f(*a, b=1): pass").body
    tree = python_tree(function)
    assert tree.words[0] == "AsyncFunctionDef"
    assert "b" in tree.words


def test_every_construct_of_the_language_has_a_tree():
    source = (
        "match x:\n case [1, *r] if r: pass\n case {'k': v, **m}: pass\nwith a as b: global g\n"
        "lambda *a, **k: (yield)\ntry:\n raise E from None\nexcept E as e: ...\n"
        "f'{x!r:>{w}}'\n@d\nclass C(B, metaclass=M): x: int = 1\nfrom . import y as z\n"
    )
    module = ast.parse(source)
    nodes = sum(not isinstance(node, ast.Load | ast.Store | ast.Del) for node in ast.walk(module))
    tree = python_tree(module, identifiers=False, constants="none")
    assert len(tree) == nodes


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f(:", "mod.py, line 1, column 7: this is not Python"),
        ("x = 1\n  y", "mod.py, line 2"),
        ("a\0b", "mod.py"),
        ("(" * 5_000 + ")" * 5_000, "mod.py"),
        ("x = " + "-" * 200_000 + "1", "mod.py: nested deeper than Python's parser reads"),
    ],
)
def test_what_python_refuses_is_refused_with_its_place(source, words):
    with pytest.raises(DataError, match=words):
        read_python(source, name="mod.py")


def test_invalid_escapes_of_old_source_pass_in_silence(recwarn):
    read_python("'\\d'")
    assert not recwarn.list


def test_numbers_too_long_to_be_written_are_written_in_hexadecimal():
    assert python_tree("0x" + "f" * 9_000).words[-1].startswith("0xfff")


def test_an_unknown_way_to_write_constants_names_the_nearest():
    with pytest.raises(OptionError, match="constants got 'kind'; did you mean 'kinds'"):
        python_tree("1", constants="kind")
