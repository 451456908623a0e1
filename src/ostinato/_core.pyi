"""The compiled core, built from csrc/ and from the lowered cells."""

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
