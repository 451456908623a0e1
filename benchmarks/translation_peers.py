"""An encoder-decoder with attention, written plainly on torch.nn: what benchmarks/translation.py compares with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ostinato.heads.beam import Ranking, beam_search


class Peer(nn.Module):
    """The same architecture: a BiLSTM, a bridge, an LSTM, Luong's general attention, tied and shared tables."""

    def __init__(self, size: int, width: int, hidden: int, dropout: float, feeding: bool) -> None:
        super().__init__()
        self.feeding = feeding
        self.words = nn.Embedding(size, width)
        nn.init.normal_(self.words.weight, std=0.1)
        self.encoder = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)
        self.to_h, self.to_c = nn.Linear(2 * hidden, hidden), nn.Linear(2 * hidden, hidden)
        self.decoder: nn.Module = (
            nn.LSTMCell(2 * width, hidden) if feeding else nn.LSTM(width, hidden, batch_first=True)
        )
        self.offered = nn.Linear(2 * hidden, hidden, bias=False)
        self.join = nn.Linear(3 * hidden, width)
        self.out = nn.Linear(width, size)
        self.out.weight = self.words.weight
        self.dropout = nn.Dropout(dropout)

    def read(self, source: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor]]:
        packed = pack_padded_sequence(self.dropout(self.words(source)), lengths, batch_first=True, enforce_sorted=False)
        packed, (h, c) = self.encoder(packed)
        values, _ = pad_packed_sequence(packed, batch_first=True, total_length=source.shape[1])
        h, c = (torch.cat([part[0], part[1]], 1) for part in (h, c))
        hidden = torch.arange(source.shape[1]) >= lengths[:, None]
        return values, self.offered(values), hidden, (torch.tanh(self.to_h(h)), self.to_c(c))

    def look(self, y: Tensor, read: Any) -> Tensor:
        values, keys, hidden, _ = read
        scores = (y @ keys.transpose(1, 2)).masked_fill(hidden[:, None], -math.inf)
        return self.dropout(torch.tanh(self.join(torch.cat([scores.softmax(-1) @ values, y], -1))))

    def forward(self, source: Tensor, lengths: Tensor, before: Tensor) -> Tensor:
        read = self.read(source, lengths)
        words = self.dropout(self.words(before))
        if not self.feeding:
            h, c = read[3]
            y, _ = self.decoder(words, (h[None], c[None]))
            return self.out(self.look(y, read))  # type: ignore[no-any-return]
        state, fed, answers = read[3], words.new_zeros(len(words), words.shape[2]), []
        for t in range(words.shape[1]):
            state = self.decoder(torch.cat([words[:, t], fed], 1), state)
            fed = self.look(state[0][:, None], read)[:, 0]
            answers.append(fed)
        return self.out(torch.stack(answers, 1))  # type: ignore[no-any-return]

    def step(self, words: Tensor, fed: Tensor, state: tuple[Tensor, Tensor], read: Any) -> Any:
        """What words are chosen by after one more of them, and the state."""
        if self.feeding:
            state = self.decoder(torch.cat([words, fed], 1), state)
            return self.look(state[0][:, None], read)[:, 0], state
        y, (h, c) = self.decoder(words[:, None], (state[0][None], state[1][None]))
        return self.look(y, read)[:, 0], (h[0], c[0])


def padded(lines: list[list[int]]) -> tuple[Tensor, Tensor]:
    lengths = torch.tensor([len(line) for line in lines])
    out = torch.zeros(len(lines), int(lengths.max()), dtype=torch.int64)
    for row, line in enumerate(lines):
        out[row, : len(line)] = torch.tensor(line)
    return out, lengths


class Plain:
    """The peer's training: the same batches, rate, warm-up, cosine, clipping and smoothing as ours."""

    def __init__(self, job: dict[str, Any]) -> None:
        torch.manual_seed(job["seed"])
        self.job = job
        self.model = Peer(job["size"], job["width"], job["hidden"], job["dropout"], job["feeding"])
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=job["lr"], weight_decay=0.01, fused=True)
        # The padding of the answers is no word: where it stands is told by -100.
        self.choose = nn.CrossEntropyLoss(label_smoothing=job["smoothing"], ignore_index=-100)

    def step(self, batch: tuple[Tensor, Tensor, Tensor, Tensor], progress: float) -> float:
        source, lengths, target, target_lengths = batch
        rate = progress if progress < 1 else (1 + math.cos(math.pi * (progress - 1) / (self.job["epochs"] - 1))) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = self.job["lr"] * rate
        before = torch.cat([torch.full((len(target), 1), self.job["start"]), target[:, :-1]], 1)
        scores = self.model(source, lengths, before)
        goal = target.masked_fill(torch.arange(target.shape[1]) >= target_lengths[:, None], -100)
        loss = self.choose(scores.flatten(0, 1), goal.flatten())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return float(loss.detach())

    def epoch(self, number: int, orders: list[list[int]]) -> Iterator[None]:
        for k, rows in enumerate(orders):
            source, lengths = padded([self.job["source"][row] for row in rows])
            target, target_lengths = padded([self.job["target"][row] for row in rows])
            self.step((source, lengths, target, target_lengths), number + (k + 0.5) / len(orders))
            yield

    def validate(self) -> float:
        self.model.eval()
        total, count = 0.0, 0
        with torch.inference_mode():
            for at in range(0, len(self.job["valid_source"]), 64):
                source, lengths = padded(self.job["valid_source"][at : at + 64])
                target, target_lengths = padded(self.job["valid_target"][at : at + 64])
                before = torch.cat([torch.full((len(target), 1), self.job["start"]), target[:, :-1]], 1)
                goal = target.masked_fill(torch.arange(target.shape[1]) >= target_lengths[:, None], -100)
                scores = self.model(source, lengths, before).flatten(0, 1)
                total += float(nn.functional.cross_entropy(scores, goal.flatten(), ignore_index=-100, reduction="sum"))
                count += int(target_lengths.sum())
        self.model.train()
        return total / count


def trained(job: dict[str, Any]) -> tuple[Peer, list[float]]:
    """A network with the weights of its best epoch, and the validation loss after each."""
    plain = Plain(job)
    best, kept, history = math.inf, {}, []
    for number, orders in enumerate(job["orders"]):
        for _ in plain.epoch(number, orders):
            pass
        history.append(plain.validate())
        if history[-1] < best:
            best = history[-1]
            kept = {name: value.clone() for name, value in plain.model.state_dict().items()}
        print(f"epoch {number + 1}: valid {history[-1]:.4f}", flush=True)
    plain.model.load_state_dict(kept)
    return plain.model.eval(), history


@torch.inference_mode()
def found(model: Peer, lines: list[list[int]], job: dict[str, Any], width: int, penalty: float) -> list[list[int]]:
    """The answers to lines of ids, by the search that ours go through too."""

    def score(ids: Tensor, state: Any) -> Any:
        *read, h, c, fed = state
        fed, (h, c) = model.step(model.words(ids), fed, (h, c), (*read, None))
        return model.out(fed).log_softmax(-1), (*read, h, c, fed), None

    told: list[list[int]] = []
    for at in range(0, len(lines), 64):
        source, lengths = padded(lines[at : at + 64])
        *read, (h, c) = model.read(source, lengths)
        answers = beam_search(
            score,
            (*read, h, c, h.new_zeros(len(h), model.words.weight.shape[1])),
            rows=len(h),
            start=job["start"],
            end=job["end"],
            width=width,
            longest=job["longest"],
            ranking=Ranking(penalty),
        )
        told += [list(best[0].ids) for best in answers]
    return told
