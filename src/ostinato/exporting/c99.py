"""Trained networks as C99: one header and one source that need nothing else, proved before they are handed out.

>>> from ostinato.plan.program import Draft
>>> draft = Draft()
>>> x, h = draft.number("x", 2), draft.state("h", 2)
>>> program = draft.program({"h": draft.apply("tanh", draft.apply("add", x, h))}, {"y": h})
>>> made = to_c(program, "echo", compiler=None)
>>> [line for line in made.header.splitlines() if line.startswith("int")]
['int echo_step(echo_state *state, const float *x, float *y);', 'int echo_selftest(void);']
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ostinato.errors import ExportError, OutputError
from ostinato.exporting.c99_beside import described
from ostinato.exporting.c99_draft import Draft
from ostinato.exporting.c99_names import identifier
from ostinato.exporting.c99_running import Compiler, Run, find_compiler, run
from ostinato.exporting.c99_tables import comparison, hash_of
from ostinato.exporting.c99_text import MARK, example_of, header_of, source_of
from ostinato.exporting.proof import Trial, trials
from ostinato.output import replace_file
from ostinato.plan.network import Plan
from ostinato.plan.program import Program

# How many of the single steps travel in the file.
_VECTORS = 4
# Bytes of weights; more take a compiler so long that once must be enough.
_COMPILED_TWICE = 1 << 20
_ANY = "any"


@dataclass(frozen=True)
class C99Source:
    """An exported program: its texts, and what it takes on a device.

    ``texts`` is JSON: how texts become ids and probabilities labels, where the model knows that.
    ``weights``, ``state`` and ``scratch`` are bytes: constants, the struct of one stream, and arrays on the stack while
    a step runs. ``operations`` counts those of one step. ``proved_by`` is the compiler whose result agreed with the
    network; without one it is None, and ``error`` too: the largest difference of one step from a random state, in parts
    of max(1, the output's largest magnitude). ``sequence_error`` is that of a sequence of many steps.
    """

    name: str
    header: str
    source: str
    example: str
    texts: str | None
    weights: int
    state: int
    scratch: int
    operations: int
    proved_by: str | None
    error: float | None
    sequence_error: float | None

    @property
    def proof(self) -> str:
        """One sentence for reports."""
        if self.proved_by is None or self.error is None:
            return "not proved: no C compiler (install one, or run the file's own selftest on the device)"
        return f"proved with {self.proved_by}: a step differs by at most {self.error:.1e}"

    def files(self, stem: str | None = None) -> dict[str, str]:
        """The files by name; ``stem`` is what they are called, the export's own name unless said."""
        stem, own = stem or self.name, self.name
        texts = {"_texts.json": self.texts} if self.texts is not None else {}
        parts = {".c": self.source, ".h": self.header, "_example.c": self.example, **texts}
        swaps = {
            f'#include "{own}.h"': f'#include "{stem}.h"',
            f"{own}.c {own}_example.c": f"{stem}.c {stem}_example.c",
        }
        for old, new in swaps.items():
            parts = {end: text.replace(old, new, 1) for end, text in parts.items()}
        return {f"{stem}{end}": text for end, text in parts.items()}


def to_c(source: Plan | Program, name: str, *, compiler: Compiler | str | None = _ANY, steps: int = 1000) -> C99Source:
    """The C99 source of a network's step, compiled and held against the network in float64.

    ``name`` becomes an identifier. ``compiler`` is the one that proves: the machine's own by default; None leaves the
    proof away, which the result says. ``steps`` is the length of the longest trial.

    Raises :class:`~ostinato.errors.PlanError` for a network that cannot run step by step, and
    :class:`~ostinato.errors.ExportError` where what was made differs from the network.
    """
    judge = find_compiler() if compiler == _ANY else compiler
    if isinstance(judge, str):
        raise ExportError(f"compiler wanted a Compiler or None, got {judge!r}")
    right = source.program if isinstance(source, Plan) else source
    return written(source, right, identifier(name), judge, steps)


def written(source: Plan | Program, right: Program, name: str, compiler: Compiler | None, steps: int) -> C99Source:
    """The C99 source of a network, held against a program that says what is right; it is another one in tests only."""
    program = source.program if isinstance(source, Plan) else source
    draft = Draft.of(program, name)
    made = trials(right, steps=steps if compiler is not None else 1)
    vectors = [trial for trial in made if trial.steps == 1][1 : 1 + _VECTORS]
    weights = 4 * sum(weight.size for weight in program.weights.values())
    state = 4 * sum(part.width for part in program.state.values())
    about = _about(draft, weights, state)
    header = header_of(draft, about)
    text = source_of(draft, about, vectors, None if compiler is None else 0)
    error = sequence_error = None
    if compiler is not None:
        with tempfile.TemporaryDirectory(prefix="ostinato-c99-") as folder:
            came = run(draft, header, text, made, compiler, Path(folder))
            error, sequence_error = _judged(made, came)
            text = text.replace(comparison(0), comparison(_bits(draft, made, vectors, came)))
            if weights <= _COMPILED_TWICE:
                # The very file that is handed out, and again all of its answers.
                again = run(draft, header, text, made, compiler, Path(folder))
                same, verdict = again.raw[:-4] == came.raw[:-4], again.selftest
            else:
                # All of it agreed but the hash, which was not known.
                same, verdict = True, came.selftest + 2
            if not same or verdict:
                raise ExportError(f"the file's own test fails with {verdict}; nothing was written, please report this")
    return C99Source(
        name,
        header,
        text,
        example_of(draft),
        described(source, draft) if isinstance(source, Plan) else None,
        weights,
        state,
        4 * draft.body.scratch,
        program.operations(),
        None if compiler is None else compiler.name,
        error,
        sequence_error,
    )


def write_c(made: C99Source, path: str | os.PathLike[str]) -> list[Path]:
    """Put the files of an export at ``path`` and beside it: FILE.c, FILE.h, FILE_example.c, perhaps FILE_texts.json.

    A name that an #include cannot hold gives way to the export's own. Either all are written or none: what stood there
    is put back. Files that no export wrote are not replaced. Raises :class:`~ostinato.errors.OutputError`.
    """
    target = Path(path)
    if target.is_dir():
        raise OutputError(f"cannot write {os.fspath(path)}: it is a directory; name a file in it")
    stem = target.stem if re.fullmatch(r"[A-Za-z0-9_.+-][A-Za-z0-9_ .+-]*", target.stem) else made.name
    texts = {target.parent / name: text.encode("utf-8") for name, text in made.files(stem).items()}
    try:
        before = {place: place.read_bytes() if place.is_file() else None for place in texts}
    except OSError as error:
        raise OutputError(f"cannot read what stands beside {os.fspath(path)}: {error.strerror}") from None
    for place, old in before.items():
        if old is not None and place != target and MARK.encode() not in old:
            raise OutputError(f"cannot write {place}: a file that no export wrote is there; move it or name another")
    try:
        for place, data in texts.items():
            replace_file(place, data)
    except BaseException:
        for place, old in before.items():
            with contextlib.suppress(OSError):
                if old is None:
                    place.unlink(missing_ok=True)
                elif place.read_bytes() != old:
                    replace_file(place, old)
        raise
    # The one that was asked for comes first.
    return sorted(texts, key=lambda place: place != target)


def _judged(made: Sequence[Trial], came: Run) -> tuple[float, float]:
    """The largest differences of single steps and of sequences, all of them within what is allowed."""
    single = sequence = 0.0
    for trial, outputs, states, codes in zip(made, came.outputs, came.states, came.codes, strict=True):
        if codes.any():
            step = int(np.argmax(codes != 0))
            raise ExportError(f"{trial.kind}, step {step}: the program refuses it with {codes[step]}")
        off = trial.check(outputs, states)
        if trial.steps == 1:
            single = max(single, off)
        elif "sequence" in trial.kind:
            sequence = max(sequence, off)
    return single, sequence


def _bits(draft: Draft, made: Sequence[Trial], vectors: Sequence[Trial], came: Run) -> int:
    """The hash of the test vectors' answers, as the file's own test computes it."""
    seen = 0
    for vector in vectors:
        place = next(i for i, trial in enumerate(made) if trial is vector)
        for answers in (came.outputs[place], came.states[place]):
            for array in answers.values():
                seen = hash_of(array, seen)
    return seen


def _about(draft: Draft, weights: int, state: int) -> list[str]:
    program = draft.program
    return [
        f"{draft.name}: one step of a trained recurrent network, in C99 and single precision.",
        "",
        f"{weights:,} bytes of weights, {state:,} bytes of state for each stream, {4 * draft.body.scratch:,} bytes",
        f"on the stack while a step runs; {program.operations():,} operations a step. No allocation, no mathematical",
        "library, no variables outside the functions; as many streams as there are states, in as many threads.",
        "",
        f"{MARK}; change the model and export it again, do not edit.",
    ]
