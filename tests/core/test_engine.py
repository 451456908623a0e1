"""The engine's own programs, where they want to be run in a way of their own."""

from __future__ import annotations

import pytest

from tests.core.test_programs import require_success


@pytest.mark.parametrize("sanitize", [False, True], ids=["plain", "sanitized"])
def test_both_sides_of_a_fork_go_on(program, place_here, sanitize):
    target, machine = place_here
    require_success(program("engine_threads", target, sanitize=sanitize).run("fork", on=machine))
