import json

from ostinato.data.words import Vocabulary
from ostinato.exporting.c99_beside import FORMAT, described
from ostinato.exporting.c99_draft import Draft
from ostinato.layers import Recurrent
from ostinato.model import build
from ostinato.plan import plan_of
from ostinato.plan.network import Answers, Plan
from tests.streaming.live_models import case


def network():
    made = build(
        {
            "embed": {"kind": "ids", "count": 4, "width": 2},
            "body": {"cell": "gru", "hidden": 3},
            "pool": ["last"],
            "head": {"kind": "classify", "classes": 2},
        }
    )
    return plan_of(made.eval())


def test_what_the_header_says_needs_no_json():
    plan = plan_of(Recurrent("gru", 2, 3))
    assert described(plan, Draft.of(plan.program, "net")) is None


def test_words_and_labels_stand_beside_with_the_function_they_belong_to():
    plan = network()
    vocabulary = Vocabulary(("turn", "größe", "on"))
    full = Plan(
        plan.numbers,
        plan.ids,
        plan.steps,
        plan.outputs,
        plan.digest,
        "text-classifier",
        vocabulary,
        Answers(("a", "b")),
    )
    told = json.loads(described(full, Draft.of(full.program, "net")))
    assert told["format"] == FORMAT
    assert told["function"] == "net_step"
    assert told["inputs"] == [{"name": "words", "kind": "ids", "count": 4, "many": False}]
    assert told["outputs"] == [{"name": "probabilities", "width": 2}]
    assert told["text"]["words"] == ["turn", "größe", "on"]
    assert told["answers"]["labels"] == ["a", "b"]


def test_how_a_series_is_read_stands_beside():
    plan = plan_of(case("life").model)
    told = json.loads(described(plan, Draft.of(plan.program, "life")))["series"]
    assert told["window"] == 8
    assert told["bounds"] == [0.0, 12.0]
