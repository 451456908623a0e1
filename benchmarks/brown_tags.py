"""The tags of the Brown corpus and the 12 universal ones that they mean; fw-, -tl, -hl, -nc and all after + left out.

Universal tags: Petrov, Das & McDonald, 2012 (arXiv:1104.2086).
"""

from __future__ import annotations

# Each universal tag with the tags of the corpus that it stands for.
UNIVERSAL = {
    ".": "' '' `` ( ) , -- . :",
    "ADJ": "ap ap$ jj jj$ jjr jjs jjt od",
    "ADP": "cs in",
    "ADV": "* ql qlp rb rb$ rbr rbt rn wql wrb",
    "CONJ": "cc",
    "DET": "abx at dt dt$ dti dts dtx pp$ wdt wp$",
    "NOUN": "nn nn$ nns nns$ np np$ nps nps$ nr nr$ nrs pn pn$",
    "NUM": "cd cd$",
    "PRON": "ex pp$$ ppl ppls ppo pps ppss wpo wps",
    "PRT": "abl abn rp to uh",
    "VERB": "be bed bed* bedz bedz* beg bem bem* ben ber ber* bez bez* do do* dod dod* doz doz* hv hv* hvd hvd* hvg "
    "hvn hvz hvz* md md* vb vbd vbg vbn vbz",
    "X": "nil",
}
_MEANS = {tag: universal for universal, tags in UNIVERSAL.items() for tag in tags.split()}


def universal(tag: str) -> str:
    """The universal tag of one of the corpus.

    >>> universal("np-tl"), universal("FW-IN+NN"), universal("ppss+bem"), universal("--")
    ('NOUN', 'ADP', 'PRON', '.')
    """
    bare = tag.lower().removeprefix("fw-").partition("+")[0]
    while bare.endswith(("-tl", "-hl", "-nc")):
        bare = bare[:-3]
    return _MEANS[bare]
