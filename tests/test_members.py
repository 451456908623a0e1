import torch

from ostinato.data.series import Features, SeriesBatches, extend, read_series
from ostinato.members import Members
from ostinato.model import build

PARTS = {
    "embed": {"kind": "numbers", "width": 2},
    "body": {"cell": "gru", "hidden": 3},
    "pool": ["last"],
    "head": {"kind": "classify", "classes": 3},
}


def test_members_answer_by_their_mean_and_show_the_parts_of_the_first():
    each = [build(PARTS).eval() for _ in range(3)]
    several = Members(each).eval()
    x = torch.randn(4, 5, 2)
    torch.testing.assert_close(several.decode(x), torch.stack([one.decode(x) for one in each]).mean(0))
    assert several.architecture == each[0].architecture
    assert several.body is each[0].body
    assert several.embed is each[0].embed


def test_forecasts_of_members_are_the_means_of_theirs_and_draws_are_shared_out():
    features = Features.fit(read_series([[1.0, 4.0, 2.0, 8.0, 5.0, 7.0]]), horizon=2)
    panel = extend(read_series([[1.0, 4.0, 2.0, 8.0, 5.0, 7.0]]), 2)
    [batch] = SeriesBatches(panel, features, context=4, horizon=2, size=1, origins=panel.ends, shuffle=False).epoch(0)
    parts = {
        "embed": {"kind": "series", "observed": 1, "ahead": 0},
        "body": {"cell": "gru", "hidden": 3},
        "head": {"kind": "gaussian", "outputs": 1},
    }
    each = [build(parts).eval() for _ in range(3)]
    several = Members(each).eval()
    alone = [one.foresee(batch, [0.1, 0.9]) for one in each]
    told = several.foresee(batch, [0.1, 0.9])
    torch.testing.assert_close(told.mean, torch.stack([one.mean for one in alone]).mean(0))
    torch.testing.assert_close(told.quantiles, torch.stack([one.quantiles for one in alone]).mean(0))
    assert several.draw(batch, 2).shape == (1, 2, 2, 1)
    assert [share for _, share in several.shares(8)] == [3, 3, 2]
    torch.testing.assert_close(several.loss(batch).loss, torch.stack([one.loss(batch).loss for one in each]).mean())


def test_depths_of_members_are_told_together():
    several = Members([build(PARTS) for _ in range(3)])
    assert [len(group) for group in several.depths()] == [3 * len(group) for group in build(PARTS).depths()]
