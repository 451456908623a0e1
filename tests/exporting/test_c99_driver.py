from ostinato.exporting.c99_draft import Draft
from ostinato.exporting.c99_driver import driver_of
from tests.exporting.c99_machines import all_kinds


def test_a_driver_reads_and_shows_everything_that_a_step_has():
    program = all_kinds()
    draft = Draft.of(program, "kinds")
    text = driver_of(draft, {"word": 1, "pieces": 7})
    for _, name in draft.inputs:
        assert f"in_{name}" in text
    for _, name in draft.outputs:
        assert f"give(out_{name}, " in text
    assert "static int32_t in_pieces[7];" in text
    assert text.count("take(state.") == len(program.state)


def test_room_is_left_for_lists_that_are_always_empty():
    assert "in_pieces[1];" in driver_of(Draft.of(all_kinds(), "kinds"), {"word": 1, "pieces": 0})
