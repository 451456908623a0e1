"""What live sessions over series share: the series as it goes on, the network's state, and both as bytes."""

from __future__ import annotations

import copy
import json
import struct
from typing import Any, ClassVar, TypeVar

from ostinato.data.series import Features, LiveSeries
from ostinato.errors import ArtifactError, OptionError, OstinatoError, StreamError
from ostinato.plan import Plan
from ostinato.plan.series import TASKS
from ostinato.streaming.session import Session
from ostinato.streaming.snapshot import pack, unpack

Self = TypeVar("Self", bound="LiveSession")
_SIZE = struct.Struct("<Q")


class LiveSession:
    """One live series and a network that reads it step by step.

    :meth:`snapshot` and :meth:`restore` keep all as bytes, :meth:`reset` begins anew, :meth:`fork` begins another
    session where this one stands. Sessions of one model share its weights; one session belongs to one thread at a time.
    """

    # What else is remembered beside the series and the network's state.
    remembered: ClassVar[tuple[str, ...]] = ()

    def __init__(self, plan: Plan) -> None:
        if plan.series is None:
            raise OptionError(
                f"a session over series wanted a model of the task {', '.join(TASKS)}; got {plan.task or 'a network'}"
            )
        self.plan, self.reading = plan, plan.series
        self.features = Features.from_dict(self.reading.features)
        self._session = Session(plan)
        self.live: LiveSeries

    def check_parts(self, read: int, told: int) -> None:
        """Refuse a network that reads or tells other numbers than the features mean."""
        came = (self._session.inputs.get("x"), self._session.width)
        if came != (read, told):
            raise ArtifactError(
                f"the network reads {came[0]} numbers a step and tells {came[1]}; what the file says of its series "
                f"makes {read} and {told}"
            )

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that are read, in the order in which ``push`` takes them."""
        return self.features.layout.target

    @property
    def id(self) -> str | None:
        """What the series is called; None where nobody said."""
        return self.live.id or None

    @property
    def steps(self) -> int:
        """How many steps have come, those left out among them."""
        return self.live.order.steps

    def begin(self, live: LiveSeries) -> None:
        """Take a series, from a beginning."""
        self.live = live

    def reset(self) -> None:
        """Begin a new series, under the same id and with the same scale."""
        self._session.reset()
        live = self.live
        self.begin(LiveSeries(self.features, live.id, offset=live.offset, scale=live.scale))

    def fork(self: Self) -> Self:
        """Another session that stands where this one stands; from now on each goes its own way."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._session = self._session.fork()
        shared = {id(self.features): self.features}
        for name in ("live", *self.remembered):
            setattr(other, name, copy.deepcopy(getattr(self, name), shared))
        return other

    def snapshot(self) -> bytes:
        """All that this session remembers, as bytes for :meth:`restore`, bound to the model."""
        text = json.dumps({"series": self.live.to_dict(), **self.told()}, allow_nan=False).encode()
        return pack(self.plan.digest, _SIZE.pack(len(text)) + text + self._session.snapshot())

    def restore(self, data: bytes) -> None:
        """Go on where a snapshot of the same model was taken.

        Raises :class:`~ostinato.errors.StreamError` for bytes of another model, cut off or changed; the session is then
        as it was.
        """
        content = unpack(data, self.plan.digest)
        try:
            (size,) = _SIZE.unpack_from(content)
            kept = json.loads(content[_SIZE.size : _SIZE.size + size])
            live, others = LiveSeries.from_dict(self.features, kept["series"]), self.heard(kept)
            self._session.restore(content[_SIZE.size + size :])
        except StreamError:
            raise
        except (OstinatoError, ValueError, TypeError, KeyError, AttributeError, IndexError, struct.error) as error:
            raise StreamError(f"this is no state of a session over series: {error}; take it again") from error
        self.live = live
        self.__dict__.update(others)

    def told(self) -> dict[str, Any]:
        """What else is remembered, as plain data."""
        return {}

    def heard(self, kept: dict[str, Any]) -> dict[str, Any]:
        """The inverse of :meth:`told`: attributes by name; what is none is a ValueError, a TypeError or a KeyError."""
        return {}

    def __repr__(self) -> str:
        return f"<{self.plan.task}, live over {', '.join(self.channels)}, {self.steps} steps>"
