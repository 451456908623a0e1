import json

from ostinato.tasks.evaluation import compare
from ostinato.tasks.intent_report import with_slots


def test_a_request_is_right_only_with_all_its_slots():
    truth = [[(0, 4, "name")], [], [(0, 2, "area")]]
    found = [[(0, 4, "name")], [(1, 2, "name")], [(0, 2, "area")]]
    report = with_slots(compare(["a", "b", "a"], ["a", "b", "b"]), [True, True, False], truth, found)
    assert report.request_accuracy == 1 / 3
    assert report.slot_f1 == 0.8
    assert "slot F1 80.0 %" in str(report)
    assert "2 slots" in str(report)
    assert json.loads(json.dumps(report.to_dict()))["slots"][1]["name"] == "area"
