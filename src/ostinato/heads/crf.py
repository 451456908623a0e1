"""The linear-chain conditional random field: a score for every sequence of tags, and the sum over all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ostinato.errors import OptionError, ShapeError
from ostinato.heads.best_path import FORBIDDEN, read_moves
from ostinato.sequence import valid_steps


class Chain(NamedTuple):
    """The scores of a chain beside those of its steps: ``start`` [N], ``end`` [N], and ``moves`` [N, N] from i to j."""

    start: Tensor
    end: Tensor
    moves: Tensor


class Field(nn.Module):
    """Learned scores of the moves from tag to tag, and which moves there are.

    s(y) = start[y_1] + sum over t of e_t[y_t] + sum over t > 1 of moves[y_(t-1), y_t] + end[y_T]
    p(y) = exp s(y) / Z,  Z = sum over all y of exp s(y)

    >>> field = Field(3)
    >>> emissions, tags = torch.zeros(1, 2, 3), torch.tensor([[0, 2]])
    >>> round(field.loss(emissions, tags).exp().item())  # one of nine paths, all alike
    9

    ``allowed`` are rows of 0 and 1 as :func:`~ostinato.heads.best_path.read_moves` takes them; a move that is not
    allowed has no share in Z. ``learn=False`` scores every allowed move alike. Lafferty, McCallum & Pereira, 2001.
    """

    mask: Tensor | None

    def __init__(self, tags: int, *, allowed: Sequence[str] | None = None, learn: bool = True) -> None:
        super().__init__()
        if tags < 1:
            raise OptionError(f"a chain of tags wanted at least 1 tag, got {tags}")
        self.tags = tags
        self.scores = nn.Parameter(torch.zeros(tags + 1, tags + 1)) if learn else None
        mask = None if allowed is None else torch.from_numpy(read_moves(allowed, tags))
        # It follows from the architecture, so no file needs it.
        self.register_buffer("mask", mask, persistent=False)

    def chain(self, like: Tensor) -> Chain:
        """The scores of moves as one table each, in the numbers of ``like``; forbidden ones are far below all others.

        The last row of the table holds the starts, its last column the ends.
        """
        table = like.new_zeros(self.tags + 1, self.tags + 1) if self.scores is None else self.scores.to(like)
        if self.mask is not None:
            table = table.masked_fill(~self.mask, FORBIDDEN)
        return Chain(table[-1, :-1], table[:-1, -1], table[:-1, :-1])

    def loss(self, emissions: Tensor, tags: Tensor, lengths: Tensor | None = None) -> Tensor:
        """- log p of some sequences of tags, [B]; an empty sequence has the loss 0."""
        emissions = _in_full(emissions)
        chain = self.chain(emissions)
        return log_total(emissions, chain, lengths) - path_score(emissions, tags, chain, lengths)

    def marginals(self, emissions: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The probability of each tag at each step [B, T, N], 0 past the length."""
        emissions = _in_full(emissions)
        return marginals(emissions, self.chain(emissions), lengths)


def log_total(emissions: Tensor, chain: Chain, lengths: Tensor | None = None) -> Tensor:
    """log Z of emissions [B, T, N]: the log of the sum of exp s(y) over all sequences of tags, [B].

    >>> chain = Chain(torch.zeros(2), torch.zeros(2), torch.zeros(2, 2))
    >>> log_total(torch.zeros(1, 3, 2), chain).exp().round()
    tensor([8.])

    The forward algorithm: a_1 = start + e_1, a_t[j] = e_t[j] + log sum_i exp(a_(t-1)[i] + moves[i, j]). Steps past the
    length are never looked at; a sequence of length 0 has one path, the empty one, with the score 0.
    """
    emissions, valid = _checked(emissions, chain, lengths)
    last = _forward(emissions, chain, valid)[-1]
    total = torch.logsumexp(last + chain.end, -1)
    return torch.where(valid[:, 0], total, torch.zeros_like(total))


def path_score(emissions: Tensor, tags: Tensor, chain: Chain, lengths: Tensor | None = None) -> Tensor:
    """s(y) of one sequence of tags int64 [B, T] each, [B]; what stands past the length does not matter."""
    if tags.shape != emissions.shape[:-1]:
        raise ShapeError(f"tags wanted {list(emissions.shape[:-1])}, got {list(tags.shape)}")
    emissions, valid = _checked(emissions, chain, lengths)
    tags = torch.where(valid, tags, 0)
    steps = emissions.gather(-1, tags[..., None]).squeeze(-1)
    moves = chain.moves[tags[:, :-1], tags[:, 1:]]
    ends = tags.gather(1, (valid.sum(1, keepdim=True) - 1).clamp(min=0)).squeeze(1)
    score = torch.where(valid, steps, torch.zeros_like(steps)).sum(1)
    score = score + torch.where(valid[:, 1:], moves, torch.zeros_like(moves)).sum(1)
    edges = chain.start[tags[:, 0]] + chain.end[ends]
    return score + torch.where(valid[:, 0], edges, torch.zeros_like(edges))


def marginals(emissions: Tensor, chain: Chain, lengths: Tensor | None = None) -> Tensor:
    """p(y_t = j) of every tag at every step, [B, T, N], 0 past the length: forward and backward sums over log Z."""
    emissions, valid = _checked(emissions, chain, lengths)
    forward = torch.stack(_forward(emissions, chain, valid), 1)
    after = chain.end.expand(emissions.shape[0], -1)
    backward = [after]
    for t in range(emissions.shape[1] - 1, 0, -1):
        onward = torch.logsumexp(chain.moves + (emissions[:, t] + after)[:, None, :], -1)
        after = torch.where(valid[:, t, None], onward, after)
        backward.append(after)
    joint = forward + torch.stack(backward[::-1], 1)
    return torch.where(valid[..., None], joint.softmax(-1), torch.zeros_like(joint))


def _forward(emissions: Tensor, chain: Chain, valid: Tensor) -> list[Tensor]:
    """a_t for every step, each [B, N]; past the length it stays what it was at the end."""
    step = _step(chain.moves)
    sums = [chain.start + emissions[:, 0]]
    for t in range(1, emissions.shape[1]):
        before = sums[-1]
        sums.append(torch.where(valid[:, t, None], emissions[:, t] + step(before), before))
    return sums


def _step(moves: Tensor) -> Callable[[Tensor], Tensor]:
    """log sum_i exp(a[i] + moves[i, j]) as a function of a [B, N], to [B, N].

    = m + n + log(exp(a - m) exp(moves - n)), m = max a, n = max moves: a product of matrices. Where a sum of it is so
    small that parts of it may be lost, as behind forbidden moves, each j is given a maximum of its own.
    """
    common = moves.detach().amax()
    factors = (moves - common).exp()
    kinds = torch.finfo(moves.dtype)
    least = kinds.tiny / kinds.eps

    def summed(before: Tensor) -> Tensor:
        best = before.detach().amax(-1, keepdim=True)
        sums = (before - best).exp() @ factors
        # What is no number at all is not at least that either.
        if bool((sums.detach() >= least).all()):
            return best + common + sums.log()
        return torch.logsumexp(before[:, :, None] + moves, 1)

    return summed


def _checked(emissions: Tensor, chain: Chain, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
    """The emissions with 0 past the length, and which steps are valid [B, T]; there is at least one step."""
    if emissions.dim() != 3 or emissions.shape[-1] != len(chain.start):
        raise ShapeError(f"emissions wanted [B, T, {len(chain.start)}], got {list(emissions.shape)}")
    batch, steps = emissions.shape[:2]
    if not steps:
        raise ShapeError("emissions wanted at least one step, got none; pad empty sequences to one")
    if lengths is None:
        return emissions, torch.ones(batch, steps, dtype=torch.bool, device=emissions.device)
    if lengths.shape != (batch,):
        raise ShapeError(f"lengths wanted [{batch}], got {list(lengths.shape)}")
    valid = valid_steps(lengths, steps)
    # Selected and not multiplied: past the length there may be anything, NaN included.
    return torch.where(valid[..., None], emissions, torch.zeros_like(emissions)), valid


def _in_full(emissions: Tensor) -> Tensor:
    """At least single precision: sums over many steps do not fit into half of it."""
    return emissions.float() if emissions.dtype in (torch.float16, torch.bfloat16) else emissions
