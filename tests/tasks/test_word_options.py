from ostinato.options import describe
from ostinato.tasks.tag_options import TaggerOptions
from ostinato.tasks.text_options import TextClassifierOptions
from ostinato.tasks.word_options import WordOptions, body_of, embed_of


def test_tasks_on_words_share_their_options():
    shared = {field.name for field in describe(WordOptions)}
    for options in (TextClassifierOptions, TaggerOptions):
        assert shared < {field.name for field in describe(options)}


def test_parts_of_the_architecture_follow_the_options():
    options = WordOptions(layers=2, dropout=0.25, embedding=7, layer_norm="gates")
    assert embed_of(options, words=3, pieces=4)["width"] == 7
    body = body_of(options)
    assert (body["dropout"], body["layer_norm"]) == (0.25, "gates")
    assert body_of(WordOptions(dropout=0.25))["dropout"] == 0.0
