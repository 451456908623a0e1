from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError as SkNotFitted
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from ostinato.errors import OptionError
from ostinato.tasks import TextClassifier
from tests.tasks.requests import SMALL, TINY, requests

# cross_val_score and Pipeline give no room for progress=False, and a test has no terminal to show it in.
pytestmark = pytest.mark.filterwarnings("ignore::ostinato.tasks.examples.DataWarning")


def shouted(texts):
    return [text.upper() for text in texts]


def test_the_constructor_stores_and_checks_nothing():
    strange = object()
    model = TextClassifier(hidden=strange, lr=-1)
    assert model.hidden is strange
    assert model.lr == -1


def test_fit_checks_and_leaves_the_options_as_they_were():
    model = TextClassifier(**{**TINY, "lr": -1})
    with pytest.raises(OptionError, match="lr wanted a number above 0, got -1"):
        model.fit(*requests(), progress=False)
    assert model.lr == -1


def test_parameters_are_got_and_set_by_name():
    model = TextClassifier(hidden=7)
    assert model.get_params()["hidden"] == 7
    assert model.get_params(deep=False) == model.get_params()
    assert model.set_params(hidden=9, cell="gru") is model
    assert (model.hidden, model.cell) == (9, "gru")


def test_an_unknown_parameter_names_the_nearest():
    with pytest.raises(OptionError, match="unknown option 'hiden'; did you mean 'hidden'"):
        TextClassifier().set_params(hiden=3)


def test_a_clone_has_the_options_and_no_training(trained):
    copy = clone(trained)
    assert copy.get_params() == trained.get_params()
    with pytest.raises(SkNotFitted):
        check_is_fitted(copy)
    check_is_fitted(trained)


def test_scikit_learn_sees_a_classifier():
    assert is_classifier(TextClassifier())


def test_it_is_printed_with_what_differs_from_the_defaults():
    assert repr(TextClassifier(cell="gru", hidden=7)) == "TextClassifier(cell='gru', hidden=7)"


def test_it_is_the_end_of_a_pipeline():
    texts, labels = requests()
    pipeline = make_pipeline(FunctionTransformer(shouted), TextClassifier(**SMALL))
    pipeline.fit(texts, labels, textclassifier__progress=False)
    assert pipeline.score(texts, labels) > 0.9
    assert pipeline.predict(["turn on the lamp"]).tolist() == ["on"]
    assert pipeline.predict_proba(["turn on the lamp"]).shape == (1, 3)


def test_it_is_cross_validated():
    texts, labels = requests()
    scores = cross_val_score(TextClassifier(**{**SMALL, "epochs": 4}), np.array(texts), np.array(labels), cv=2)
    assert scores.shape == (2,)
    assert (scores > 0.5).all()


def test_it_is_cross_validated_with_numbers_as_labels_and_other_scores():
    texts, labels = requests()
    numbers = [sorted(set(labels)).index(label) for label in labels]
    scores = cross_val_score(TextClassifier(**{**SMALL, "epochs": 4}), texts, numbers, cv=2, scoring="f1_macro")
    assert (scores > 0.5).all()


def test_its_options_are_searched():
    search = GridSearchCV(TextClassifier(**TINY), {"cell": ["gru", "elman"]}, cv=2)
    search.fit(*requests(), progress=False)
    assert search.best_params_["cell"] in ("gru", "elman")
