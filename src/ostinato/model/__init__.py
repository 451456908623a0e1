"""Floor 6: networks as a whole, made from an architecture that is plain data."""

from ostinato.model.building import build, restored
from ostinato.model.embeds import EMBEDS
from ostinato.model.network import Activity, Model, Step
from ostinato.model.parts import HEADS, stored

__all__ = ["EMBEDS", "HEADS", "Activity", "Model", "Step", "build", "restored", "stored"]
