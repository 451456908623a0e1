from __future__ import annotations

import dataclasses

import pytest
import torch

from ostinato.cells import cell as make_cell
from ostinato.cells import sigmoid, tanh
from ostinato.encoder_decoder import EncoderDecoder, build_encoder_decoder, stored_architecture
from ostinato.errors import OptionError, ShapeError
from ostinato.state import State
from tests.encoder_decoder.networks import CELLS, batch, network

FIELDS = ("inputs", "lengths", "target", "target_lengths")
FORMS = [
    {"attention": attention, "feeding": feeding, "copy": copy}
    for attention in ("dot", "additive", "none")
    for feeding in (False, True)
    for copy in (False, True)
    if not (copy and attention == "none")
]


def name_of(form):
    return "-".join(str(value) for value in form.values())


def stepped(net, b):
    """The loss by one step after another."""
    read, state = net.read(b)
    before = torch.cat([torch.full((len(b), 1), 1), b.target[:, :-1]], 1)
    total = 0.0
    for t in range(b.target.shape[1]):
        log_p, _, state = net.step(before[:, t], read, state)
        valid = t < b.target_lengths
        total = total - log_p.gather(1, b.target[:, t : t + 1])[valid].sum()
    return total / int(b.target_lengths.sum())


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_the_whole_is_the_sum_of_its_steps(form):
    net, b = network(layers=2, **form), batch(copies=form["copy"])
    assert torch.allclose(net.loss(b).loss, stepped(net, b), atol=1e-10)


@pytest.mark.parametrize("feeding", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_reads_and_writes(cell, feeding):
    net, b = network(cell, feeding=feeding), batch()
    assert torch.allclose(net.loss(b).loss, stepped(net, b), atol=1e-10)


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_gradients_are_those_of_the_loss(form):
    net, b = network(smoothing=0.1, layers=2, **form).train(), batch(copies=form["copy"])
    net.loss(b).loss.backward()
    for name, parameter in net.named_parameters():
        direction = torch.randn_like(parameter)
        with torch.no_grad():
            parameter.add_(direction, alpha=1e-6)
            above = net.loss(b).loss
            parameter.add_(direction, alpha=-2e-6)
            below = net.loss(b).loss
            parameter.add_(direction, alpha=1e-6)
        wanted = (above - below) / 2e-6
        assert abs(wanted - (parameter.grad * direction).sum()) < 1e-6 * max(1.0, abs(wanted)), name


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_padding_never_matters(form):
    net, b = network(**form), batch(copies=form["copy"])
    wide = dataclasses.replace(
        b,
        inputs=torch.nn.functional.pad(b.inputs, (0, 3), value=29),
        target=torch.nn.functional.pad(b.target, (0, 2), value=28),
        copies=None if b.copies is None else torch.nn.functional.pad(b.copies, (0, 3), value=7),
    )
    assert torch.allclose(net.loss(b).loss, net.loss(wide).loss, atol=1e-12)


def test_the_others_of_a_batch_never_matter():
    net, b = network(), batch()
    parts = [dataclasses.replace(b, **{f: getattr(b, f)[k : k + 1] for f in FIELDS}) for k in range(len(b))]
    alone = torch.stack([net.loss(part).loss for part in parts])
    lengths = b.target_lengths
    assert torch.allclose(net.loss(b).loss, (alone * lengths).sum() / lengths.sum(), atol=1e-12)


def test_what_may_be_copied_is_likely_though_no_vocabulary_has_it():
    net, b = network(copy=True, unknown=0), batch(copies=True)
    own = dataclasses.replace(b, copies=torch.where(b.copies == b.copies[0, 0], 30, b.copies))
    read, state = net.read(own)
    log_p, _, _ = net.step(torch.tensor([1] * 5), read, state)
    assert log_p.shape == (5, 31)
    assert torch.allclose(log_p.exp().sum(1), torch.ones(5, dtype=torch.float64), atol=1e-6)
    assert log_p[0, 30] > -10
    # A word of the sentence alone is read as unknown.
    assert net.step(torch.tensor([30] * 5), read, state)[0].isfinite().all()


def test_smoothing_acts_in_training_only():
    net, b = network(smoothing=0.3), batch()
    plain = network()
    plain.load_state_dict(net.state_dict())
    assert torch.equal(net.loss(b).loss, plain.loss(b).loss)
    assert not torch.equal(net.train().loss(b).loss, plain.train().loss(b).loss)


def test_dropout_acts_in_training_only():
    net, b = network(dropout=0.5, embedding_dropout=0.5, layers=2), batch()
    assert torch.equal(net.loss(b).loss, net.loss(b).loss)
    assert not torch.equal(net.train().loss(b).loss, net.loss(b).loss)


def test_one_table_serves_both_sides():
    net = network(shared=True)
    assert net.reads is net.words
    assert net.table is net.words
    assert network(tied=False).table.weight.shape == (30, 8)


def test_a_network_is_made_again_from_its_data():
    net = network("gru", attention="additive", feeding=True)
    manifest, tensors = net.description()
    again = build_encoder_decoder(manifest["architecture"]).double()
    again.load_state_dict({name: torch.from_numpy(array) for name, array in tensors.items()})
    assert torch.equal(again.eval().loss(batch()).loss, net.loss(batch()).loss)


def test_a_cell_of_ones_own_is_stored_as_its_graph():
    @make_cell(state="h", gates="z n")
    def minimal(x, u, s):
        """Blends its last output with a new one, by one gate."""
        z = sigmoid(x.z + u.z)
        return State(h=(1 - z) * s.h + z * tanh(x.n + u.n))

    net = network(minimal, feeding=True)
    data = stored_architecture(net.architecture)
    assert isinstance(data["decoder"]["cell"], dict)
    again = build_encoder_decoder(data).double()
    again.load_state_dict(net.state_dict())
    assert torch.allclose(again.eval().loss(batch()).loss, net.loss(batch()).loss, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"atention": "dot"}, "did you mean 'attention'"),
        ({"attention": "dott"}, "unknown attention 'dott'; did you mean 'dot'"),
        ({"attention": "none", "copy": True}, "looks at nothing"),
        ({"shared": True, "source": 31}, "one table serves both sides of one size only"),
        ({"kind": "network"}, "wanted the kind"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, message):
    with pytest.raises(OptionError, match=message):
        network(**change)


def test_a_missing_part_is_named():
    with pytest.raises(OptionError, match="wanted the part 'source'"):
        EncoderDecoder({})


def test_a_batch_without_targets_has_no_loss():
    with pytest.raises(ShapeError, match="with targets"):
        network().loss(dataclasses.replace(batch(), target=None))


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("tied", [False, True])
def test_every_weight_has_its_depth_and_a_shared_table_is_the_lowest(shared, tied):
    net = network(shared=shared, tied=tied, layers=2)
    depths = net.depths()
    assert sorted(id(p) for group in depths for p in group) == sorted(id(p) for p in net.parameters())
    assert len(depths) == 4
    assert depths[-1] == [net.reads.weight]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("tied", [False, True])
def test_tables_are_narrow_where_they_write_and_wide_where_they_only_read(shared, tied):
    net = network(source=500, target=500, embedding=64, shared=shared, tied=tied)
    for table, writes in ((net.words, tied), (net.reads, tied and shared)):
        assert float(table.weight.detach().std()) == pytest.approx(0.1 if writes else 1.0, rel=0.05)
