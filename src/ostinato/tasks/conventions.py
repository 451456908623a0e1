"""scikit-learn's conventions, kept without importing it: parameters, cloning, tags."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from ostinato.errors import NotFittedError, OptionError, nearest

Self = TypeVar("Self", bound="Estimator")


class Estimator:
    """What scikit-learn asks of a classifier: the constructor stores, ``fit`` checks, results end in an underscore.

    >>> @dataclasses.dataclass(kw_only=True, eq=False, repr=False)
    ... class Guess(Estimator):
    ...     share: float = 0.5
    >>> Guess(share=0.25).set_params(share=0.75)
    Guess(share=0.75)
    """

    # scikit-learn before 1.6 asks for this, later versions for the tags.
    _estimator_type = "classifier"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Every option by name; there are no nested ones, so ``deep`` changes nothing."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    def set_params(self: Self, **params: Any) -> Self:
        """Change options; they are checked by ``fit``."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise OptionError(f"unknown option '{name}'; {nearest(name, known)}")
            setattr(self, name, value)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            name = type(self).__name__
            raise NotFittedError(f"this {name} is not trained yet; call fit, or load a model by ostinato.load")

    def __sklearn_tags__(self) -> Any:
        # Only scikit-learn calls this, so it is there.
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            transformer_tags=None,
            classifier_tags=ClassifierTags(),
            regressor_tags=None,
            input_tags=InputTags(one_d_array=True, two_d_array=False, string=True),
        )

    def __repr__(self) -> str:
        changed = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
            if getattr(self, field.name) != field.default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"


def regressor_tags() -> Any:
    """The tags of a model that tells numbers; only scikit-learn asks for them, so it is there."""
    from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags

    return Tags(
        estimator_type="regressor",
        target_tags=TargetTags(required=True),
        transformer_tags=None,
        classifier_tags=None,
        regressor_tags=RegressorTags(),
        input_tags=InputTags(one_d_array=True, two_d_array=True, three_d_array=True),
    )
