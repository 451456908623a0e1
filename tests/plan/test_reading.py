import tracemalloc

import numpy as np
import pytest
import torch

import ostinato as ost
from ostinato.artifact import read, sealed, write
from ostinato.cells import BUILT_IN
from ostinato.data.words import Vocabulary
from ostinato.errors import ArtifactError, OptionError, PlanError
from ostinato.layers import Recurrent
from ostinato.model import build
from ostinato.plan import plan_of
from ostinato.plan.reading import _REACH
from tests.tasks.tagged import TINY as TAGGED
from tests.tasks.tagged import texts_with_spans

ONE_WAY = {**TAGGED, "bidirectional": False}
SHAPES = ({}, {"layers": 2, "residual": True, "norm": True}, {"layers": 2, "projection": 3})
INSIDE = {"layer_norm": "gates", "zoneout": 0.1, "clip": 0.5, "recurrent_dropout": 0.2, "state_dropout": 0.3}


def steps_of(plan, numbers, ids=None, *, steps):
    """What a plan's program shows at each step."""
    state, shown = plan.program.start(), []
    for t in range(steps):
        at = {name: series[t] for name, series in numbers.items()}
        outputs, state = plan.program.run(at, {n: i[t] for n, i in (ids or {}).items()}, state)
        shown.append(next(iter(outputs.values())))
    return np.stack(shown)


@pytest.mark.parametrize("options", SHAPES, ids=str)
@pytest.mark.parametrize("cell", BUILT_IN)
def test_the_program_of_a_layer_computes_what_the_layer_computes(cell, options):
    layer = Recurrent(cell, 5, 8, **options).double().eval()
    x, dt = torch.randn(1, 6, 5).double(), torch.rand(1, 6).double()
    extra = {"dt": dt} if BUILT_IN[cell].inputs else None
    y, _ = layer(x, inputs=extra)
    numbers = {"x": x[0].numpy()} | ({"dt": dt[0, :, None].numpy()} if extra else {})
    # Programs hold their weights in single precision.
    np.testing.assert_allclose(steps_of(plan_of(layer), numbers, steps=6), y[0].detach(), rtol=0, atol=2e-6)


@pytest.mark.parametrize("cell", ["elman", "lstm", "gru", "mgu", "indrnn"])
def test_what_acts_inside_the_loop_is_in_the_program_and_its_noise_is_not(cell):
    layer = Recurrent(cell, 5, 8, **INSIDE, engine="reference").eval()
    x = torch.randn(1, 5, 5)
    shown = steps_of(plan_of(layer), {"x": x[0].numpy()}, steps=5)
    np.testing.assert_allclose(shown, layer(x)[0][0].detach(), rtol=0, atol=5e-6)


@pytest.mark.parametrize(
    "pool", [[], ["last"], ["mean"], ["max"], ["attention"], ["last", "mean", "max", "attention"]], ids=str
)
def test_every_prefix_of_a_sequence_has_the_answer_of_a_sequence_that_ends_there(pool):
    network = build(
        {
            "embed": {"kind": "ids", "count": 11, "width": 4},
            "body": {"cell": "gru", "hidden": 6},
            **({"pool": pool} if pool else {}),
            "head": {"kind": "classify", "classes": 3},
        }
    ).eval()
    ids = torch.randint(0, 11, (1, 7))
    shown = steps_of(plan_of(network), {}, {"words": ids[0].numpy()}, steps=7)
    for t in range(7):
        answer = network.decode(ids[:, : t + 1])
        np.testing.assert_allclose(shown[t], answer[0, -1] if not pool else answer[0], atol=2e-6)


def test_a_file_and_the_model_it_was_written_from_have_one_plan(tmp_path):
    layer = Recurrent("lstm", 3, 5)
    manifest, tensors = layer.description()
    write(tmp_path / "l.safetensors", tensors, manifest)
    assert plan_of(tmp_path / "l.safetensors").digest == plan_of(layer).digest
    again = ost.load(tmp_path / "l.safetensors")
    x = torch.randn(2, 4, 3)
    assert torch.equal(again(x)[0], layer(x)[0])


def test_a_network_in_both_directions_has_a_plan_and_says_why_it_has_no_program():
    plan = plan_of(Recurrent("gru", 3, 4, bidirectional=True))
    assert [step.writes for step in plan.backwards] == ["layer0_reverse"]
    with pytest.raises(PlanError, match="layer0_reverse read the sequence from its end"):
        _ = plan.program


def _changed(change):
    manifest, tensors = Recurrent("gru", 3, 4).description()
    change(manifest["architecture"], tensors)
    return sealed(tensors, manifest)


HOSTILE = {
    "a cell that nobody knows": lambda a, t: a["body"].update(cell="grv"),
    "a cell as data that is none": lambda a, t: a["body"].update(cell={"nodes": []}),
    "more layers than tensors": lambda a, t: a["body"].update(hidden=4, layers=10**9),
    "a tensor, and more layers than memory": lambda a, t: a["body"].update(hidden=4, layers=10**30),
    "a truth value as the number of layers": lambda a, t: a["body"].update(hidden=4, layers=True),
    "a width beyond reason": lambda a, t: a["body"].update(hidden=[1 << 40]),
    "a tensor of another shape": lambda a, t: t.update({"body.layers.0.0.W": np.zeros((12, 4), np.float32)}),
    "a tensor of whole numbers": lambda a, t: t.update({"body.layers.0.0.b": np.zeros(12, np.int64)}),
    "weights that are no numbers": lambda a, t: t.update({"body.layers.0.0.b": np.full(12, np.nan, np.float32)}),
    "a tensor too few": lambda a, t: t.pop("body.layers.0.0.br"),
    "a tensor too many": lambda a, t: t.update(more=np.zeros(3)),
    "a part that is unknown": lambda a, t: a.update(tail={}),
    "an option that is unknown": lambda a, t: a["body"].update(hiden=3),
    "an embedding of another kind": lambda a, t: a["embed"].update(kind="pixels"),
    "an architecture that is a list": lambda a, t: a.update(body=[1]),
    "a head of another kind": lambda a, t: a.update(head={"kind": "paint"}),
}


def test_as_many_layers_as_a_hostile_file_likes_take_no_memory():
    tracemalloc.start()
    try:
        with pytest.raises(PlanError, match="10000000 layers cannot come"):
            plan_of(_changed(lambda a, t: a["body"].update(hidden=4, layers=10**7)))
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_network_is_refused(what):
    with pytest.raises((PlanError, ArtifactError, OptionError, TypeError)) as caught:
        plan_of(_changed(HOSTILE[what]))
    assert isinstance(caught.value, ost.OstinatoError)


def test_what_is_no_network_is_refused_by_its_type():
    with pytest.raises(PlanError, match="got int"):
        plan_of(3)
    with pytest.raises(PlanError, match="wanted a model, got a checkpoint"):
        plan_of(sealed({}, {"kind": "checkpoint"}))
    with pytest.raises(PlanError, match="the task 'tree-classifier' has no plan"):
        plan_of(sealed({}, {"kind": "model", "task": "tree-classifier"}))


@pytest.mark.parametrize(
    ("make", "options", "reason"),
    [
        (ost.Tagger, {"field": "crf"}, "they are one sequence, a crf, and which one is best is known at its end"),
        (ost.Tagger, {"field": "softmax"}, "they keep to a scheme of spans, and which one is best is known at its end"),
        (ost.IntentParser, {}, "the task 'intent-parser' has no plan: it answers a request as a whole"),
    ],
)
def test_answers_that_need_the_whole_text_have_no_plan_and_say_so(make, options, reason):
    texts, spans = texts_with_spans()
    labels = [[text.split()[1] for text in texts]] if make is ost.IntentParser else []
    model = make(**ONE_WAY, **options).fit(texts, *labels, spans, progress=False)
    with pytest.raises(PlanError, match=reason):
        plan_of(model)


def test_the_bag_reaches_as_far_here_as_in_training():
    from ostinato.layers import bag

    assert bag._REACH == _REACH


@pytest.mark.parametrize("bag", [0.0, 0.5])
@pytest.mark.parametrize("buckets", [0, 30])
def test_a_text_classifier_answers_alike_with_and_without_torch(bag, buckets, tmp_path):
    options = {"hidden": 6, "embedding": 4, "epochs": 2, "buckets": buckets, "holdout": 0, "device": "cpu", "bag": bag}
    model = ost.TextClassifier(bidirectional=False, **options)
    texts = ["turn on the light", "light on please", "stop it", "please stop now"]
    model.fit(texts, ["light", "light", "halt", "halt"], progress=False)
    model.save(tmp_path / "m.safetensors")
    plan = plan_of(read(tmp_path / "m.safetensors"))
    assert plan.answers.names == model.labels_.names
    assert isinstance(plan.vocabulary, Vocabulary)
    assert plan.program.outputs.keys() == {"probabilities"}
    assert set(plan.ids) == {"words"} | ({"pieces"} if buckets else set()) | ({"pairs", "edges"} if bag else set())
