"""Networks that read one sequence and write another."""

from __future__ import annotations

from ostinato.encoder_decoder.network import EncoderDecoder, build_encoder_decoder, stored_architecture

__all__ = ["EncoderDecoder", "build_encoder_decoder", "stored_architecture"]
