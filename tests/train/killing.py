"""Starts runs, kills them at random moments, and has them go on until they are done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

from tests.house.tree import ROOT


class Victims:
    """A process that forks a run on demand, so that torch is imported once."""

    def __init__(self, process):
        self.process = process

    def start(self, kind, folder):
        """Begin a run, or go on with it; returns its process id."""
        self.process.stdin.write(f"{kind} {folder}\n")
        self.process.stdin.flush()
        word, pid = self.read()
        assert word == "pid"
        return int(pid)

    def read(self):
        """The next line of what the run tells, as words."""
        line = self.process.stdout.readline()
        assert line, "the process that starts the runs has died"
        return line.split()

    def wait(self, steps=None):
        """Wait for some steps, or for the end; returns the exit code if it has come."""
        while steps is None or steps > 0:
            word, *rest = self.read()
            if word == "exit":
                return int(rest[0])
            if steps is not None and word == "step":
                steps -= 1
        return None


@contextmanager
def victims():
    """The process that starts runs, for as long as the block lasts."""
    command = [sys.executable, "-m", "tests.train.victim", "serve"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        yield Victims(process)
        process.stdin.close()


def finish(runs, kind, folder, random, kills):
    """Run to the end with up to so many kills on the way; returns how many there were."""
    done = 0
    while True:
        pid = runs.start(kind, folder)
        if done < kills:
            code = runs.wait(random.randint(1, 15))
            if code is None:
                # Somewhere in a step, in a validation, or in a checkpoint that is being written.
                time.sleep(random.uniform(0.0, 0.02))
                os.kill(pid, signal.SIGKILL)
                code = runs.wait()
        else:
            code = runs.wait()
        if code == 0:
            return done
        assert code == -signal.SIGKILL, f"the run ended with code {code}"
        done += 1


def results(folder):
    """The bytes that a run leaves: its weights and its log."""
    return [(folder / name).read_bytes() for name in ("weights.safetensors", "log.jsonl")]
