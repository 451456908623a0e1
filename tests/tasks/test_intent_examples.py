import json

import pytest

from ostinato.errors import DataError
from ostinato.tasks.intent_examples import read_requests

TEXT, SLOTS = "lamp off in Rome", [[0, 4, "name"], [12, 16, "area"]]


def test_lists_and_tables_give_the_same_requests(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": TEXT, "label": "off", "slots": SLOTS}) + "\n")
    table = {"text": [TEXT], "label": ["off"], "slots": [json.dumps(SLOTS)]}
    for source in (([TEXT], ["off"], [SLOTS]), (path,), (table,)):
        found = read_requests(*source)
        assert found.tagged.tags == ["B-name", "O", "O", "B-area"]
        assert found.rows.labels == ["off"]


def test_requests_without_slots_have_none():
    for source in (([TEXT], ["off"]), ({"text": [TEXT], "label": ["off"]},)):
        assert set(read_requests(*source).tagged.tags) == {"O"}


def test_what_cannot_be_read_is_refused():
    with pytest.raises(DataError, match="slots wanted a list for each of 1 texts, got 2"):
        read_requests([TEXT], ["off"], [[], []])
    with pytest.raises(DataError, match="row 1: the span 0 to 99 does not lie"):
        read_requests([TEXT], ["off"], [[[0, 99, "x"]]])
    with pytest.raises(DataError, match="there is no column 'slot'"):
        read_requests({"text": [TEXT], "label": ["off"]}, slot="slot")
