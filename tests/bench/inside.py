"""Workers that live in the tests' own process, and jobs so small that they take no time."""

from __future__ import annotations

import os

from ostinato.bench.inputs import draw
from ostinato.bench.peers import peer_of
from ostinato.bench.points import Job
from ostinato.bench.worker import Desk

SMALL = {"rows": 3, "steps": 7, "inputs": 4, "hidden": 5}


def small(cell="gru", **more):
    return Job(cell, **{**SMALL, **more})


def outcome(peer, job, arrays=None):
    """What a peer computes for a job."""
    work = peer_of(peer, job).prepare(job, draw(job) if arrays is None else arrays)
    return work.results(work.call())


class Inside:
    """A worker without a process."""

    def __init__(self, peer):
        self.peer, self.desk, self.process = peer, Desk(peer), self
        self.pid, self.stopped = os.getpid(), False

    def poll(self):
        return None

    def ask(self, do, **request):
        return getattr(self.desk, do)(**request)

    def stop(self):
        self.stopped = True


class InsideCrew:
    """A crew of such workers; those that are named as missing cannot be had."""

    def __init__(self, *missing):
        self.threads, self.workers, self.about = 1, {}, {}
        self.missing = dict.fromkeys(missing, "not installed")
        self.started = []

    def muster(self, peers):
        for peer in peers:
            if peer not in self.missing and peer not in self.workers:
                self.workers[peer] = self.fresh(peer)
                self.about[peer] = {peer: "1.0"}

    def fresh(self, peer):
        self.started.append(Inside(peer))
        return self.started[-1]

    def __getitem__(self, peer):
        return self.workers[peer]
