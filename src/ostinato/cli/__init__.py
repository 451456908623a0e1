"""Floor 9: the command ``ostinato``, one file for each verb.

To add a verb, write its function in a file of its own and name it in ``VERBS``. What a verb needs beyond typer is
imported inside the function, so that ``--help`` stays quick.
"""

from __future__ import annotations

from collections.abc import Callable

import typer

from ostinato.cli import (
    backtest,
    bench,
    cache,
    certify,
    chat,
    check_install,
    demo,
    detect,
    evaluate,
    export,
    generate,
    info,
    predict,
    stream,
    train,
    train_anomaly,
    train_forecaster,
    train_intents,
    train_language,
    train_seq2seq,
    train_series,
    train_tagger,
)
from ostinato.cli.program import Program, Verb

VERBS: dict[str, Callable[..., None]] = {
    "predict": predict.predict,
    "evaluate": evaluate.evaluate,
    "backtest": backtest.backtest,
    "detect": detect.detect,
    "chat": chat.chat,
    "generate": generate.generate,
    "stream": stream.stream,
    "export": export.export,
    "info": info.info,
    "bench": bench.bench,
    "certify": certify.certify,
    "check-install": check_install.check_install,
    "demo": demo.demo,
}

app = typer.Typer(
    cls=Program,
    name="ostinato",
    help="Recurrent networks: train them, use them, look into them.",
    add_help_option=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    # Their two flags would import pydantic before any help is shown, which doubles its time.
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
train_series.add_to(train.app)
train_forecaster.add_to(train.app)
train_anomaly.add_to(train.app)
train_tagger.add_to(train.app)
train_intents.add_to(train.app)
train_language.add_to(train.app)
train_seq2seq.add_to(train.app)
app.add_typer(train.app, name="train")
app.add_typer(cache.app, name="cache")
for name, verb in VERBS.items():
    app.command(name, cls=Verb)(verb)


def main() -> int:
    """The entry point of the command ``ostinato``."""
    app()
    return 0
