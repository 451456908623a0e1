"""Trees to labels, of the whole and of their nodes: fit, predict, evaluate, save."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ostinato.artifact import Artifact
from ostinato.data import Labels, Vocabulary
from ostinato.data.frames import as_list
from ostinato.data.trees import Tree
from ostinato.errors import needs
from ostinato.heads.decoding import Answer, decide
from ostinato.tasks.evaluation import Evaluation, compare
from ostinato.tasks.examples import check_training, hold_out
from ostinato.tasks.fitted import Classes, check_parts, labels_from, mean_loss, watcher
from ostinato.tasks.task_model import TaskModel
from ostinato.tasks.text_training import fingerprint
from ostinato.tasks.tree_examples import (
    EncodedTrees,
    TreeExamples,
    encode_trees,
    read_tree_examples,
    read_trees_of,
    shaped,
)
from ostinato.tasks.tree_options import TreeClassifierOptions, check_options, places
from ostinato.tasks.tree_training import check_places, node_shares, root_shares, train_trees

if TYPE_CHECKING:
    from ostinato.model import Model


@dataclass(kw_only=True, eq=False, repr=False)
class TreeClassifier(Classes, TaskModel, TreeClassifierOptions):
    """Learns from labelled trees which label a tree has, and perhaps each of its nodes.

    >>> model = TreeClassifier(hidden=8, embedding=8, epochs=2, min_count=1, holdout=0, device="cpu")
    >>> trees = ["(MAX 1 2)", "(MIN 1 2)", "(MAX 1 (MIN 2 2))", "(MIN (MAX 1 1) 2)"]
    >>> model.fit(trees, ["2", "1", "2", "1"], progress=False).classes_.tolist()
    ['1', '2']
    >>> model.predict_proba(["(MAX 2 2)"]).shape
    (1, 2)

    A tree is a text in brackets (the option ``form`` says how to read it), lists in lists, or a
    :class:`~ostinato.data.trees.Tree`. A recurrent cell is folded over it from the leaves to the root
    (:class:`~ostinato.layers.TreeFold`). The options are those of the command ``ostinato train tree-classifier``, the
    conventions those of scikit-learn.

    After fitting: ``classes_`` (the labels, of the type they came in), ``model_`` (the network), ``vocabulary_``,
    ``labels_``, ``validation_`` (the report on the validation data, None without any), ``history_`` (the log entries of
    training), ``training_`` (how it came about).
    """

    # What it reads, which is also the name of the column unless another is given.
    reads: ClassVar[str] = "tree"
    task: ClassVar[str] = "tree-classifier"
    called: ClassVar[str] = "a tree classifier"
    options: ClassVar[type] = TreeClassifierOptions
    checks = staticmethod(check_options)
    also: ClassVar[frozenset[str]] = frozenset({"vocabulary", "labels", "columns"})

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        tree: str | None = None,
        label: str | None = None,
        valid: Any = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: bool | Callable[[Any], None] = True,
    ) -> TreeClassifier:
        """Train on trees and labels, on a file of trees, or on a table with columns named ``tree`` and ``label``.

        Without ``y`` and a column of labels, each tree has the label of its root. ``valid`` is what early stopping is
        decided on: a file, a frame, or a pair of trees and labels; without it a share ``holdout`` of every label's rows
        is kept for that. A ``checkpoint`` path makes the run safe against interruption, and ``resume=True`` goes on
        from there. ``progress`` shows a live bar; a function is called with every report instead.
        """
        needs("torch", "train")
        options = self._checked(valid=valid is not None)
        examples = read_tree_examples(X, y, tree=tree, label=label, form=options.form)
        check_training(examples.rows)
        if valid is not None:
            names = {"form": options.form} if isinstance(valid, tuple) else _names(tree, label, valid, options.form)
            held = read_tree_examples(*(valid if isinstance(valid, tuple) else (valid,)), **names)
            data = fingerprint(examples.rows, held.rows)
        else:
            data = fingerprint(examples.rows, None)
            kept, apart = hold_out(examples.rows.labels, options.holdout, options.seed)
            examples, held = examples.pick(kept), examples.pick(apart)
        with watcher(progress) as watch:
            trained = train_trees(
                options,
                examples,
                held if len(held) else None,
                fingerprint=data,
                checkpoint=checkpoint,
                resume=resume,
                watch=watch,
            )
        self._adopt(trained.model, trained.vocabulary, trained.labels, examples.rows.kind)
        self.history_, self.training_ = trained.history, trained.summary
        self.columns_ = (tree or "tree", label or "label")
        self.validation_ = None if trained.valid is None else self._compare(held, trained.valid)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of every class for every tree as a whole, [n, N], in the order of ``classes_``."""
        shares: NDArray[np.float64] = self._shares(X)[:, self._order]
        return shares

    def predict(self, X: Any) -> NDArray[Any]:
        """The label of every tree as a whole, [n]."""
        return self._as_given([answer.label for answer in self.answers(X)])

    def predict_nodes(self, X: Any) -> list[NDArray[Any]]:
        """The label of every node of every tree, in the order of each tree's nodes.

        Nodes of a text or of lists are in the order of writing. A network that was trained on the labels of roots only
        was never asked for other nodes; what it says there is its value of that part.
        """
        trees = self._encoded(self._trees(X))
        found = node_shares(self.model_, trees)
        return [self._as_given(self.labels_.decode(shares.argmax(axis=1).tolist())) for shares in found]

    def answers(self, X: Any) -> list[Answer]:
        """For every tree the best label and how sure the model is of it.

        >>> TreeClassifier().answers(["(MAX 1 2)"])
        Traceback (most recent call last):
        ostinato.errors.NotFittedError: this TreeClassifier is not trained yet; ...
        """
        return decide(self._shares(X), self.labels_.names)

    def evaluate(
        self, X: Any, y: Any = None, *, tree: str | None = None, label: str | None = None, nodes: bool = False
    ) -> Evaluation:
        """Compare the model's answers with true labels; columns are called as in training unless named.

        ``nodes=True`` compares at every node that has a label instead of the trees as wholes. A label that training
        never saw counts as wrong, and the report says so; if no label was seen, that is an error.
        """
        self._check_fitted()
        named = (tree or self.columns_[0], label or self.columns_[1]) if y is None else (None, None)
        if y is None and (tree is None or label is None):
            examples = read_tree_examples(X, **_names(tree, label, X, self.form, default=named))
        else:
            examples = read_tree_examples(X, y, tree=tree, label=label, form=self.form)
        if not {*examples.rows.labels} & {*self.labels_.names}:
            self.labels_.encode(examples.rows.labels, examples.rows.place)
        encoded = self._encoded(examples.trees, examples.rows.place)
        if nodes:
            return self._compare_nodes(examples, encoded)
        return self._compare(examples, root_shares(self.model_, encoded))

    def score(self, X: Any, y: Any = None) -> float:
        """The accuracy, as scikit-learn's cross-validation asks for it."""
        return self.evaluate(X, y).accuracy

    def label_of(self, answer: Answer) -> str:
        """The label that :meth:`predict` gives for an answer."""
        return answer.label

    def _own(self) -> dict[str, Any]:
        return {
            "vocabulary": self.vocabulary_.to_dict(),
            "labels": self._named(),
            "columns": list(self.columns_),
        }

    def _restore(self, stored: Artifact, network: Callable[[], Any]) -> None:
        manifest = stored.manifest
        (labels, kind), vocabulary = labels_from(manifest["labels"]), Vocabulary.from_dict(manifest["vocabulary"])
        check_parts(manifest["architecture"], labels, vocabulary)
        self._adopt(network(), vocabulary, labels, kind)
        self.columns_ = (str(manifest["columns"][0]), str(manifest["columns"][1]))

    def _adopt(self, model: Model, vocabulary: Vocabulary, labels: Labels, kind: str) -> None:
        """Take over what training or a file gave."""
        self.model_, self.vocabulary_ = model, vocabulary
        self._name(labels, kind)

    def _shares(self, X: Any) -> NDArray[np.float64]:
        """The probability of every class for every tree, in the order of ``labels_``."""
        trees = self._encoded(self._trees(X))
        return root_shares(self.model_, trees)

    def _trees(self, X: Any) -> list[Tree]:
        self._check_fitted()
        return read_trees_of(as_list(X, "trees"), self.form)

    def _encoded(self, trees: list[Tree], place: Callable[[int], str] | None = None) -> EncodedTrees:
        folded = shaped(trees, self.binarize)
        check_places(folded, places(self), place or (lambda row: f"row {row + 1}"))
        return encode_trees(folded, self.vocabulary_)

    def _compare(self, examples: TreeExamples, shares: NDArray[np.float64]) -> Evaluation:
        """The report on trees whose probabilities are known."""
        return compare(
            examples.rows.labels,
            self.labels_.decode(shares.argmax(axis=1).tolist()),
            labels=self.labels_.names,
            loss=mean_loss(shares, examples.rows.labels, self.labels_),
            source=examples.rows.source,
        )

    def _compare_nodes(self, examples: TreeExamples, encoded: EncodedTrees) -> Evaluation:
        """The report on all nodes that have a label; a root has that of its row."""
        truth, found = list[str](), list[NDArray[np.float64]]()
        for row, shares in enumerate(node_shares(self.model_, encoded)):
            tree = examples.trees[row]
            labels = list(tree.labels) or [None] * len(tree)
            labels[tree.root] = examples.rows.labels[row]
            given = [node for node, name in enumerate(labels) if name is not None]
            truth += [name for name in labels if name is not None]
            found.append(shares[given])
        together = np.concatenate(found)
        return compare(
            truth,
            self.labels_.decode(together.argmax(axis=1).tolist()),
            labels=self.labels_.names,
            loss=mean_loss(together, truth, self.labels_),
            source=examples.rows.source,
        )


def _names(
    tree: str | None,
    label: str | None,
    source: Any,
    form: str,
    *,
    default: tuple[str | None, str | None] = (None, None),
) -> dict[str, Any]:
    """The columns to read from a source, which has none where it is a file of trees or a list of them."""
    from ostinato.data.tree_files import is_tree_file

    if is_tree_file(source) or isinstance(source, list):
        return {"form": form}
    return {"tree": tree or default[0], "label": label or default[1], "form": form}
