from __future__ import annotations

import json

from ostinato.bench.points import Point, Row, Side
from tests.bench.inside import small


def test_a_job_travels_as_json_and_arrives_as_it_was():
    job = small("lstm", train=False, ragged=True, layers=2)
    assert type(job)(**json.loads(json.dumps(job.data()))) == job


def test_a_point_knows_whom_it_needs_and_its_name():
    job = small()
    point = Point("row", Side("ours", job), Side("jax", job), beside=Side("torch", job))
    assert point.workers == ("ours", "jax", "torch")
    assert point.name == "row.gru-B3-T7-I4-H5"


def test_speed_and_share_are_better_when_they_are_more():
    kinds = {kind: Row("r", "t", "a", (), kind).more_is_better for kind in ("speed", "cost", "memory", "share")}
    assert kinds == {"speed": True, "cost": False, "memory": False, "share": True}
