from __future__ import annotations

import numpy
import pytest

from ostinato.data.series import fit_scales, read_series
from ostinato.data.series.scaling import KINDS, check_kind, pooled
from ostinato.errors import DataError, OptionError


def panel(*series):
    return read_series([numpy.array(row, float) for row in series])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scope", ["series", "panel"])
def test_a_scale_can_be_undone(kind, scope):
    rng = numpy.random.default_rng(0)
    whole = panel(rng.normal(5, 2, 50), rng.normal(-300, 40, 20), rng.gamma(2, 1, 30))
    scales = fit_scales(whole, kind, scope=scope)
    series = whole.series_of(numpy.arange(whole.rows))
    scaled = scales.apply(whole.target, series)
    numpy.testing.assert_allclose(scales.invert(scaled, series), whole.target, rtol=1e-5, atol=1e-4)


def test_standard_scales_have_no_mean_and_spread_one():
    rng = numpy.random.default_rng(1)
    whole = panel(rng.normal(5, 2, 500), rng.normal(-3, 4, 200))
    for scope, parts in (("series", [slice(0, 500), slice(500, 700)]), ("panel", [slice(0, 700)])):
        scaled = fit_scales(whole, scope=scope).apply(whole.target, whole.series_of(numpy.arange(700)))
        for part in parts:
            assert abs(scaled[part].mean()) < 1e-5
            assert abs(scaled[part].std() - 1) < 1e-5


def test_the_kinds_are_what_they_say():
    whole = panel([1.0, 2.0, 3.0, 4.0, 100.0])
    assert fit_scales(whole, "mean").scale.item() == 22
    robust = fit_scales(whole, "robust")
    assert robust.offset.item() == 3
    assert robust.scale.item() == pytest.approx(2 / 1.34898, rel=1e-5)
    assert fit_scales(whole, "none").scale.item() == 1


@pytest.mark.parametrize("kind", ["standard", "robust"])
@pytest.mark.parametrize("value", [0.0, 7.0, -1e-30, 123456.789, 1e30])
def test_a_constant_series_has_the_scale_one(kind, value):
    for scope in ("series", "panel"):
        scales = fit_scales(panel([value] * 7), kind, scope=scope)
        assert scales.scale.item() == 1
        assert scales.offset.item() == numpy.float32(value)
    assert fit_scales(panel([0.0, 0.0]), "mean").scale.item() == 1


def test_a_series_that_is_mostly_zero_is_not_constant():
    assert fit_scales(panel([0.0] * 9 + [10.0]), "robust").scale.item() == pytest.approx(3.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scope", ["series", "panel"])
def test_what_comes_later_is_not_looked_at(kind, scope):
    rng = numpy.random.default_rng(2)
    early = rng.normal(size=(2, 20))
    whole = panel(*(numpy.concatenate([row, [1e6, numpy.nan]]) for row in early))
    found = fit_scales(whole, kind, scope=scope, before=whole.cut(steps=2))
    wanted = fit_scales(panel(*early), kind, scope=scope)
    numpy.testing.assert_array_equal(found.offset, wanted.offset)
    numpy.testing.assert_array_equal(found.scale, wanted.scale)


@pytest.mark.parametrize("kind", KINDS)
def test_missing_values_do_not_count(kind):
    holes = panel([1.0, numpy.nan, 4.0, 6.0, numpy.nan])
    for scope in ("series", "panel"):
        found, wanted = (fit_scales(p, kind, scope=scope) for p in (holes, panel([1.0, 4.0, 6.0])))
        assert (found.offset, found.scale) == (wanted.offset, wanted.scale)


def test_each_column_has_a_scale_of_its_own():
    whole = read_series([numpy.array([[1.0, 10.0], [3.0, numpy.nan], [5.0, 30.0]])])
    scales = fit_scales(whole)
    assert scales.offset.tolist() == [[3.0, 20.0]]
    numpy.testing.assert_allclose(scales.scale, [[numpy.sqrt(8 / 3), 10.0]], rtol=1e-6)


def test_a_series_without_a_value_is_named():
    whole = panel([1.0, 2.0], [numpy.nan, 5.0])
    with pytest.raises(DataError, match="series '2' has no observed 'y' in its first 1 rows, by which"):
        fit_scales(whole, before=whole.cut(steps=1))
    with pytest.raises(DataError, match="'y' has no observed value"):
        fit_scales(whole, scope="panel", before=whole.starts[:-1])
    assert numpy.isnan(pooled(whole, whole.target, "standard", whole.starts[:-1])[0]).all()
    assert fit_scales(whole, scope="panel", before=whole.cut(steps=1)).offset.tolist() == [[1.0], [1.0]]


def test_unknown_words_are_refused():
    with pytest.raises(
        OptionError, match="scaling wanted one of none, mean, standard, robust; got 'standrad'; did you"
    ):
        fit_scales(panel([1.0]), "standrad")
    with pytest.raises(OptionError, match="scope wanted one of"):
        fit_scales(panel([1.0]), scope="all")
    check_kind("a", "letter", ("a",))
