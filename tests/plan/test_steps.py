from ostinato.layers import Recurrent
from ostinato.plan import plan_of


def test_a_projected_cell_knows_the_widths_of_its_parts():
    step = plan_of(Recurrent("lstm_projected", 3, 8, projection=2)).step("layer0")
    assert step.widths == {"h": 2, "c": 8}
    assert step.width == 2
