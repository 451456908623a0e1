from __future__ import annotations

import random
import signal
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional

from ostinato import artifact
from ostinato.data.batch import Batch
from ostinato.errors import ArtifactError, DivergedError, Interrupted, OptionError, OutputError
from ostinato.model import Step
from ostinato.options import describe
from ostinato.train import (
    EpochEnded,
    Finished,
    JsonLog,
    Saved,
    SaveFailed,
    Started,
    Stepped,
    Stopped,
    TrainOptions,
    loop,
    remove_checkpoint,
    train,
)
from tests.train.killing import finish, results, victims
from tests.train.subjects import Tiny, TinyBatches, options, trained, weights


class Calling(Tiny):
    """A Tiny that calls somebody before a given step."""

    def __init__(self, step, call):
        super().__init__()
        self.left, self.call = step, call

    def loss(self, batch, state=None):
        if self.training:
            self.left -= 1
            if self.left == 0:
                self.call()
        return super().loss(batch, state)


def kinds(reports):
    return [type(report) for report in reports]


def interrupt():
    signal.raise_signal(signal.SIGINT)


def test_the_reports_tell_the_run_in_order():
    _, reports = trained(valid=TinyBatches(2), epochs=2)
    epoch = [Stepped] * 5 + [EpochEnded]
    assert kinds(reports) == [Started, *epoch, *epoch, Finished]
    assert [(r.batch, r.count) for r in reports if isinstance(r, Stepped)] == [(k, 4) for k in range(5)] * 2
    assert [r.epoch for r in reports if isinstance(r, EpochEnded)] == [0, 1]
    assert reports[0].batches == 5
    assert reports[-1].history == tuple(r.to_dict() for r in reports if isinstance(r, Started | EpochEnded | Finished))


def test_the_loop_does_what_a_bare_loop_does():
    model = Tiny()
    torch.manual_seed(1)
    rule = torch.optim.Adam(model.parameters(), lr=2e-3, fused=True)
    total = count = 0
    for batch in TinyBatches().epoch(0):
        step = model.loss(batch)
        rule.zero_grad()
        step.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        rule.step()
        total, count = total + step.loss.item() * step.count, count + step.count
    ours, reports = trained(epochs=1)
    assert torch.equal(weights(ours), weights(model))
    assert reports[-2].train["loss"] == total / count


def test_the_same_seed_gives_the_same_bits_and_another_one_does_not():
    first, second, other = (weights(trained(seed=seed)[0]) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


CHANGED = {
    "epochs": 3,
    "lr": 0.01,
    "optimizer": "sgd",
    "weight_decay": 0.1,
    "schedule": "cosine",
    "warmup": 1.0,
    "layer_decay": 2.0,
    "unfreeze": 0.5,
    "clip": 0.01,
    "clip_value": 1e-4,
    "average": 0.9,
    "activation_penalty": 0.5,
    "temporal_penalty": 0.5,
    "truncate": 3,
    "seed": 2,
    "precision": "bfloat16",
}


@pytest.mark.parametrize("name", CHANGED)
def test_an_option_changes_the_weights(name):
    assert not torch.equal(weights(trained(**{name: CHANGED[name]})[0]), weights(trained()[0]))


def test_the_other_options_change_what_they_say():
    # momentum: refused with adam, changes sgd.
    assert not torch.equal(
        weights(trained(optimizer="sgd", momentum=0.5)[0]), weights(trained(optimizer="sgd", momentum=0.0)[0])
    )
    # patience and monitor: when to stop, and which epoch is the best.
    _, reports = trained(valid=TinyBatches(2), epochs=60, lr=0.1, patience=2, monitor="loss")
    assert isinstance(reports[-2], Stopped)
    assert reports[-1].epochs < 60
    assert reports[-1].monitor == "loss"
    # average_trigger: what is validated once validation has stalled.
    plain, averaged = (trained(valid=TinyBatches(2), epochs=12, lr=0.1, average_trigger=k)[1] for k in (0, 1))
    assert plain[-1].history[1:] != averaged[-1].history[1:]


def test_every_option_is_covered_here():
    # batch belongs to who makes the batches, device and checkpoint_every have tests of their own.
    elsewhere = {"momentum", "patience", "monitor", "average_trigger", "batch", "device", "checkpoint_every"}
    assert {field.name for field in describe(TrainOptions)} == set(CHANGED) | elsewhere


def test_checkpoint_every_decides_how_often_is_saved(tmp_path):
    often = trained(checkpoint=tmp_path / "a", checkpoint_every=0.0)[1]
    seldom = trained(checkpoint=tmp_path / "b", checkpoint_every=1000.0)[1]
    assert kinds(often).count(Saved) > kinds(seldom).count(Saved) == 1


def test_a_wrong_option_is_refused_before_anything_happens():
    with pytest.raises(OptionError, match="lr wanted a number above 0, got -1"):
        train(Tiny(), TinyBatches(), options=options(lr=-1))
    with pytest.raises(OptionError, match="at least one batch in each source, got none"):
        train(Tiny(), [], options=options())
    with pytest.raises(OptionError, match="resume=True wanted the checkpoint"):
        train(Tiny(), TinyBatches(), options=options(), resume=True)


def test_a_monitor_that_the_model_does_not_measure_is_refused():
    class Silent(Tiny):
        def loss(self, batch, state=None):
            step = super().loss(batch, state)
            return type(step)(step.loss, step.state, step.count, {})

    with pytest.raises(OptionError, match="monitor wanted what this model measures, got 'accuracy'; known: 'loss'"):
        trained(Silent(), monitor="accuracy")
    trained(Silent(), monitor="loss")


def test_stopping_restores_the_best_weights():
    seen = {}
    model = Tiny()
    for report in train(
        model, TinyBatches(), TinyBatches(2), options=options(epochs=40, lr=0.1, patience=3, monitor="loss")
    ):
        if isinstance(report, EpochEnded):
            seen[report.epoch] = weights(model)
    assert report.epochs == report.best_epoch + 1 + 3
    assert torch.equal(weights(model), seen[report.best_epoch])


def test_validation_and_the_result_use_the_averaged_weights():
    judged = []

    class Watched(Tiny):
        def loss(self, batch, state=None):
            if not self.training:
                judged.append(weights(self))
            return super().loss(batch, state)

    model, after = Watched(), []
    for report in train(model, TinyBatches(), TinyBatches(1), options=options(epochs=1, average=0.5)):
        if isinstance(report, Stepped):
            after.append(weights(model))
    shares = [0.5 ** (4 - k) for k in range(5)]
    wanted = sum(s * w.double() for s, w in zip(shares, after, strict=True)) / sum(shares)
    # Five interpolations of three roundings each, of weights below 4.
    torch.testing.assert_close(judged[0].double(), wanted, rtol=0, atol=15 * 2.0**-23)
    assert torch.equal(weights(model), judged[0])


def test_without_validation_the_training_measures_decide():
    _, reports = trained(epochs=2, monitor="loss")
    ended = [r for r in reports if isinstance(r, EpochEnded)]
    assert [r.monitored for r in ended] == [r.train["loss"] for r in ended]
    assert all(r.valid == {} for r in ended)


def test_validation_never_changes_training():
    class Noisy(Tiny):
        def loss(self, batch, state=None):
            torch.rand(3)
            return super().loss(batch, state)

    alone, watched = trained(Noisy(), epochs=1)[0], trained(Noisy(), valid=TinyBatches(2), epochs=1)[0]
    assert torch.equal(weights(alone), weights(watched))


def test_truncation_to_the_whole_length_is_no_truncation():
    assert torch.equal(weights(trained(truncate=9)[0]), weights(trained()[0]))


class Spy(Tiny):
    """Notes the states it is given."""

    def __init__(self, **given):
        super().__init__(**given)
        self.given = []

    def loss(self, batch, state=None):
        self.given.append((state, batch.inputs.shape[1]))
        return super().loss(batch, state)


def test_the_state_crosses_windows_and_its_gradient_does_not():
    model, _ = trained(Spy(dropout=0.0), TinyBatches(2, shuffle=False), truncate=4, epochs=1)
    assert [steps for _, steps in model.given] == [4, 4, 1] * 2
    assert [state is None for state, _ in model.given] == [True, False, False] * 2
    assert not any(part.requires_grad for state, _ in model.given if state for part in (state.h, state.c))
    bare = Tiny(dropout=0.0)
    rule = torch.optim.Adam(bare.parameters(), lr=2e-3, fused=True)
    for batch in TinyBatches(2, shuffle=False).epoch(0):
        state = None
        for window in batch.windows(4):
            step = bare.loss(window, state)
            rule.zero_grad()
            step.loss.backward()
            torch.nn.utils.clip_grad_norm_(bare.parameters(), 1.0)
            rule.step()
            state = type(step.state)(h=step.state.h.detach(), c=step.state.c.detach())
    assert torch.equal(weights(model), weights(bare))


def test_a_continuous_source_carries_the_state_within_an_epoch():
    model, _ = trained(Spy(), TinyBatches(3, continuous=True, shuffle=False), epochs=2)
    assert [state is None for state, _ in model.given] == [True, False, False] * 2


def test_a_model_without_state_cannot_be_truncated():
    with pytest.raises(OptionError, match="the model's loss returns no state; set truncate=0"):
        trained(Tiny(stateful=False), truncate=3)


@pytest.mark.parametrize("given", [{}, {"valid": TinyBatches(1)}])
def test_a_loss_that_is_not_finite_stops_and_overwrites_nothing(tmp_path, given):
    path = tmp_path / "run.checkpoint"

    def poison():
        model.scores.weight.data.fill_(float("nan"))

    model = Calling(8, poison)
    with pytest.raises(DivergedError, match="the loss became nan at step 3 of epoch 2") as caught:
        trained(model, checkpoint=path, checkpoint_every=0.0, **given)
    assert "try a lower lr" in str(caught.value)
    stored = artifact.read(path)
    assert all(array.dtype.kind != "f" or bool((array == array).all()) for array in stored.tensors.values())


def test_a_weight_that_is_not_finite_is_not_saved(tmp_path):
    class Exploding(Tiny):
        def loss(self, batch, state=None):
            step = super().loss(batch, state)
            # The loss is finite, its gradient is not.
            step.loss.register_hook(lambda gradient: gradient * float("inf"))
            return step

    with pytest.raises(DivergedError, match="weights became infinite or NaN in epoch 1"):
        trained(Exploding(), checkpoint=tmp_path / "c", checkpoint_every=0.0)
    assert not (tmp_path / "c").exists()


def test_the_callers_generators_are_left_alone():
    model = Tiny()
    torch.manual_seed(5)
    random.seed(5)
    wanted = torch.rand(12).tolist(), random.random()
    torch.manual_seed(5)
    random.seed(5)
    drawn = [torch.rand(1).item() for _ in train(model, TinyBatches(), options=options(epochs=1))]
    assert (drawn + torch.rand(12 - len(drawn)).tolist(), random.random()) == wanted


class Wide(nn.Module):
    """Large enough for two threads; the gradient of an indexed table is a sum in any order, unless told otherwise."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(7)
        self.table = nn.Parameter(torch.randn(11, 128))
        self.scores = nn.Linear(128, 11)

    def loss(self, batch, state=None):
        scores = self.scores(functional.dropout(self.table[batch.inputs], 0.2, self.training)).flatten(0, 1)
        target = batch.target.flatten()
        return Step(functional.cross_entropy(scores, target), None, len(target), {})


def test_two_threads_give_equal_bits_each_time():
    torch.set_num_threads(2)
    mode = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode(0)
    try:
        first, *others = (weights(trained(Wide(), TinyBatches(2, time=300), epochs=5)[0]) for _ in range(4))
    finally:
        torch.set_deterministic_debug_mode(mode)
    assert all(torch.equal(first, other) for other in others)


def test_who_draws_between_reports_changes_nothing():
    model = Tiny()
    for _ in train(model, TinyBatches(), options=options()):
        torch.rand(17)
    assert torch.equal(weights(model), weights(trained()[0]))


EVERYTHING = {"average": 0.9, "schedule": "plateau", "warmup": 0.5, "epochs": 3}
SITUATIONS = {
    "whole": (TinyBatches(3), EVERYTHING),
    "truncated": (TinyBatches(2), {"truncate": 4, **EVERYTHING}),
    "continuous": (TinyBatches(3, continuous=True, shuffle=False), EVERYTHING),
    "continuous windows": (TinyBatches(2, continuous=True, shuffle=False), {"truncate": 5, **EVERYTHING}),
    "sgd": (TinyBatches(3), {"optimizer": "sgd", "schedule": "cosine"}),
    "sgd without momentum": (TinyBatches(3), {"optimizer": "sgd", "momentum": 0.0, "clip_value": 0.01}),
    "rmsprop": (TinyBatches(3), {"optimizer": "rmsprop", "momentum": 0.5, "weight_decay": 0.01}),
    "adamw": (TinyBatches(3), {"optimizer": "adamw", "weight_decay": 0.1, "precision": "bfloat16"}),
}


def logged(log, *run, **settings):
    """Train with a log; returns the number of steps."""
    steps = 0
    for report in train(*run, **settings):
        log(report)
        steps += isinstance(report, Stepped)
    return steps


@pytest.mark.parametrize("situation", SITUATIONS)
def test_stopped_before_any_step_a_run_ends_in_the_same_bits(tmp_path, situation):
    batches, given = SITUATIONS[situation]
    valid = TinyBatches(2)
    path = tmp_path / "run.checkpoint"
    with JsonLog(tmp_path / "whole.jsonl") as log:
        whole = Tiny()
        steps = logged(log, whole, batches, valid, options=options(**given))
    for step in range(1, steps + 1):
        with JsonLog(tmp_path / "log.jsonl") as log:
            with pytest.raises(Interrupted):
                logged(log, Calling(step, interrupt), batches, valid, options=options(**given), checkpoint=path)
            model = Tiny()
            logged(log, model, batches, valid, options=options(**given), checkpoint=path, resume=True)
        assert torch.equal(weights(model), weights(whole)), f"stopped in step {step}"
        assert (tmp_path / "log.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
        remove_checkpoint(path)


def test_ctrl_c_finishes_the_step_saves_and_says_how_to_go_on(tmp_path):
    path = tmp_path / "run.checkpoint"
    before = signal.getsignal(signal.SIGINT)
    reports = []
    with pytest.raises(Interrupted) as caught:
        reports.extend(train(Calling(3, interrupt), TinyBatches(), options=options(), checkpoint=path))
    assert str(caught.value) == (
        f"training was stopped in epoch 1 of 2; everything up to here is saved in {path}. To go on, repeat the call "
        "with resume=True (on the command line: --resume)"
    )
    _, resumed = trained(checkpoint=path, resume=True)
    assert resumed[0].resumed
    assert (resumed[0].epoch, resumed[0].batch) == (0, 2)
    assert kinds(resumed).count(Stepped) == 7
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_without_a_checkpoint_says_that_nothing_was_saved():
    with pytest.raises(Interrupted, match="nothing was saved, because no checkpoint was asked for"):
        trained(Calling(3, interrupt))


def test_ctrl_c_twice_stops_at_once(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        trained(Calling(3, lambda: (interrupt(), interrupt())), checkpoint=tmp_path / "c")
    assert signal.getsignal(signal.SIGINT) is before
    assert not (tmp_path / "c").exists()


def test_ctrl_c_during_validation_validates_again(tmp_path):
    class Stopping(Tiny):
        def loss(self, batch, state=None):
            if not self.training:
                interrupt()
            return super().loss(batch, state)

    path = tmp_path / "c"
    with pytest.raises(Interrupted):
        trained(Stopping(), valid=TinyBatches(2), checkpoint=path, average=0.9)
    model, reports = trained(valid=TinyBatches(2), checkpoint=path, resume=True, average=0.9)
    assert (reports[0].epoch, reports[0].batch) == (0, 5)
    assert isinstance(reports[1], EpochEnded)
    assert torch.equal(weights(model), weights(trained(valid=TinyBatches(2), average=0.9)[0]))


def test_ctrl_c_at_the_very_end_is_not_lost(tmp_path):
    run = train(Tiny(), TinyBatches(), options=options(), checkpoint=tmp_path / "c")
    while not isinstance(next(run), Finished):
        pass
    interrupt()
    with pytest.raises(
        Interrupted, match="stopped when it was over: the model holds the best weights; it is also saved"
    ):
        next(run)


def test_who_stops_listening_gets_everything_back():
    model, batches = Tiny().eval(), TinyBatches()
    handler, threads, generator = signal.getsignal(signal.SIGINT), torch.get_num_threads(), torch.get_rng_state()
    run = train(model, batches, options=options())
    next(run), next(run)
    assert signal.getsignal(signal.SIGINT) is not handler
    run.close()
    assert signal.getsignal(signal.SIGINT) is handler
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), generator)
    assert not model.training


def test_a_checkpoint_is_not_overwritten_unasked(tmp_path):
    path = tmp_path / "c"
    trained(checkpoint=path)
    with pytest.raises(OutputError, match=r"already holds a checkpoint .* resume=True \(--resume\), or delete it"):
        train(Tiny(), TinyBatches(), options=options(), checkpoint=path)


def test_a_checkpoint_path_that_cannot_be_written_is_found_out_first(tmp_path):
    with pytest.raises(OutputError, match="there is no directory"):
        train(Tiny(), TinyBatches(), options=options(), checkpoint=tmp_path / "no" / "c")


def test_nothing_to_resume_starts_anew_and_says_so(tmp_path):
    _, reports = trained(checkpoint=tmp_path / "c", resume=True)
    assert not reports[0].resumed
    assert "there is nothing to resume, training starts anew" in reports[0].notes[0]


def test_a_finished_run_resumes_to_its_end(tmp_path):
    first, _ = trained(checkpoint=tmp_path / "c", valid=TinyBatches(2))
    second, reports = trained(checkpoint=tmp_path / "c", valid=TinyBatches(2), resume=True)
    assert kinds(reports) == [Started, Saved, Finished]
    assert torch.equal(weights(first), weights(second))


def stopped(path, **given):
    with pytest.raises(Interrupted):
        trained(Calling(3, interrupt), checkpoint=path, **given)


def test_a_checkpoint_of_another_run_is_refused_and_the_difference_named(tmp_path):
    path = tmp_path / "c"
    stopped(path, fingerprint="these data")
    before = path.read_bytes()
    again = {"checkpoint": path, "resume": True, "fingerprint": "these data"}
    with pytest.raises(ArtifactError, match=r"checkpoint of another run: lr was 0\.002 and is 0\.1\. Repeat the call"):
        trained(lr=0.1, **again)
    with pytest.raises(ArtifactError, match="fingerprint was 'these data' and is 'other data'"):
        trained(**again | {"fingerprint": "other data"})
    with pytest.raises(ArtifactError, match="there were 5 batches an epoch and are 6"):
        trained(batches=TinyBatches(6), **again)
    with pytest.raises(ArtifactError, match="there were 0 validation batches and are 2"):
        trained(valid=TinyBatches(2), **again)
    wide = Tiny()
    wide.scores = torch.nn.Linear(8, 12)
    with pytest.raises(ArtifactError, match=r"the model's scores.weight was \[11, 8\] and is \[12, 8\]"):
        trained(wide, **again)
    assert path.read_bytes() == before
    trained(checkpoint_every=7.0, **again)


def test_a_resumed_run_takes_the_threads_of_its_checkpoint(tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        stopped(tmp_path / "c")
        torch.set_num_threads(2)
        run = train(Tiny(), TinyBatches(), options=options(), checkpoint=tmp_path / "c", resume=True)
        assert next(run).threads == torch.get_num_threads() == 1
        run.close()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_a_full_disk_is_told_and_training_goes_on(tmp_path, monkeypatch):
    path = tmp_path / "c"
    stopped(path)
    before = path.read_bytes()

    def full(*_):
        raise OutputError(f"cannot write {path}: the disk is full")

    monkeypatch.setattr(loop.checkpoints.artifact, "write", full)
    with pytest.warns(RuntimeWarning, match="no checkpoint was written, training goes on: .* the disk is full"):
        model, reports = trained(checkpoint=path, resume=True, checkpoint_every=0.0)
    assert SaveFailed in kinds(reports)
    assert Saved not in kinds(reports)
    assert isinstance(reports[-1], Finished)
    assert path.read_bytes() == before
    assert torch.equal(weights(model), weights(trained()[0]))
    with (
        pytest.warns(RuntimeWarning, match="disk is full"),
        pytest.raises(Interrupted, match=r"could not be written: .* the checkpoint before it is untouched"),
    ):
        trained(Calling(3, interrupt), checkpoint=path, resume=True)


def test_a_thread_that_may_not_listen_for_signals_trains_all_the_same():
    from threading import Thread

    done = []
    thread = Thread(target=lambda: done.append(weights(trained()[0])))
    thread.start()
    thread.join()
    assert torch.equal(done[0], weights(trained()[0]))


def test_a_batch_that_cannot_be_cut_is_refused():
    class Whole(TinyBatches):
        def epoch(self, number, start=0):
            return iter([Batch(b.inputs, target=b.target[:, 0]) for b in self.all[start:]])

    with pytest.raises(ValueError, match="one target a sequence"):
        trained(batches=Whole(), truncate=3)


@pytest.fixture(scope="module")
def runs():
    with victims() as started:
        yield started


@pytest.mark.parametrize("kind", ["sentences", "stream"])
def test_killed_at_random_moments_a_run_ends_in_the_same_bits(runs, tmp_path, kind):
    whole = tmp_path / "whole"
    whole.mkdir()
    assert finish(runs, kind, whole, None, kills=0) == 0
    moments = random.Random(f"kill {kind}")
    kills = attempts = 0
    while kills < 5:
        folder = tmp_path / str(attempts)
        folder.mkdir()
        kills += finish(runs, kind, folder, moments, kills=5 - kills)
        attempts += 1
        assert results(folder) == results(whole)
        assert attempts < 20


def test_a_process_that_is_told_to_stop_can_be_resumed(runs, tmp_path):
    import os

    for folder in ("whole", "stopped"):
        (tmp_path / folder).mkdir()
    finish(runs, "stream", tmp_path / "whole", None, kills=0)
    pid = runs.start("stream", tmp_path / "stopped")
    assert runs.wait(4) is None
    os.kill(pid, signal.SIGTERM)
    assert runs.wait() == 3
    assert finish(runs, "stream", tmp_path / "stopped", None, kills=0) == 0
    assert results(tmp_path / "stopped") == results(tmp_path / "whole")


def test_no_warning_is_raised_by_a_normal_run(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(valid=TinyBatches(1), checkpoint=tmp_path / "c")
