"""Byte pair encoding: frequent neighbours become one piece, again and again, from single bytes on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ostinato.data.language.cutting import units
from ostinato.errors import ArtifactError, needs

# No piece is longer, so that no file can ask for one of a gigabyte.
LONGEST_PIECE = 64
# A line's end stands alone, so that a text may be cut there; a blank belongs to the word that follows it.
_PATTERN = r"\n| ?[\p{L}\p{M}]+| ?\p{N}+| ?[^\s\p{L}\p{M}\p{N}]+|[^\S\n]+(?!\S)|[^\S\n]+"
Merges = tuple[tuple[int, int], ...]


def learn_merges(texts: Iterable[str], size: int, min_count: int) -> Merges:
    """The pairs of pieces that become one, most frequent first, until there are ``size`` pieces.

    >>> learn_merges(["abab ab"], 257, 1), pieces_of(((97, 98),))[-1]
    (((97, 98),), b'ab')

    The pieces 0 to 255 are the bytes. Needs the package tokenizers. Gage, 1994; Sennrich et al., 2016
    (arXiv:1508.07909).
    """
    tokenizers = needs("tokenizers", "text")
    trained = _tokenizer(tokenizers.models.BPE())
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=min_count,
        initial_alphabet=sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()),
        max_token_length=LONGEST_PIECE,
        show_progress=False,
    )
    trained.train_from_iterator(_unit_lists(texts), trainer)
    letters = {letter: byte for byte, letter in enumerate(_letters())}
    known = {bytes([byte]): byte for byte in range(256)}
    merges = []
    for pair in json.loads(trained.to_str())["model"]["merges"]:
        left, right = (bytes(letters[letter] for letter in part) for part in _pair(pair))
        merges.append((known[left], known[right]))
        known.setdefault(left + right, len(known))
    return tuple(merges)


def pieces_of(merges: Sequence[tuple[int, int]]) -> tuple[bytes, ...]:
    """What each piece spells: the 256 bytes, then what the pairs make, each once.

    Raises :class:`~ostinato.errors.ArtifactError` for a pair of what is not there yet, or a piece that is too long.
    """
    known = {bytes([byte]): byte for byte in range(256)}
    spelt = list(known)
    for left, right in merges:
        if not (0 <= left < len(spelt) and 0 <= right < len(spelt)):
            raise ArtifactError(f"a pair of pieces wanted two of the {len(spelt)} before it, got [{left}, {right}]")
        piece = spelt[left] + spelt[right]
        if len(piece) > LONGEST_PIECE:
            raise ArtifactError(f"a piece has at most {LONGEST_PIECE} bytes, and a pair makes one of {len(piece)}")
        if piece not in known:
            known[piece] = len(spelt)
            spelt.append(piece)
    return tuple(spelt)


class Splitter:
    """Cuts texts into the pieces of some pairs."""

    def __init__(self, merges: Sequence[tuple[int, int]]) -> None:
        tokenizers = needs("tokenizers", "text")
        letters = _letters()
        names = ["".join(letters[byte] for byte in piece) for piece in pieces_of(merges)]
        pairs = [(names[left], names[right]) for left, right in merges]
        model = tokenizers.models.BPE({name: place for place, name in enumerate(names)}, pairs, fuse_unk=False)
        self._rules = _tokenizer(model)

    def split(self, text: str) -> Iterator[list[int]]:
        """The pieces of each unit of a text."""
        for unit in units(text):
            (encoded,) = self._rules.encode_batch_fast([unit])
            yield encoded.ids


def _tokenizer(model: Any) -> Any:
    tokenizers = needs("tokenizers", "text")
    made = tokenizers.Tokenizer(model)
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(_PATTERN), behavior="isolated")
    spelt = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([split, spelt])
    return made


def _unit_lists(texts: Iterable[str]) -> Iterator[list[str]]:
    for text in texts:
        yield list(units(text))


def _pair(pair: Any) -> Sequence[str]:
    """Two pieces, as newer and older versions of tokenizers write them."""
    return pair.split(" ") if isinstance(pair, str) else pair


def _letters() -> list[str]:
    """The letter by which tokenizers writes each byte: itself where it can be seen, else one from 256 on."""
    seen = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = iter(range(256, 512))
    return [chr(byte) if byte in seen else chr(next(hidden)) for byte in range(256)]
