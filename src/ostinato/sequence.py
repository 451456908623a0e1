"""Sequences of different lengths as one value: data, lengths and resets, answered once, at the border."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from ostinato.errors import DataError, OptionError, ShapeError


@dataclass(frozen=True)
class Sequences:
    """A batch of sequences, padded on the right.

    >>> s = Sequences.of([torch.ones(2, 1), torch.ones(3, 1)])
    >>> s.data.shape, s.lengths.tolist()
    (torch.Size([2, 3, 1]), [2, 3])
    >>> s.valid.tolist()
    [[True, True, False], [True, True, True]]

    ``data`` is [B, T, ...]; ``lengths`` [B] int64, each from 0 to T; ``reset`` [B, T] bool or None: where it holds,
    that step starts from the zero state. What stands past a length never matters, whatever it is.
    """

    data: Tensor
    lengths: Tensor
    reset: Tensor | None = None

    def __post_init__(self) -> None:
        if self.data.dim() < 2:
            raise ShapeError(f"Sequences wanted data of [B, T, ...], got {list(self.data.shape)}")
        rows, steps = self.data.shape[:2]
        check_lengths(self.lengths, rows, steps)
        check_reset(self.reset, rows, steps)

    @classmethod
    def of(cls, sequences: Iterable[Tensor]) -> Sequences:
        """From a list of tensors [T_i, ...] of different lengths."""
        rows = list(sequences)
        if not rows:
            raise DataError("Sequences wanted at least one sequence, got an empty list")
        if any(row.dim() < 1 or row.shape[1:] != rows[0].shape[1:] for row in rows):
            shapes = sorted({str(list(row.shape)) for row in rows})
            raise ShapeError(f"Sequences wanted tensors [T, ...] that differ in T only, got {', '.join(shapes)}")
        lengths = torch.tensor([len(row) for row in rows], dtype=torch.int64)
        data = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return cls(data, lengths.to(data.device))

    @classmethod
    def from_padded(
        cls, data: Tensor, lengths: Tensor, *, side: str = "right", reset: Tensor | None = None
    ) -> Sequences:
        """From a padded batch [B, T, ...]; padding on the left is moved to the right.

        >>> Sequences.from_padded(torch.tensor([[0, 1, 2]]), torch.tensor([2]), side="left").data.tolist()
        [[1, 2, 0]]
        """
        if side not in ("left", "right"):
            raise OptionError(f"side wanted 'left' or 'right', got '{side}'")
        whole = cls(data, lengths, reset)
        if side == "right":
            return whole
        steps = data.shape[1]
        place = (torch.arange(steps, device=data.device) + (steps - lengths)[:, None]) % max(steps, 1)
        moved = None if reset is None else torch.gather(reset, 1, place)
        return cls(gather_steps(data, place), lengths, moved)

    @classmethod
    def from_packed(cls, packed: PackedSequence) -> Sequences:
        """From torch's packed form."""
        data, lengths = pad_packed_sequence(packed, batch_first=True)
        return cls(data, lengths.to(data.device))

    def to_packed(self) -> PackedSequence:
        """As torch's packed form, which knows neither empty sequences nor resets."""
        if self.reset is not None:
            raise DataError("torch's packed form cannot hold resets; cut the sequences at them first")
        if len(self.lengths) == 0 or int(self.lengths.min()) == 0:
            raise DataError("torch's packed form cannot hold an empty sequence; drop those of length 0 first")
        return pack_padded_sequence(self.data, self.lengths.cpu(), batch_first=True, enforce_sorted=False)

    def to_padded(self, value: float = 0.0) -> Tensor:
        """The data [B, T, ...] with every padded place set to a value."""
        valid = self.valid.reshape(*self.valid.shape, *([1] * (self.data.dim() - 2)))
        return torch.where(valid, self.data, torch.as_tensor(value, dtype=self.data.dtype, device=self.data.device))

    def rows(self) -> list[Tensor]:
        """The sequences one by one, each [T_i, ...]."""
        return [row[:length] for row, length in zip(self.data, self.lengths.tolist(), strict=True)]

    def reversed(self) -> Sequences:
        """Each sequence back to front, within its own length; doing it twice is the identity.

        Sequences with resets are refused: a reset opens a step, and what opened it closes it in the other order.
        """
        if self.reset is not None:
            raise DataError("sequences with resets cannot be turned; let the layer run in reverse instead")
        return Sequences(gather_steps(self.data, reversal(self.lengths, self.data.shape[1])), self.lengths)

    def to(self, device: str | torch.device) -> Sequences:
        """The same sequences on another device."""
        reset = None if self.reset is None else self.reset.to(device)
        return Sequences(self.data.to(device), self.lengths.to(device), reset)

    @property
    def valid(self) -> Tensor:
        """Which places hold data rather than padding: [B, T] bool."""
        return valid_steps(self.lengths, self.data.shape[1])

    def __len__(self) -> int:
        return int(self.data.shape[0])


def valid_steps(lengths: Tensor, steps: int) -> Tensor:
    """Which of T steps lie within each length: [B, T] bool."""
    return torch.arange(steps, device=lengths.device) < lengths[:, None]


def reversal(lengths: Tensor, steps: int) -> Tensor:
    """Where each step comes from when sequences are turned within their lengths: [B, T] indices; padding stays."""
    place = torch.arange(steps, device=lengths.device).expand(len(lengths), steps)
    turned = lengths[:, None] - 1 - place
    return torch.where(turned >= 0, turned, place)


def gather_steps(data: Tensor, place: Tensor) -> Tensor:
    """The steps of data [B, T, ...] in another order, given by indices [B, T]."""
    index = place.reshape(*place.shape, *([1] * (data.dim() - 2))).expand(*place.shape, *data.shape[2:])
    return torch.gather(data, 1, index)


def check_lengths(lengths: Tensor | None, rows: int, steps: int) -> None:
    """Raise unless the lengths are whole numbers [B] from 0 to T."""
    if lengths is None:
        return
    if not isinstance(lengths, Tensor) or lengths.dtype not in (torch.int64, torch.int32):
        kind = lengths.dtype if isinstance(lengths, Tensor) else type(lengths).__name__
        raise ShapeError(f"lengths wanted a tensor of whole numbers [{rows}], got {kind}")
    if tuple(lengths.shape) != (rows,):
        raise ShapeError(f"lengths wanted [{rows}], one for each row, got {list(lengths.shape)}")
    if rows and not lengths.is_meta and (int(lengths.min()) < 0 or int(lengths.max()) > steps):
        raise ShapeError(
            f"lengths wanted numbers from 0 to T = {steps}, got {int(lengths.min())} to {int(lengths.max())}"
        )


def check_reset(reset: Tensor | None, rows: int, steps: int) -> None:
    """Raise unless the resets are bools [B, T]."""
    if reset is None:
        return
    if not isinstance(reset, Tensor) or reset.dtype is not torch.bool:
        kind = reset.dtype if isinstance(reset, Tensor) else type(reset).__name__
        raise ShapeError(f"reset wanted a tensor of bools [{rows}, {steps}], got {kind}")
    if tuple(reset.shape) != (rows, steps):
        raise ShapeError(f"reset wanted [{rows}, {steps}], got {list(reset.shape)}")
