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

def cells() -> tuple[Cell, ...]:
    """The cells that the core was built with, in the order of the registry."""
