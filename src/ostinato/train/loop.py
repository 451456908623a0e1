"""Training as a generator of reports."""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ostinato import artifact
from ostinato.errors import Interrupted, OptionError, OutputError
from ostinato.train import checkpoint as checkpoints
from ostinato.train.checkpoint import Identity, Position, Weights
from ostinato.train.learner import Batches, Learner
from ostinato.train.options import TrainOptions, check_training, recorded
from ostinato.train.placement import Placement, check_device, placed
from ostinato.train.randomness import Randomness, repeatable
from ostinato.train.reports import EpochEnded, Finished, Report, Saved, SaveFailed, Started, Stepped, Stopped
from ostinato.train.signals import StopRequest
from ostinato.train.stopping import Best

# Writing checkpoints may take this share of the time, however often they are asked for.
_SAVING_SHARE = 0.05


def train(
    model: nn.Module,
    batches: Batches,
    valid: Batches | None = None,
    *,
    options: TrainOptions,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    fingerprint: str = "",
    facts: Mapping[str, Any] | None = None,
) -> Iterator[Report | Stepped]:
    """Train a model, and tell by reports how it goes; in the end the model holds the best weights.

    ``model`` has ``loss(batch, state) -> Step``; ``batches`` and ``valid`` have ``len`` and ``epoch(number, start)``.
    Without validation data the training measures decide which epoch is the best. Nothing happens until the first
    report is asked for, except that options, device and the checkpoint's path are checked.

    With a ``checkpoint`` path the run is saved every ``options.checkpoint_every`` seconds, when it is interrupted and
    when it is over; saving takes at most a twentieth of the time, so large models are saved less often. ``resume=True``
    goes on from there with equal bits, or starts if there is nothing to resume; ``fingerprint`` names the data,
    ``facts`` are the caller's own options, by name and as JSON; a checkpoint of other data, options, facts or shapes is
    refused. When the result is safe, delete the checkpoint with
    :func:`~ostinato.train.remove_checkpoint`. A checkpoint that cannot be written (a full disk) leaves the one before
    as it is, is reported by :class:`~ostinato.train.SaveFailed` and a warning, and training goes on.

    Ctrl-C (SIGINT) or SIGTERM finishes the step, saves and raises :class:`~ostinato.errors.Interrupted`; a second one
    raises KeyboardInterrupt at once. Non-finite losses raise :class:`~ostinato.errors.DivergedError`.

    torch's generators are the run's own while it works and the caller's between the reports; operations are the
    deterministic ones. Equal bits need an equal number of torch threads: a resumed run sets the number that its
    checkpoint names.
    """
    options = check_training(options)
    check_device(options)
    if len(batches) == 0 or (valid is not None and len(valid) == 0):
        raise OptionError("training wanted at least one batch in each source, got none")
    path = Path(checkpoint) if checkpoint is not None else None
    if resume and path is None:
        raise OptionError("resume=True wanted the checkpoint to resume from; give checkpoint=")
    if path is not None:
        if not resume:
            checkpoints.check_free(path)
        artifact.probe_output(path)
    return _reports(model, batches, valid, options, path, resume, fingerprint, facts or {})


def _reports(
    model: nn.Module,
    batches: Batches,
    valid: Batches | None,
    options: TrainOptions,
    path: Path | None,
    resume: bool,
    fingerprint: str,
    facts: Mapping[str, Any],
) -> Iterator[Report | Stepped]:
    """Everything global that a run borrows is given back here, also when the caller stops listening."""
    was_training = model.training
    threads = torch.get_num_threads()
    with placed(options) as placement, StopRequest() as stop:
        model.to(placement.device)
        randomness = Randomness(placement, options.seed)
        try:
            with repeatable(), randomness.owned():
                run = Run(model, batches, valid, options, placement, randomness, stop, path, fingerprint, facts)
                with closing(run.reports(resume)) as reports:
                    for report in reports:
                        with randomness.lent():
                            yield report
        finally:
            model.train(was_training)
            torch.set_num_threads(threads)


class Run:
    """A training run: what it works with, where it stands, and how it goes on."""

    def __init__(
        self,
        model: nn.Module,
        batches: Batches,
        valid: Batches | None,
        options: TrainOptions,
        placement: Placement,
        randomness: Randomness,
        stop: StopRequest,
        path: Path | None,
        fingerprint: str,
        facts: Mapping[str, Any],
    ) -> None:
        self.model, self.batches, self.valid, self.options = model, batches, valid, options
        self.placement, self.randomness, self.stop, self.path = placement, randomness, stop, path
        self.learner = Learner(model, options, placement)
        self.best = Best(monitor=options.monitor, patience=options.patience)
        self.position = Position()
        self.continuous = bool(getattr(batches, "continuous", False))
        self.steps = placement.steps(len(batches))
        if placement.processes > 1 and (self.continuous or options.truncate):
            raise OptionError("a state that goes from window to window stays in one process; train in one process")
        if placement.processes > 1 and options.unfreeze is not None:
            raise OptionError("layers that begin one by one do so in one process; train in one, or leave out unfreeze")
        self.identity = Identity(
            recorded(options) | {"device": placement.device.type} | dict(facts),
            fingerprint,
            len(batches),
            len(valid) if valid is not None else 0,
            checkpoints.shapes_of(model),
            placement.processes,
        )
        self.parts = self.learner.parts() | {"weights": Weights(model), "best": self.best, "random": randomness}
        self.due = time.monotonic() + options.checkpoint_every

    def reports(self, resume: bool) -> Generator[Report | Stepped, None, None]:
        """The whole run, from its start or from its checkpoint to the best weights."""
        yield self._start(resume)
        while self.position.epoch < self.options.epochs and not self.best.exhausted:
            yield from self._epoch()
        if self.path is not None:
            # A caller that fails to keep the result can resume from here, with nothing left to train.
            yield self._save()
        if self.best.exhausted:
            yield self._logged(Stopped(self.position.epoch - 1, self.options.patience))
        self.best.apply(self.model)
        finished = Finished(self.position.epoch, self.best.epoch, self.options.monitor, self.best.value)
        self._logged(finished)
        yield Finished(
            finished.epochs, finished.best_epoch, finished.monitor, finished.best, tuple(self.position.history)
        )
        if self.stop.requested:
            kept = f"; it is also saved in {self.path}" if self.path is not None else ""
            raise Interrupted(f"training was stopped when it was over: the model holds the best weights{kept}")

    def _start(self, resume: bool) -> Started:
        notes: tuple[str, ...] = ()
        resumed = False
        if resume and self.path is not None:
            if self.path.exists():
                notes, resumed = self._restore(self.path), True
            else:
                notes = (f"{self.path} does not exist: there is nothing to resume, training starts anew",)
        started = Started(
            epochs=self.options.epochs,
            batches=self.steps,
            parameters=sum(p.numel() for p in self.model.parameters()),
            options=self.identity.options,
            device=str(self.placement.device),
            threads=torch.get_num_threads(),
            processes=self.placement.processes,
            process=self.placement.process,
            resumed=resumed,
            epoch=self.position.epoch,
            batch=self.position.batch,
            history=tuple(self.position.history),
            notes=notes,
        )
        return started if resumed else self._logged(started)

    def _restore(self, path: Path) -> tuple[str, ...]:
        stored = checkpoints.read(path)
        checkpoints.check_identity(path, stored, self.identity)
        self.position = checkpoints.restore(path, stored, self.parts)
        threads = stored.manifest["threads"]
        torch.set_num_threads(threads)
        if torch.get_num_threads() != threads:
            raise OptionError(f"{path} wants {threads} torch threads for equal bits, which cannot be set here")
        return checkpoints.machine_notes(stored, self.placement.device)

    def _logged(self, report: Any) -> Any:
        self.position.history.append(report.to_dict())
        return report

    def _epoch(self) -> Iterator[Report | Stepped]:
        """Train and validate one epoch, or what a resumed run has left of it."""
        epoch, began = self.position.epoch, time.monotonic()
        self.model.train()
        yield from self._steps()
        self.learner.check_finite(epoch, weights=True)
        with self.learner.averaged():
            with self.randomness.untouched():
                valid = (
                    self.learner.validate(self.valid, lambda: self.placement.any(self.stop.requested)[0])
                    if self.valid is not None
                    else {}
                )
            if valid is not None:
                report = self._judge(epoch, valid, time.monotonic() - began)
        if valid is None:
            yield from self._interrupt()
        yield report
        yield from self._between()

    def _judge(self, epoch: int, valid: dict[str, float], seconds: float) -> EpochEnded:
        """Compare an epoch with the best so far, and move on to the next."""
        learner = self.learner
        trained = learner.means()
        means = valid or trained
        learner.check_monitor(means)
        monitored = means[self.options.monitor]
        # By the place of the last step, which a resumed run may not have made itself.
        rate = learner.schedule.rate(epoch + 1 - 0.5 / self.steps)
        better = self.best.observe(epoch, monitored, self.model)
        learner.observe(monitored, better)
        learner.meter.clear()
        learner.carried.clear()
        self.position.epoch, self.position.batch, self.position.window = epoch + 1, 0, 0
        report: EpochEnded = self._logged(EpochEnded(epoch, trained, valid, monitored, better, rate, seconds))
        return report

    def _steps(self) -> Iterator[Report | Stepped]:
        """The training steps of the epoch from the present position on."""
        position, learner = self.position, self.learner
        epoch = position.epoch
        source = self.batches.epoch(epoch, position.batch * self.placement.processes)
        shared = self.placement.share(source, self.steps - position.batch)
        for index, batch in enumerate(shared, position.batch):
            progress = epoch + (index + 0.5) / self.steps
            start = position.window
            windows = batch.windows(self.options.truncate, start) if self.options.truncate else (batch,)[start:]
            for number, window in enumerate(windows, start):
                carry = self.continuous or self.options.truncate > 0
                learner.step(learner.place(window), progress, carry=carry)
                learner.check_finite(epoch)
                position.window = number + 1
                yield Stepped(epoch, index, len(window), learner.meter.loss)
                yield from self._between()
            position.batch, position.window = index + 1, 0
            if not self.continuous:
                learner.carried.clear()

    def _between(self) -> Iterator[Report]:
        """What may happen between two steps: a checkpoint, or the end asked for by the user."""
        due = self.path is not None and time.monotonic() >= self.due
        stop, due = self.placement.any(self.stop.requested, due)
        if stop:
            yield from self._interrupt()
        if due:
            yield self._save()

    def _save(self) -> Saved | SaveFailed:
        assert self.path is not None
        self.learner.check_finite(self.position.epoch, weights=True)
        began = time.monotonic()
        try:
            main = self.placement.process == 0
            checkpoints.write(self.path, self.parts, self.position, self.identity, self.placement.device, main=main)
        except OutputError as error:
            self.due = time.monotonic() + self.options.checkpoint_every
            warnings.warn(f"no checkpoint was written, training goes on: {error}", RuntimeWarning, stacklevel=2)
            return SaveFailed(self.path, str(error))
        seconds = time.monotonic() - began
        self.due = time.monotonic() + max(self.options.checkpoint_every, seconds / _SAVING_SHARE)
        return Saved(self.path, self.position.epoch, self.position.batch, seconds)

    def _interrupt(self) -> Iterator[Report]:
        """Save, and raise Interrupted."""
        epochs = self.options.epochs
        place = f"training was stopped in epoch {min(self.position.epoch + 1, epochs)} of {epochs}"
        if self.path is None:
            raise Interrupted(f"{place}; nothing was saved, because no checkpoint was asked for (checkpoint=)")
        report = self._save()
        yield report
        if isinstance(report, SaveFailed):
            before = "the checkpoint before it is untouched" if self.path.exists() else "there is none before it"
            raise Interrupted(f"{place}, and its checkpoint could not be written: {report.reason}; {before}")
        raise Interrupted(
            f"{place}; everything up to here is saved in {self.path}. To go on, repeat the call with resume=True "
            "(on the command line: --resume)"
        )
