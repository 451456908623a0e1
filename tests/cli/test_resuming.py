from __future__ import annotations

import pytest

from ostinato.cli.resuming import check_choice, check_unfinished, checkpoint_of, stopped
from ostinato.errors import Interrupted, OptionError


def test_the_checkpoint_lies_beside_the_model():
    assert str(checkpoint_of("models/intents.safetensors")) == "models/intents.checkpoint.safetensors"


@pytest.mark.parametrize(("resume", "restart"), [(True, False), (False, True)])
def test_what_to_do_with_an_unfinished_run_is_said_with_one_flag(tmp_path, resume, restart):
    checkpoint = tmp_path / "m.checkpoint.safetensors"
    check_unfinished(checkpoint, False, False)
    checkpoint.touch()
    with pytest.raises(OptionError, match="--resume goes on with it, --restart begins anew"):
        check_unfinished(checkpoint, False, False)
    check_unfinished(checkpoint, resume, restart)
    check_choice(resume, restart)
    with pytest.raises(OptionError, match="give one of them"):
        check_choice(True, True)


@pytest.mark.parametrize("flag", ["--resume", "--restart"])
def test_the_command_that_goes_on_says_resume_once(tmp_path, capsys, flag):
    checkpoint = tmp_path / "m.checkpoint.safetensors"
    checkpoint.touch()
    with pytest.raises(SystemExit, match="130"):
        stopped(Interrupted("training was stopped in epoch 2. To go on, call"), checkpoint, ["o", "a b", flag])
    assert capsys.readouterr().err == "stopped: in epoch 2\ngo on with:  o 'a b' --resume\n"


def test_nothing_goes_on_where_nothing_was_saved(tmp_path, capsys):
    with pytest.raises(SystemExit, match="130"):
        stopped(Interrupted("training was stopped in epoch 1"), tmp_path / "no", ["o"])
    assert capsys.readouterr().err == "stopped: in epoch 1\n"
