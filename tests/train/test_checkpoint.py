from __future__ import annotations

import pytest
import torch

from ostinato import artifact
from ostinato.errors import ArtifactError, OutputError
from ostinato.train import checkpoint as checkpoints
from ostinato.train.checkpoint import Identity, Position, Weights

CPU = torch.device("cpu")


class Notes:
    """A part with one tensor of each kind, and facts."""

    def __init__(self, tensors=None, facts=None):
        self.tensors, self.facts = tensors or {}, facts or {}

    def save(self):
        return self.tensors, self.facts

    def load(self, tensors, facts):
        self.tensors, self.facts = tensors, facts


def identity(**given):
    known = {"options": {"lr": 0.1}, "fingerprint": "data", "batches": 5, "valid": 2, "shapes": {"w": [2, 3]}}
    return Identity(**known | given)


def test_what_is_written_comes_back(tmp_path):
    kinds = [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool]
    tensors = {f"a.{kind}": (torch.rand(2, 3) * 3).to(kind) for kind in kinds}
    tensors |= {"scalar": torch.tensor(1.5), "empty": torch.zeros(0, 4), "turned": torch.rand(2, 3).T}
    # The scalar's value would be lost if a number went through text with too few digits.
    facts = {"numbers": [0.1, 1e-300, 3], "nothing": None}
    position = Position(3, 7, 2, [{"event": "epoch", "loss": 0.1}])
    path = tmp_path / "c"
    checkpoints.write(path, {"one": Notes(tensors, facts), "two": Notes()}, position, identity(), CPU)
    one, two = Notes(), Notes()
    stored = checkpoints.read(path)
    assert checkpoints.restore(path, stored, {"one": one, "two": two}) == position
    assert one.facts == facts
    assert (two.tensors, two.facts) == ({}, {})
    assert one.tensors.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert one.tensors[name].dtype == tensor.dtype
        assert torch.equal(one.tensors[name], tensor)


def test_a_checkpoint_is_data_only(tmp_path):
    path = tmp_path / "c"
    checkpoints.write(path, {"weights": Weights(torch.nn.Linear(2, 2))}, Position(), identity(), CPU)
    stored = artifact.read(path, kind="checkpoint")
    assert sorted(stored.tensors) == ["weights/bias", "weights/weight"]
    with pytest.raises(ArtifactError, match="is a checkpoint, wanted a model"):
        artifact.read(path, kind="model")


def test_equal_runs_write_equal_bytes(tmp_path):
    for name in ("a", "b"):
        checkpoints.write(tmp_path / name, {"one": Notes({"w": torch.ones(3)})}, Position(), identity(), CPU)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "c"
    checkpoints.write(path, {"one": Notes({"w": torch.ones(3)})}, Position(), identity(), CPU)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match="c"):
        checkpoints.read(path)


def test_a_checkpoint_of_another_version_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "c"
    checkpoints.write(path, {}, Position(), identity(), CPU)
    monkeypatch.setattr(checkpoints, "_FORM", 99)
    with pytest.raises(ArtifactError, match="is a checkpoint of another version of ostinato"):
        checkpoints.read(path)


def test_a_part_that_is_not_known_is_refused(tmp_path):
    path = tmp_path / "c"
    checkpoints.write(path, {"later": Notes({"w": torch.ones(3)})}, Position(), identity(), CPU)
    with pytest.raises(ArtifactError, match="has a part 'later' that this run does not know"):
        checkpoints.restore(path, checkpoints.read(path), {"one": Notes()})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"options": {"lr": 0.2}}, "lr was 0.1 and is 0.2"),
        ({"options": {"lr": 0.1, "clip": 1.0}}, "clip was absent and is 1.0"),
        ({"shapes": {"w": [2, 4]}}, "the model's w was [2, 3] and is [2, 4]"),
        ({"shapes": {}}, "the model's w was [2, 3] and is absent"),
        ({"fingerprint": "f" * 64}, "the data's fingerprint was 'data' and is 'ffffffffffffffff...'"),
        ({"batches": 6}, "there were 5 batches an epoch and are 6"),
        ({"valid": 0}, "there were 2 validation batches and are 0"),
        ({"processes": 2}, "there were 1 processes and are 2"),
        ({"shapes": {f"v{k}": [k] for k in range(9)}}, "; and 5 more"),
    ],
)
def test_another_run_is_refused_by_what_differs(tmp_path, given, words):
    path = tmp_path / "c"
    checkpoints.write(path, {}, Position(), identity(), CPU)
    stored = checkpoints.read(path)
    checkpoints.check_identity(path, stored, identity())
    with pytest.raises(ArtifactError, match="is the checkpoint of another run: ") as caught:
        checkpoints.check_identity(path, stored, identity(**given))
    assert words in str(caught.value)
    assert str(caught.value).endswith("or delete the file to start anew (on the command line: --restart).")


def test_another_machine_is_a_note(tmp_path, monkeypatch):
    path = tmp_path / "c"
    checkpoints.write(path, {}, Position(), identity(), CPU)
    stored = checkpoints.read(path)
    assert checkpoints.machine_notes(stored, CPU) == ()
    monkeypatch.setattr(torch, "__version__", "9.9")
    (note,) = checkpoints.machine_notes(stored, CPU)
    assert note.endswith("this is 9.9: last bits may differ")


def test_a_checkpoint_in_the_way_is_an_error_also_as_a_dangling_link(tmp_path):
    checkpoints.check_free(tmp_path / "c")
    (tmp_path / "c").symlink_to(tmp_path / "gone")
    with pytest.raises(OutputError, match="already holds a checkpoint"):
        checkpoints.check_free(tmp_path / "c")


def test_removing_is_done_once_or_twice(tmp_path):
    (tmp_path / "c").write_bytes(b"")
    checkpoints.remove_checkpoint(tmp_path / "c")
    checkpoints.remove_checkpoint(str(tmp_path / "c"))
    assert not (tmp_path / "c").exists()
