"""A network that reads one sequence and writes another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ostinato.encoder_decoder.choosing import choice_loss
from ostinato.encoder_decoder.decoder import Bridge, Decoder
from ostinato.encoder_decoder.looking import LOOKS, Read
from ostinato.errors import OptionError, ShapeError, nearest
from ostinato.layers import Dropout, Recurrent
from ostinato.layers.stored import stored_weights
from ostinato.lowering.rebuild import cell_from_data, stored_cell
from ostinato.model import Activity, Step
from ostinato.sequence import valid_steps

if TYPE_CHECKING:
    from ostinato.data.language.pair_batches import PairBatch

# The parts of an architecture, and what each is unless said.
PARTS: dict[str, Any] = {
    "kind": "encoder-decoder",
    "source": ...,
    "target": ...,
    "embedding": ...,
    "encoder": ...,
    "decoder": ...,
    "attention": "dot",
    "feeding": False,
    "copy": False,
    "shared": False,
    "tied": True,
    "dropout": 0.0,
    "embedding_dropout": 0.0,
    "smoothing": 0.0,
    "start": ...,
    "end": ...,
    "unknown": None,
}


class EncoderDecoder(nn.Module):
    """Reads a sequence in both directions, and writes another word by word.

    >>> network = EncoderDecoder({
    ...     "source": 9, "target": 7, "embedding": 4, "start": 1, "end": 2,
    ...     "encoder": {"cell": "lstm", "hidden": 5}, "decoder": {"cell": "gru", "hidden": 6}, "attention": "additive",
    ... })
    >>> from ostinato.data.language.pair_batches import PairBatches
    >>> batch = next(iter(PairBatches([[3, 4], [5]], [[3, 2], [4, 2]], size=2).epoch(0)))
    >>> network.loss(batch).count
    4

    Words are chosen by softmax(E a_t + b), where E is the table of the answers if ``tied``; ``shared`` reads
    and writes with one table. ``copy`` mixes in the words that are looked at, with a share that the network learns at
    each step: p = g p_vocabulary + (1 - g) sum over places s of a_s [word of s] (See et al., 2017, arXiv:1704.04368).
    ``architecture`` says it all and is plain data; a batch is a
    :class:`~ostinato.data.language.pair_batches.PairBatch`.
    """

    def __init__(self, architecture: Mapping[str, Any]) -> None:
        super().__init__()
        self.architecture = _filled(architecture)
        parts = self.architecture
        self.size, width = parts["target"], parts["embedding"]
        self.start, self.end, self.unknown = parts["start"], parts["end"], parts["unknown"]
        self.smoothing = float(parts["smoothing"])
        self.words = _table(self.size, width, writes=parts["tied"])
        self.reads = self.words if parts["shared"] else _table(parts["source"], width, writes=False)
        self.enter = Dropout(parts["embedding_dropout"])
        encoder, decoder = dict(parts["encoder"]), dict(parts["decoder"])
        layers = encoder.get("layers", 1)
        between = parts["dropout"] if layers > 1 else 0.0
        self.encoder = Recurrent(
            encoder["cell"],
            width,
            encoder["hidden"],
            layers=layers,
            bidirectional=encoder.get("bidirectional", True),
            dropout=between,
            timescale=encoder.get("timescale"),
        )
        answer = width if parts["tied"] else decoder["hidden"]
        self.decoder = Decoder(
            decoder["cell"],
            width,
            decoder["hidden"],
            layers=decoder.get("layers", 1),
            read=self.encoder.width,
            answer=answer,
            attention=parts["attention"],
            feeding=parts["feeding"],
            dropout=parts["dropout"],
            timescale=decoder.get("timescale"),
        )
        self.bridge = Bridge(self.encoder, self.decoder.stack)
        self.table = self.words if parts["tied"] else nn.Linear(answer, self.size, bias=False)
        self.bias = nn.Parameter(torch.zeros(self.size))
        self.chance = nn.Linear(answer, 1) if parts["copy"] else None

    def description(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """The network as data for a file: a manifest and the weights by name."""
        return {"kind": "network", "architecture": stored_architecture(self.architecture)}, stored_weights(self)

    def depths(self) -> list[list[nn.Parameter]]:
        """The weights from the top down: what writes, each layer of the encoder, the table that it reads."""
        below = {id(parameter) for part in (self.encoder, self.reads) for parameter in part.parameters()}
        above = [parameter for parameter in self.parameters() if id(parameter) not in below]
        return [above, *self.encoder.depths(), [*self.reads.parameters()]]

    def read(self, batch: PairBatch) -> tuple[Read | None, tuple[Any, Tensor]]:
        """What the decoder looks at, and the state that it begins from."""
        words = self.enter(self.reads(batch.inputs))
        values, ends = self.encoder(words, lengths=batch.lengths)
        zero = self.decoder.stack.zero_state(len(batch))
        state = self.bridge(ends, zero)
        look = self.decoder.look
        read = None if look is None else look.read(values, batch.lengths, batch.copies)
        return read, (state, values.new_zeros(len(batch), self.decoder.answer))

    def loss(self, batch: PairBatch, state: Any = None) -> Step:
        """The mean of - log p over the words of the answers, the true words before each being known."""
        del state
        if batch.target is None or batch.target_lengths is None:
            raise ShapeError("a loss wanted a batch with targets, got one without")
        read, (state, _) = self.read(batch)
        words = self.enter(self.words(self._before(batch.target)))
        answers, weights, y = self.decoder(words, read, state, batch.target_lengths)
        valid = valid_steps(batch.target_lengths, batch.target.shape[1])
        target, smoothing = batch.target[valid], self.smoothing if self.training else 0.0
        if self.chance is None or weights is None:
            loss, right = choice_loss(answers[valid], self.table.weight, self.bias, target, smoothing)
        else:
            rows = torch.nonzero(valid)[:, 0]
            loss, right = self._copied(answers[valid], weights[valid], batch.copies[rows], target, smoothing)  # type: ignore[index]
        return Step(loss, None, target.numel(), {"accuracy": right}, Activity(y, batch.target_lengths))

    def _before(self, target: Tensor) -> Tensor:
        """What stands before each word of the answers: the start, then the words themselves."""
        before = torch.cat([target.new_full((len(target), 1), self.start), target[:, :-1]], 1)
        return self._known(before)

    def _known(self, ids: Tensor) -> Tensor:
        """Words that only their sentence knows are read as unknown."""
        if self.chance is None:
            return ids
        return torch.where(ids < self.size, ids, self.start if self.unknown is None else self.unknown)

    def _copied(
        self, answers: Tensor, weights: Tensor, copies: Tensor, target: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor]:
        """The loss of the mixture of [N] choices, and how many were right."""
        assert self.chance is not None
        scores = functional.linear(answers, self.table.weight, self.bias).log_softmax(-1)
        gate = self.chance(answers)
        own = target < self.size
        written = scores.gather(1, torch.where(own, target, 0)[:, None])[:, 0]
        tiny = torch.finfo(scores.dtype).tiny
        looked = torch.where(copies == target[:, None], weights, 0.0).sum(1).clamp(min=tiny).log()
        lowest = torch.finfo(scores.dtype).min / 4
        written = functional.logsigmoid(gate[:, 0]) + torch.where(own, written, lowest)
        looked = functional.logsigmoid(-gate[:, 0]) + looked
        chance = torch.logaddexp(written, looked)
        loss = -chance.mean()
        if smoothing:
            loss = (1 - smoothing) * loss - smoothing * scores.mean()
        with torch.no_grad():
            mixed = self._mixed(scores, gate, weights, copies)
            right = (mixed.argmax(-1) == target).sum()
        return loss, right

    def _mixed(self, scores: Tensor, gate: Tensor, weights: Tensor, copies: Tensor) -> Tensor:
        """log p [N, V + K] of words and of what may be copied."""
        extra = max(int(copies.max()) + 1 - self.size, 0)
        shares = functional.pad(scores.exp() * torch.sigmoid(gate), (0, extra))
        looked = torch.where(copies >= 0, weights * torch.sigmoid(-gate), 0.0)
        shares = shares.scatter_add(1, copies.clamp(min=0), looked)
        return shares.clamp(min=torch.finfo(shares.dtype).tiny).log()

    def step(
        self, ids: Tensor, read: Read | None, state: tuple[Any, Tensor]
    ) -> tuple[Tensor, Tensor | None, tuple[Any, Tensor]]:
        """log p [B, V] (or [B, V + K] with copies) of the word after ids [B], the weights [B, S], the new state."""
        answer, weights, after = self.decoder.step(self.words(self._known(ids)), read, state)
        scores = functional.linear(answer, self.table.weight, self.bias).log_softmax(-1)
        if self.chance is not None and weights is not None and read is not None and read.copies is not None:
            scores = self._mixed(scores, self.chance(answer), weights, read.copies)
        return scores, weights, after


def build_encoder_decoder(architecture: Mapping[str, Any], *, trust_cell: bool = False) -> EncoderDecoder:
    """The network of an architecture, its weights fresh; cells in it may be data, compiled only if trusted."""
    parts = dict(architecture)
    for half in ("encoder", "decoder"):
        options = parts.get(half)
        if isinstance(options, Mapping) and isinstance(options.get("cell"), Mapping):
            parts[half] = {**options, "cell": cell_from_data(options["cell"], trusted=trust_cell)}
    return EncoderDecoder(parts)


def stored_architecture(architecture: Mapping[str, Any]) -> dict[str, Any]:
    """The architecture as plain data for a file; :func:`build_encoder_decoder` takes it back."""
    halves = {half: {**architecture[half], "cell": stored_cell(architecture[half]["cell"])} for half in _HALVES}
    return {**architecture, **halves}


_HALVES = ("encoder", "decoder")


def _filled(architecture: Mapping[str, Any]) -> dict[str, Any]:
    """All parts of an architecture, checked."""
    for name in architecture:
        if name not in PARTS:
            raise OptionError(f"an encoder-decoder has no part '{name}'; {nearest(name, PARTS)}")
    parts = {**PARTS, **architecture}
    missing = [name for name, value in parts.items() if value is ...]
    if missing:
        raise OptionError(f"an encoder-decoder wanted the part '{missing[0]}', got {', '.join(architecture) or 'none'}")
    if parts["kind"] != PARTS["kind"]:
        raise OptionError(f"an encoder-decoder wanted the kind '{PARTS['kind']}', got {parts['kind']!r}")
    if parts["attention"] not in LOOKS:
        raise OptionError(f"unknown attention '{parts['attention']}'; {nearest(str(parts['attention']), LOOKS)}")
    if parts["attention"] == "none" and parts["copy"]:
        raise OptionError("copy takes words that are looked at, and attention='none' looks at nothing; choose one")
    if parts["shared"] and parts["source"] != parts["target"]:
        raise OptionError(
            f"one table serves both sides of one size only, got {parts['source']} and {parts['target']} words"
        )
    return parts


def _table(count: int, width: int, *, writes: bool) -> nn.Embedding:
    table = nn.Embedding(count, width)
    if writes:
        # As wide as the spread of what multiplies it when it also chooses words: scores start near 0. What is only
        # read stays as wide as what a recurrence wants to read.
        nn.init.normal_(table.weight, std=0.1)
    return table
