"""CPU targets, what compiles a program for each, and the machines that run it: this one, and emulated ones."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FLAGS = ("-std=c++17", "-O3", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror")
# As in CMakeLists.txt: NaN and infinity mean what they say; products and sums may become one instruction.
NUMERICS = ("-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
X86, ARM = "x86_64", "aarch64"


@dataclass(frozen=True)
class Target:
    """A CPU target of the core: its processor, the bytes of its vectors, its compiler flags, what a CPU must have."""

    name: str
    processor: str
    bytes: int
    flags: tuple[str, ...] = ()
    features: tuple[str, ...] = ()


AVX512 = ("avx512f", "avx512vl", "avx512dq", "avx512bw")
TARGETS = {
    target.name: target
    for target in (
        Target("baseline", X86, 16),
        Target("avx2", X86, 32, ("-mavx2", "-mfma"), ("avx2", "fma")),
        Target(
            "avx512",
            X86,
            64,
            ("-mavx2", "-mfma", *(f"-m{feature}" for feature in AVX512), "-mprefer-vector-width=512"),
            ("avx2", "fma", *AVX512),
        ),
        Target("neon", ARM, 16),
    )
}


@dataclass(frozen=True)
class Machine:
    """What runs a program: the words before its path (none: this machine), and the command that installs them."""

    name: str
    command: tuple[str, ...] = ()
    install: str = ""


EMULATOR = "apt-get install -y qemu-user"
HERE = Machine("here")
NEHALEM = Machine("Nehalem", ("qemu-x86_64", "-cpu", "Nehalem"), EMULATOR)
HASWELL = Machine("Haswell", ("qemu-x86_64", "-cpu", "Haswell"), EMULATOR)
CORTEX = Machine("Cortex-A72", ("qemu-aarch64", "-cpu", "cortex-a72"), EMULATOR)


@cache
def processor() -> str:
    """The processor of this machine, as a target names it."""
    return {"AMD64": X86, "amd64": X86, "arm64": ARM}.get(platform.machine(), platform.machine())


# Every pair is a run of every program: all targets of this machine's processor, and those that are emulated. Nehalem
# is older than AVX; Haswell is the first with AVX2 and FMA. No emulator that Debian 12 has knows AVX-512: it runs where
# the machine does.
PLACES = [
    *((target, HERE) for target in TARGETS.values() if target.processor == processor()),
    (TARGETS["baseline"], NEHALEM),
    (TARGETS["avx2"], HASWELL),
    (TARGETS["neon"], CORTEX),
]


@cache
def features() -> frozenset[str]:
    """What this machine's CPU says that it can; nothing where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith("flags")), "").split())


def compiler(target: Target) -> str:
    """The compiler for a target: this machine's own, or one for another processor; "" where there is none."""
    if target.processor != processor():
        return shutil.which(f"{target.processor}-linux-gnu-g++") or ""
    names = (os.environ.get("CXX", ""), "c++", "g++", "clang++")
    return next((found for name in names if name and (found := shutil.which(name))), "")


def hindrance(target: Target, machine: Machine) -> str:
    """Why a program for a target cannot be compiled or run on a machine, with the command that helps; "" if it can."""
    if not compiler(target):
        own = target.processor == processor()
        package = "g++" if own else f"g++-{target.processor.replace('_', '-')}-linux-gnu"
        return f"no C++ compiler for {target.processor}: apt-get install -y {package}"
    if machine.command:
        missing = not shutil.which(machine.command[0])
        return f"{machine.command[0]} is not installed: {machine.install}" if missing else ""
    absent = [feature for feature in target.features if feature not in features()]
    return f"this machine's CPU has no {', '.join(absent)}" if absent else ""
