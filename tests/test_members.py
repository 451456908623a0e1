import torch

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
