"""A live session of a model that has one answer for a series: steps in, the answer so far out, without torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.series import LiveSeries, Wear, wear_names
from ostinato.errors import OptionError, PlanError, StreamError
from ostinato.heads.decoding import Answer
from ostinato.plan import Plan
from ostinato.streaming.live_session import LiveSession
from ostinato.streaming.rows import Rows
from ostinato.streaming.session import answer_of


class SeriesSession(LiveSession):
    """A series as it comes, and what a classifier, a regressor or a predictor of remaining life says of it so far.

    ``push`` takes steps, :meth:`answer` says what :meth:`predict` would say of all that came. A model that reads the
    last steps only, as one of remaining life does, is run over these whenever it is asked.
    """

    remembered = ("_rows", "_wear")

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        if self.reading.alarm is not None or self.reading.forecast is not None:
            raise OptionError(f"a model of the task '{plan.task}' has no one answer; ost.stream() serves it")
        features, k = self.features, len(self.channels)
        beside = (*features.layout.past, *features.layout.known)
        if beside != (wear_names(self.channels, **self.reading.wear) if self.reading.wear else ()):
            raise PlanError(f"this model reads {', '.join(beside[:3])} beside its channels, which no session makes")
        if features.scaling != "none" and features.scope != "panel":
            raise PlanError(
                "this model scales each series by its whole, which a stream has not seen yet; train it with "
                "scope='panel'"
            )
        offset, scale = next(iter(features.scales.values()), ([0.0] * k, [1.0] * k))
        self.check_parts(len(features.columns), self._session.width)
        self.begin(LiveSeries(features, offset=offset, scale=scale))

    def begin(self, live: LiveSeries) -> None:
        """Take a series, from a beginning."""
        self.live = live
        self._rows = None if self.reading.window is None else Rows(self.reading.window, len(self.features.columns))
        wear = self.reading.wear
        self._wear = Wear.new(len(self.channels), **wear) if wear else None
        self._shown: NDArray[np.float32] | None = None

    def push(self, values: Any, time: Any = None) -> None:
        """Take the channels of a step [K], or of some [T, K]; None or NaN where there is no value.

        ``time`` is wanted where steps are irregular; elsewhere they follow each other unless it says that some were
        left out, which are then missing ones. What is refused (:class:`~ostinato.errors.StreamError`) leaves the
        session as it was before that step.
        """
        if np.ndim(values) == 2:
            for row, at in zip(values, [None] * len(values) if time is None else time, strict=True):
                self.push(row, at)
            return
        live, order = self.live, self.live.order
        if time is None and order.frequency is None:
            raise StreamError(f"{order.here()}: steps are irregular; say when each came: push(values, time)")
        at = order.next() if time is None else order.moment(time)
        y = live.scaled(values)
        for left_out in order.between(at):
            self._take(left_out, None, live.scaled(None))
        self._take(at, values, y)

    def _take(self, at: int, values: Any, y: Any) -> None:
        past = None
        if self._wear is not None:
            then, columns = self._wear.then([math.nan] * len(self.channels) if values is None else values)
            past = self.live.covariates(columns)
            self._wear = then
        self.live.look_ahead(at)
        self.live.observe(at, y, past)
        if self._rows is None:
            self._shown = self._session.push(self.live.x).copy()
        else:
            self._rows.add(self.live.x)
            self._shown = None

    def answer(self) -> Answer | float:
        """What the model says of the series so far: a label with its confidence, or a number."""
        if not self.steps:
            raise StreamError("there is no answer before the first step; push one")
        if self._shown is None:
            assert self._rows is not None
            self._session.reset()
            self._shown = self._session.push(self._rows.last())[-1].copy()
        if self.plan.answers is not None:
            return answer_of(self.plan.answers, self._shown)
        number = float(self._shown[0])
        low, high = self.reading.bounds or (None, None)
        number = number if low is None else max(low, number)
        return number if high is None else min(high, number)

    def told(self) -> dict[str, Any]:
        """What else is remembered, as plain data."""
        rows = None if self._rows is None else self._rows.last().tolist()
        wear = None if self._wear is None else self._wear.to_dict()
        return {"rows": rows, "shown": None if self._shown is None else self._shown.tolist(), "wear": wear}

    def heard(self, kept: dict[str, Any]) -> dict[str, Any]:
        """The inverse of :meth:`told`."""
        shown = None if kept["shown"] is None else np.array(kept["shown"], np.float32).reshape(self._session.width)
        if (kept["rows"] is None) != (self.reading.window is None):
            raise ValueError("the model and the state do not read as many steps")
        rows = None
        if self.reading.window is not None:
            rows = Rows.of(kept["rows"], self.reading.window, len(self.features.columns))
        wear = None if self._wear is None else self._wear.restored(kept["wear"])
        return {"_rows": rows, "_shown": shown, "_wear": wear}
