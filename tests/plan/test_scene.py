import numpy as np

from ostinato.plan import Draft
from ostinato.plan.scene import Scene, affine


def test_an_affine_map_is_a_product_that_may_begin_with_a_bias():
    for bias in (None, np.array([1.0, 2.0, 3.0])):
        scene = Scene(Draft(), {})
        x = scene.draft.number("x", 2)
        y = affine(scene, x, np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), bias, "V")
        shown, _ = scene.draft.program({}, {"y": y}).run({"x": [3.0, 4.0]}, {}, {})
        wanted = np.array([3.0, 4.0, 7.0]) + (0 if bias is None else bias)
        np.testing.assert_array_equal(shown["y"], wanted)
