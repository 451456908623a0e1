from __future__ import annotations

import copy
import inspect
import io
import itertools
import warnings

import pytest
import torch
from torch import nn as theirs
from torch.nn.utils import parametrizations, parametrize, prune
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence
from torch.utils.checkpoint import checkpoint

from ostinato import nn as ours
from ostinato.nn.recurrent import dropped, flat_weights
from tests.nn.twins import LAYERS, answers, assert_same_answers, flat, parts_of, random_state, sequences, twins

every_layer = pytest.mark.parametrize("name", LAYERS)
both_types = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
switches = [
    dict(zip(("bias", "batch_first", "bidirectional"), s, strict=True)) for s in itertools.product([0, 1], repeat=3)
]
SWITCHES = [{key: bool(value) for key, value in switch.items()} for switch in switches]
every_switch = pytest.mark.parametrize(
    "options", SWITCHES, ids=lambda options: "-".join(key for key, value in options.items() if value) or "plain"
)


@both_types
@every_switch
@every_layer
def test_a_layer_answers_as_torch_does(name, options, dtype):
    their, our = twins(name, 3, 5, 2, **options, dtype=dtype)
    x = torch.randn(4, 6, 3, dtype=dtype)
    rows, count = (4 if options["batch_first"] else 6), 4 if options["bidirectional"] else 2
    assert_same_answers(their, our, x)
    assert_same_answers(their, our, x, random_state(name, count, rows, 5, dtype=dtype))


@every_switch
@every_layer
def test_a_single_sequence_needs_no_batch(name, options):
    their, our = twins(name, 3, 5, 2, **options, dtype=torch.float64)
    x = torch.randn(6, 3, dtype=torch.float64)
    assert_same_answers(their, our, x)
    assert_same_answers(their, our, x, random_state(name, 4 if options["bidirectional"] else 2, 5))


@every_switch
@every_layer
@pytest.mark.parametrize("lengths", [(3, 1, 5, 5, 2), (4, 4), (1,), (7, 1)], ids=str)
def test_packed_sequences_keep_their_order(name, options, lengths):
    their, our = twins(name, 3, 5, 2, **options, dtype=torch.float64)
    x = sequences(*lengths, inputs=3)
    assert_same_answers(their, our, x)
    count = 4 if options["bidirectional"] else 2
    assert_same_answers(their, our, x, random_state(name, count, len(lengths), 5))


@every_layer
def test_sorted_packed_sequences_stay_without_an_order(name):
    their, our = twins(name, 3, 5, dtype=torch.float64)
    x = pack_padded_sequence(torch.randn(6, 3, 3, dtype=torch.float64), torch.tensor([6, 4, 1]))
    assert_same_answers(their, our, x)
    y, _ = our(x)
    assert y.sorted_indices is None


@pytest.mark.parametrize("steps", [1, 2, 63, 100])
@every_layer
def test_long_sequences_of_odd_batches_agree(name, steps):
    their, our = twins(name, 7, 13, 3, bidirectional=True, batch_first=True, dtype=torch.float64)
    x = torch.randn(5, steps, 7, dtype=torch.float64)
    assert_same_answers(their, our, x, random_state(name, 6, 5, 13))
    rng = torch.Generator().manual_seed(1)
    lengths = torch.randint(1, steps + 1, (4,), generator=rng).tolist()
    assert_same_answers(their, our, sequences(1, *lengths, inputs=7), random_state(name, 6, 5, 13))


@every_layer
def test_float32_stays_near_through_a_hundred_steps(name):
    their, our = twins(name, 16, 33, 2)
    x = torch.randn(100, 9, 16)
    assert_same_answers(their, our, x, random_state(name, 2, 9, 33, dtype=torch.float32))


def test_relu_is_a_nonlinearity_too():
    their, our = twins("RNN", 3, 5, 2, "relu", dtype=torch.float64)
    assert our.nonlinearity == "relu"
    assert_same_answers(their, our, torch.randn(6, 4, 3, dtype=torch.float64))


@pytest.mark.parametrize("share", [0.5, 0.1, 1.0])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@every_layer
def test_dropout_draws_the_masks_of_torch(name, batch_first, bidirectional, share):
    options = {"batch_first": batch_first, "bidirectional": bidirectional, "dropout": share, "dtype": torch.float64}
    their, our = twins(name, 3, 8, 3, **options)
    # twins are compared from the same seed: a single other bit of a mask would show.
    for x in (torch.randn(6, 4, 3).double(), torch.randn(6, 3).double(), sequences(4, 1, 6, inputs=3)):
        assert_same_answers(their, our, x)
        torch.manual_seed(0)
        their(x)
        left = torch.get_rng_state()
        torch.manual_seed(0)
        our(x)
        assert torch.equal(torch.get_rng_state(), left)
    our.eval()
    their.eval()
    assert_same_answers(their, our, x)


def test_the_mask_of_dropout_is_that_of_torch_to_the_bit():
    x = torch.randn(5, 7, 3)
    torch.manual_seed(0)
    wanted = torch.dropout(x.transpose(0, 1).contiguous(), 0.3, True).transpose(0, 1)
    torch.manual_seed(0)
    assert torch.equal(dropped(x, 0.3), wanted)


@every_layer
def test_outputs_lie_in_memory_as_programs_expect(name):
    our = getattr(ours, name)(3, 5, bidirectional=True)
    # Somebody's .view(-1, H) must go on working, also on an input that was turned.
    for x in (torch.randn(6, 4, 3), torch.randn(4, 6, 3).transpose(0, 1)):
        y, end = our(x)
        assert all(tensor.is_contiguous() for tensor in (y, *flat(end)))


@pytest.mark.parametrize("inputs", [1, 3])
@pytest.mark.parametrize("batch_first", [False, True])
@every_layer
def test_inputs_and_states_may_lie_in_memory_as_they_like(name, batch_first, inputs):
    their, our = twins(name, inputs, 5, 2, batch_first=batch_first, dtype=torch.float64)
    wide = torch.randn(4, 2 * inputs, 12, dtype=torch.float64)
    state = random_state(name, 5, 4, 2)
    turned = tuple(part.permute(2, 1, 0) for part in flat(state))
    one = wide[:1, 0, :6].expand(4, 6)[..., None].expand(4, 6, inputs)
    for x in (wide[:, ::2, ::2].transpose(1, 2), wide.new_ones(4, 6, 1).expand(4, 6, inputs), one):
        x = x if batch_first else x.transpose(0, 1)
        assert_same_answers(their, our, x, turned if parts_of(name) == 2 else turned[0])


@every_layer
def test_the_state_goes_on_from_call_to_call(name):
    our = getattr(ours, name)(3, 5, 2, dtype=torch.float64)
    x = torch.randn(9, 2, 3, dtype=torch.float64)
    whole, end = our(x)
    left, middle = our(x[:4])
    right, last = our(x[4:], middle)
    torch.testing.assert_close(torch.cat([left, right]), whole, rtol=1e-12, atol=1e-12)
    for came, wanted in zip(flat(last), flat(end), strict=True):
        torch.testing.assert_close(came, wanted, rtol=1e-12, atol=1e-12)


@every_layer
def test_gradients_of_gradients_are_right(name):
    our = getattr(ours, name)(2, 3, bidirectional=True, batch_first=True, dtype=torch.float64)
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    state = tuple(torch.randn(2, 2, 3, dtype=torch.float64, requires_grad=True) for _ in range(parts_of(name)))

    def answer(x, *parts):
        return flat(our(x, parts if len(parts) > 1 else parts[0]))

    def weighed(x, weight):
        return flat(torch.func.functional_call(our, {"weight_hh_l0": weight}, (x,)))

    assert torch.autograd.gradcheck(answer, (x, *state))
    assert torch.autograd.gradgradcheck(answer, (x, *state))
    assert torch.autograd.gradcheck(weighed, (x, our.weight_hh_l0))
    assert torch.autograd.gradgradcheck(weighed, (x, our.weight_hh_l0))


@every_layer
def test_gradients_of_gradients_pass_through_packing(name):
    our = getattr(ours, name)(2, 3, dtype=torch.float64)
    x = sequences(3, 1, 2, inputs=2)

    def answer(data):
        return flat(our(PackedSequence(data, *x[1:])))

    data = x.data.requires_grad_()
    assert torch.autograd.gradcheck(answer, (data,))
    assert torch.autograd.gradgradcheck(answer, (data,))


@every_layer
def test_what_wants_no_gradient_gets_none(name):
    our = getattr(ours, name)(3, 5)
    with torch.no_grad():
        assert not our(torch.randn(6, 2, 3))[0].requires_grad
    with torch.inference_mode():
        assert our(torch.randn(6, 2, 3))[0].is_inference()
    for weight in our.parameters():
        weight.requires_grad_(False)
    x = torch.randn(6, 2, 3, requires_grad=True)
    our(x)[0].sum().backward()
    assert x.grad is not None
    assert all(weight.grad is None for weight in our.parameters())


def built(name, **changed):
    """What a layer of small sizes is and answers, in training."""
    options = {"input_size": 3, "hidden_size": 5, "num_layers": 2} | changed
    torch.manual_seed(0)
    layer = getattr(ours, name)(**options)
    torch.manual_seed(1)
    x = torch.randn(4, 6, options["input_size"], dtype=options.get("dtype"), device=options.get("device"))
    y, end = layer(x)
    total = 0.0 if y.is_meta else y.sum().item()
    return (
        repr(layer),
        [w.shape for w in layer.parameters()],
        y.shape,
        [e.shape for e in flat(end)],
        y.device,
        y.dtype,
        total,
    )


CHANGES = {
    "input_size": 4,
    "hidden_size": 7,
    "num_layers": 3,
    "bias": False,
    "batch_first": True,
    "dropout": 0.5,
    "bidirectional": True,
    "device": "meta",
    "dtype": torch.float64,
}


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [(name, *change) for name in LAYERS for change in CHANGES.items()]
    + [("LSTM", "proj_size", 2), ("RNN", "nonlinearity", "relu")],
)
def test_every_constructor_argument_changes_what_is_computed(name, argument, value):
    came, plain = built(name, **{argument: value}), built(name)
    # The printed module alone would change even if nothing heard the argument.
    assert came[1:] != plain[1:]
    torch.manual_seed(0)
    assert came[0] == repr(
        getattr(theirs, name)(**({"input_size": 3, "hidden_size": 5, "num_layers": 2} | {argument: value}))
    )


def test_the_changes_cover_every_argument_of_torch():
    wanted = set(inspect.signature(theirs.RNNBase).parameters) - {"mode"} | {"nonlinearity"}
    assert {*CHANGES, "proj_size", "nonlinearity"} == wanted


@every_layer
def test_warnings_and_errors_are_those_of_torch(name):
    with pytest.warns(UserWarning, match="non-zero dropout expects num_layers greater than 1"):
        getattr(ours, name)(3, 5, dropout=0.5)
    their, our = twins(name, 3, 5)
    state = random_state(name, 1, 2, 5, dtype=torch.float32)
    wrong = random_state(name, 1, 3, 5, dtype=torch.float32)
    calls = [
        (torch.randn(6, 2, 4),),
        (torch.randn(6, 2, 3, 1),),
        (torch.randn(6, 2, 3).double(),),
        (torch.randn(6, 2, 3), wrong),
        (torch.randn(6, 3), state),
        (torch.randn(6, 2, 3), flat(state)[0][0] if parts_of(name) == 1 else (state[0][0], state[1][0])),
        (torch.randn(0, 2, 3),),
        (torch.randn(6, 2, 3), [1, 2, 3]),
        ([[1.0]],),
        (None,),
    ]
    for call in calls:
        with pytest.raises(Exception) as wanted:
            their(*call)
        with pytest.raises(type(wanted.value)) as came:
            our(*call)
        assert str(came.value) == str(wanted.value)


@every_layer
def test_a_batch_without_rows_is_what_torch_makes_of_it(name):
    their, our = twins(name, 3, 5)
    for wanted, came in zip(flat(their(torch.randn(6, 0, 3))), flat(our(torch.randn(6, 0, 3))), strict=True):
        assert came.shape == wanted.shape


@every_layer
def test_state_dicts_go_both_ways_and_through_files(name):
    their, our = twins(name, 3, 5, 2, bidirectional=True)
    assert list(our.state_dict()) == list(their.state_dict())
    file = io.BytesIO()
    torch.save(our.state_dict(), file)
    file.seek(0)
    for weight in their.parameters():
        weight.data.zero_()
    their.load_state_dict(torch.load(file, weights_only=True))
    assert_same_answers(their, our, torch.randn(6, 2, 3))


@every_layer
def test_hooks_on_the_state_dict_are_heard(name):
    our = getattr(ours, name)(3, 5)
    heard = []
    our.register_state_dict_post_hook(lambda *_: heard.append("saved"))
    our.register_load_state_dict_post_hook(lambda *_: heard.append("loaded"))
    our.load_state_dict(our.state_dict())
    assert heard == ["saved", "loaded"]


@every_layer
def test_a_copy_lives_its_own_life(name):
    their, our = twins(name, 3, 5)
    twin = copy.deepcopy(our)
    with torch.no_grad():
        for weight in our.parameters():
            weight.zero_()
    assert type(twin) is type(our)
    assert_same_answers(their, twin, torch.randn(6, 2, 3))


@every_layer
def test_a_whole_module_survives_a_file(name):
    their, our = twins(name, 3, 5)
    file = io.BytesIO()
    torch.save(our, file)
    file.seek(0)
    assert_same_answers(their, torch.load(file, weights_only=False), torch.randn(6, 2, 3))


@every_layer
def test_weights_are_read_at_every_call(name):
    their, our = twins(name, 3, 5)
    x = torch.randn(6, 2, 3)
    our(x)
    with torch.no_grad():
        for module in (their, our):
            module.weight_ih_l0.mul_(2)
            module.bias_hh_l0 = theirs.Parameter(module.bias_hh_l0 + 1)
    assert_same_answers(their, our, x)
    for module in (their, our):
        module.to(torch.float64)
    assert_same_answers(their, our, x.double())


class Doubled(theirs.Module):
    """A parametrization."""

    def forward(self, weight):
        return 2 * weight


@every_layer
def test_parametrizations_act(name):
    their, our = twins(name, 3, 5, 2, dtype=torch.float64)
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    for module in (their, our):
        parametrize.register_parametrization(module, "weight_hh_l0", Doubled())
        parametrizations.weight_norm(module, "weight_ih_l1")
    # torch cannot copy such a layer after its first call: it then holds weights that are not leaves.
    twin = copy.deepcopy(our)
    assert_same_answers(their, our, x)
    assert_same_answers(their, twin, x)
    for module in (their, our):
        parametrize.remove_parametrizations(module, "weight_hh_l0")
        parametrize.remove_parametrizations(module, "weight_ih_l1")
    assert type(our) is getattr(ours, name)
    assert_same_answers(their, our, x)


@every_layer
def test_a_parametrization_with_a_memory_is_asked_as_often_as_by_torch(name):
    their, our = twins(name, 3, 5)
    for module in (their, our):
        torch.manual_seed(0)
        parametrizations.spectral_norm(module, "weight_hh_l0")
    for _ in range(3):
        assert_same_answers(their, our, torch.randn(6, 2, 3))
    before = our.state_dict()["parametrizations.weight_hh_l0.0._u"].clone()
    our.engine(torch.randn(6, 2, 3))
    assert torch.equal(our.state_dict()["parametrizations.weight_hh_l0.0._u"], before)


@every_layer
def test_pruned_weights_stay_pruned(name):
    their, our = twins(name, 3, 5, dtype=torch.float64)
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    for module in (their, our):
        torch.manual_seed(0)
        prune.random_unstructured(module, "weight_hh_l0", 0.5)
        prune.l1_unstructured(module, "weight_ih_l0", 0.3)
    assert_same_answers(their, our, x)
    for module in (their, our):
        prune.remove(module, "weight_hh_l0")
    assert_same_answers(their, our, x)


@every_layer
def test_the_older_weight_norm_acts(name):
    their, our = twins(name, 3, 5, dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        for module in (their, our):
            theirs.utils.weight_norm(module, "weight_hh_l0")
    with torch.no_grad():
        for module in (their, our):
            module.weight_hh_l0_g.mul_(1.5)
    assert_same_answers(their, our, torch.randn(6, 2, 3, dtype=torch.float64))


@every_layer
def test_a_functional_call_puts_weights_in(name):
    their, our = twins(name, 3, 5)
    x, weight = torch.randn(6, 2, 3), torch.randn_like(our.weight_hh_l0)
    wanted = torch.func.functional_call(their, {"weight_hh_l0": weight}, (x,))
    came = torch.func.functional_call(our, {"weight_hh_l0": weight}, (x,))
    torch.testing.assert_close(came[0], wanted[0], rtol=1e-5, atol=1e-5)
    assert_same_answers(their, our, x)


@every_layer
def test_flat_weights_and_all_weights_are_kept(name):
    our = getattr(ours, name)(3, 5, 2)
    assert [w is v for w, v in zip(our._flat_weights, our.parameters(), strict=True)] == [True] * 8
    assert [len(weights) for weights in our.all_weights] == [4, 4]
    assert flat_weights(our) is our._flat_weights
    our.flatten_parameters()


@pytest.mark.parametrize("reentrant", [False, True])
@every_layer
def test_checkpoints_give_the_same_gradients(name, reentrant):
    our = getattr(ours, name)(3, 5, 2, dropout=0.5)
    x = torch.randn(6, 2, 3, requires_grad=True)
    torch.manual_seed(0)
    wanted = torch.autograd.grad(our(x)[0].sum(), [x, *our.parameters()])
    torch.manual_seed(0)
    checkpoint(lambda x: our(x)[0], x, use_reentrant=reentrant).sum().backward()
    for came, gradient in zip([x.grad, *(w.grad for w in our.parameters())], wanted, strict=True):
        assert torch.equal(came, gradient)


@every_layer
def test_two_live_graphs_do_not_disturb_each_other(name):
    our = getattr(ours, name)(3, 5)
    first, second = torch.randn(6, 2, 3, requires_grad=True), torch.randn(6, 2, 3, requires_grad=True)
    alone = [torch.autograd.grad(our(x)[0].sum(), x)[0] for x in (first, second)]
    y, z = our(first)[0], our(second)[0]
    for loss, x, wanted in ((z, second, alone[1]), (y, first, alone[0])):
        assert torch.equal(torch.autograd.grad(loss.sum(), x, retain_graph=True)[0], wanted)
        assert torch.equal(torch.autograd.grad(loss.sum(), x)[0], wanted)


@every_layer
def test_a_weight_changed_in_place_before_backward_raises(name):
    our = getattr(ours, name)(3, 5)
    y, _ = our(torch.randn(6, 2, 3))
    with torch.no_grad():
        our.weight_hh_l0.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@every_layer
def test_distributed_training_sees_every_gradient(name, tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    try:
        their, our = twins(name, 3, 5)
        wrapped = theirs.parallel.DistributedDataParallel(our)
        x = torch.randn(6, 2, 3)
        wrapped(x)[0].sum().backward()
        their(x)[0].sum().backward()
        for came, wanted in zip(our.parameters(), their.parameters(), strict=True):
            torch.testing.assert_close(came.grad, wanted.grad, rtol=1e-4, atol=1e-4)
    finally:
        torch.distributed.destroy_process_group()


@every_layer
def test_hooks_on_the_module_are_heard(name):
    our, heard = getattr(ours, name)(3, 5), []
    our.register_forward_pre_hook(lambda module, given: heard.append("before"))
    our.register_forward_hook(lambda module, given, answer: heard.append("after"))
    our.register_full_backward_hook(lambda module, *gradients: heard.append("back"))
    our(torch.randn(6, 2, 3, requires_grad=True))[0].sum().backward()
    assert heard == ["before", "after", "back"]


@every_layer
def test_a_layer_is_a_layer_of_torch(name):
    our = getattr(ours, name)(3, 5)
    assert isinstance(our, getattr(theirs, name))
    assert repr(our) == repr(getattr(theirs, name)(3, 5))
    assert answers(our, torch.randn(6, 2, 3))[0][0].shape == (6, 2, 5)


@every_layer
def test_the_default_device_of_the_program_does_not_matter(name):
    _, layer = twins(name, 3, 5, num_layers=2, bidirectional=True, dropout=0.5, dtype=torch.float64)
    for x in (torch.randn(7, 2, 3, dtype=torch.float64), sequences(4, 6, inputs=3)):
        torch.manual_seed(1)
        wanted = flat(layer(x))
        torch.manual_seed(1)
        with torch.device("meta"):
            came = flat(layer(x))
        for a, b in zip(came, wanted, strict=True):
            assert torch.equal(a, b)
