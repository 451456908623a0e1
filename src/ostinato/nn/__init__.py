"""Floor 5: drop-in doors for users of torch.nn: change one import line, or have a model's layers replaced."""

from __future__ import annotations

from ostinato.nn.cells import GRUCell, LSTMCell, RNNCell
from ostinato.nn.recurrent import GRU, LSTM, RNN
from ostinato.nn.replacing import replace

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNCell", "replace"]
