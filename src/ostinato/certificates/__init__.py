"""Certificates of memory: what a cell can remember, found out by training it on tasks that are small and hard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ostinato.errors import needs

if TYPE_CHECKING:
    from ostinato.certificates.certificate import Certificate as Certificate
    from ostinato.certificates.certificate import certify as certify
    from ostinato.certificates.learning import Settings as Settings
    from ostinato.certificates.named import named_cell as named_cell
    from ostinato.certificates.tasks import TASKS as TASKS

# Names are looked up when used: the command's help needs no torch.
_HOMES = {
    "Certificate": "certificate",
    "certify": "certificate",
    "Settings": "learning",
    "named_cell": "named",
    "TASKS": "tasks",
}
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(needs(f"ostinato.certificates.{_HOMES[name]}", "train"), name)
    raise AttributeError(f"module 'ostinato.certificates' has no attribute '{name}'")
