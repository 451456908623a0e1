from __future__ import annotations

import pytest

from ostinato.bench.peers import FILES, PACKAGES, STYLES, peer_of, versions
from ostinato.bench.registry import ROWS
from tests.bench.inside import small


@pytest.mark.parametrize("peer", FILES)
def test_every_peer_has_a_file_that_imports_without_its_package(peer):
    module = peer_of(peer)
    assert callable(module.about)
    assert callable(module.prepare)
    assert PACKAGES[peer]


@pytest.mark.parametrize("style", STYLES)
def test_a_style_of_its_own_has_a_file_of_its_own(style):
    assert callable(peer_of("torch", small(style=style)).prepare)


def test_every_worker_of_the_registry_is_known():
    assert {worker for row in ROWS.values() for point in row.points for worker in point.workers} == set(FILES)


def test_versions_are_those_installed():
    assert versions("numpy")["numpy"][0].isdigit()
