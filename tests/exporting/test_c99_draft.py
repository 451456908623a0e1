from ostinato.exporting.c99_draft import Draft, indented
from ostinato.plan.program import Draft as Program


def test_a_declaration_that_is_long_has_a_line_for_each_argument():
    draft = Program()
    wide = [draft.number(f"a_rather_long_name_{k}", 2) for k in range(5)]
    program = draft.program({}, {"y": draft.join(wide)})
    lines = Draft.of(program, "net").declaration(";").splitlines()
    assert len(lines) == 7
    assert max(map(len, lines)) < 80


def test_lines_move_in_and_empty_ones_stay_empty():
    assert list(indented(["a", "", "  b"])) == ["    a", "", "      b"]
