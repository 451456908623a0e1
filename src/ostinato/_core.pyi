"""The compiled core, built from csrc/ and from the lowered cells."""

from numpy import float32
from numpy.typing import NDArray
from typing_extensions import Buffer

source_digest: str

class Cell:
    """A cell as it was lowered when the core was built."""

    @property
    def name(self) -> str: ...
    @property
    def gates(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def recurrent(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def operations(self) -> int: ...
    def kernel(self, dtype: str) -> int:
        """The address of its kernel for "float32" or "float64" and the CPU target in use; 0 if there is none."""

def cells() -> tuple[Cell, ...]:
    """The cells that the core was built with, in the order of the registry."""

# A compiled cell of another number is refused.
abi: int
# The CPU target in use, those that this machine runs, and what a compiler is told for the one in use.
target: str
targets: list[str]
target_flags: list[str]
# The texts of the headers that a user's cell is compiled with, by name.
headers: dict[str, str]

def load_kernel(path: str) -> int:
    """The address of the kernel in a compiled cell's file; it stays loaded."""

def keep_bytes(kernel: int, rows: int, steps: int, hidden: int, lengths: int) -> int:
    """The room that a way forward needs to make the way back possible."""

def run(*call: object) -> None:
    """One call of the primitive; the arguments are those of ostinato_call in its order."""

def run_back(*call: object) -> None:
    """The way back of one call: its arguments but for end, then those of ostinato_gradient."""

def roof(threads: int) -> float:
    """Billions of operations per second that so many threads reach in a plain loop of multiply-adds."""

def lend_openmp(parallel: int, number: int, count: int) -> None:
    """Run on the threads of a loaded OpenMP runtime: GOMP_parallel, omp_get_thread_num and omp_get_num_threads."""

def own_threads() -> None:
    """Run on the core's own threads again."""

def choose_target(name: str) -> None:
    """Use another CPU target from now on, for tests and measurements."""

# The kinds of a program's values; the place of each is its number.
stream_kinds: tuple[str, ...]

class StreamModel:
    """A program, packed for the CPU target in use and shared by its streams."""

    def __init__(
        self,
        values: Buffer,
        arguments: Buffer,
        numbers: Buffer,
        ids: Buffer,
        parts: Buffer,
        starts: Buffer,
        outputs: Buffer,
        weights: tuple[Buffer, ...],
    ) -> None: ...
    @property
    def weight_bytes(self) -> int:
        """Bytes of what all streams of the model share."""
    @property
    def state_bytes(self) -> int:
        """Bytes of what :meth:`Stream.state` returns."""
    @property
    def stream_bytes(self) -> int:
        """Bytes of one stream, its state among them."""
    @property
    def length(self) -> int:
        """Instructions in one step."""

class Stream:
    """A model and its state, one step after another. One thread at a time."""

    def __init__(self, model: StreamModel) -> None: ...
    def push(self, x: Buffer, out: Buffer | None = None) -> NDArray[float32]:
        """One step [D], or a chunk [T, D], of float32; the outputs [N] or [T, N], new or in ``out``.

        Only for models with one input of numbers. What is no float32 array in C order raises TypeError, a wrong width
        ShapeError, NaN and infinity DataError, a second thread StreamError; the state is then kept.
        """
    def push_parts(
        self, steps: int, numbers: tuple[Buffer, ...], ids: tuple[Buffer, ...], ends: tuple[Buffer | None, ...]
    ) -> tuple[NDArray[float32], ...]:
        """A chunk of any model: numbers [T, D] each, ids int32 [T] each, and every output [T, N].

        Where a step has many ids, all ids stand one after another, and ``ends`` [T] int64 says where each step's end.
        """
    def state(self) -> bytes:
        """All parts of the state, float32, in their order."""
    def set_state(self, state: bytes) -> None:
        """Go on from what :meth:`state` returned."""
    def reset(self) -> None:
        """Go back to the start of a sequence."""
    def fork(self) -> Stream:
        """Another stream that stands where this one stands."""
    def time(self, x: Buffer, n: int) -> float:
        """Nanoseconds for each of n steps, the rows of x in turn, pushed one by one from C++ on a copy."""
    @property
    def model(self) -> StreamModel: ...
    @property
    def state_bytes(self) -> int: ...
    @property
    def weight_bytes(self) -> int: ...
