"""Value and sensitivities, beside QuantLib, vollib and difference quotients."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.context.black_scholes import EuropeanOptions

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # bindings of C++ that warn when imported
    import QuantLib as ql  # noqa: N813 its users' name
    from vollib.black_scholes_merton import black_scholes_merton
    from vollib.black_scholes_merton.greeks import analytical

ANSWERS = ("price", "delta", "gamma", "vega", "theta", "vanna", "charm")
CASE = {"right": 1, "spot": 100.0, "strike": 100.0, "years": 0.5, "vol": 0.2}
RATES = {"rate": 0.04, "dividend": 0.01}


def random_options(count, **rates):
    random = np.random.default_rng(11)
    years = np.exp(random.uniform(np.log(1 / 525_600), np.log(3), count))
    vol = random.uniform(0.03, 1.5, count)
    spot = np.exp(random.uniform(0, 9, count))
    return EuropeanOptions(
        right=np.where(random.random(count) < 0.5, 1, -1),
        spot=spot,
        strike=spot * np.exp(random.uniform(-4, 4, count) * vol * np.sqrt(years)),
        years=years,
        vol=vol,
        **rates,
    )


def rows_of(options):
    columns = (options.right, options.spot, options.strike, options.years, options.vol)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def of_quantlib(row, rate, dividend):
    right, spot, strike, years, vol = row
    kind = ql.Option.Call if right > 0 else ql.Option.Put
    forward = spot * np.exp((rate - dividend) * years)
    black = ql.BlackCalculator(
        ql.PlainVanillaPayoff(kind, strike), forward, vol * np.sqrt(years), np.exp(-rate * years)
    )
    return {
        "price": black.value(), "delta": black.delta(spot), "gamma": black.gamma(spot),
        "vega": black.vega(years), "theta": black.theta(spot, years),
    }  # fmt: skip


def of_vollib(row, rate, dividend):
    right, spot, strike, years, vol = row
    terms = ("c" if right > 0 else "p", spot, strike, years, rate, vol, dividend)
    return {
        "price": black_scholes_merton(*terms),
        "delta": analytical.delta(*terms),
        "gamma": analytical.gamma(*terms),
        "vega": analytical.vega(*terms) * 100,  # theirs is per point
        "theta": analytical.theta(*terms) * 365,  # and per day
    }


@pytest.mark.parametrize("peer", [of_quantlib, of_vollib])
@pytest.mark.parametrize(
    "rates", [{"rate": 0.0, "dividend": 0.0}, RATES], ids=["no rates", "rates"]
)
def test_two_independent_libraries_agree_to_1e_8(peer, rates):
    options = random_options(400, **rates)
    theirs = [peer(row, **rates) for row in rows_of(options)]
    for name in theirs[0]:
        expected = np.array([one[name] for one in theirs])
        scale = np.maximum(np.abs(expected), options.spot if name in {"price", "theta"} else 1.0)
        worst = np.abs(getattr(options, name)() - expected) / scale
        assert worst.max() < 1e-8, name


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("price", 6.339252307741867), ("delta", 0.5673144270014828), ("gamma", 0.027633617655),
        ("vega", 27.633617655), ("theta", -6.975096719694806), ("vanna", -0.06908404413750031),
        ("charm", -0.06341089986748558),
    ],
)  # fmt: skip
def test_the_worked_case(answer, expected):
    assert getattr(EuropeanOptions(**CASE, **RATES), answer)() == pytest.approx(expected, rel=1e-12)


contracts = st.fixed_dictionaries({
    "right": st.sampled_from([1, -1]), "spot": st.floats(50, 200), "strike": st.floats(50, 200),
    "years": st.floats(0.05, 2), "vol": st.floats(0.1, 0.8), "rate": st.floats(-0.02, 0.08),
    "dividend": st.floats(0, 0.05),
})  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "of", "by", "sign"),
    [
        ("delta", "price", "spot", 1), ("gamma", "delta", "spot", 1), ("vega", "price", "vol", 1),
        ("theta", "price", "years", -1), ("vanna", "delta", "vol", 1),
        ("charm", "delta", "years", -1),
    ],
)  # fmt: skip
@given(contract=contracts)
def test_a_sensitivity_is_a_difference_quotient(answer, of, by, sign, contract):
    step = 1e-4 * contract[by]
    up, down = (
        getattr(EuropeanOptions(**contract | {by: contract[by] + move}), of)()
        for move in (step, -step)
    )
    found = getattr(EuropeanOptions(**contract), answer)()
    assert sign * (up - down) / (2 * step) == pytest.approx(float(found), rel=1e-4, abs=1e-6)


@given(contract=contracts)
def test_a_call_less_a_put_is_the_forward_less_the_strike(contract):
    call, put = (EuropeanOptions(**contract | {"right": right}) for right in (1, -1))
    spot = contract["spot"] * np.exp(-contract["dividend"] * contract["years"])
    strike = contract["strike"] * np.exp(-contract["rate"] * contract["years"])
    assert call.price() - put.price() == pytest.approx(spot - strike, abs=1e-10)
    assert call.gamma() == put.gamma()
    assert call.vanna() == put.vanna()


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("field", ["spot", "strike", "years", "vol"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
def test_a_bad_input_gives_nan_in_its_row_alone_and_no_warning(answer, field, bad):
    columns = {name: np.array([value, value]) for name, value in CASE.items()}
    columns[field][1] = bad
    found = getattr(EuropeanOptions(**columns), answer)()
    assert np.isfinite(found).tolist() == [True, False]
    assert np.isnan(found[1])


def test_a_price_far_out_of_the_money_keeps_its_digits():
    far = EuropeanOptions(**CASE | {"strike": 100 * np.exp(20 * 0.2 * np.sqrt(0.5))})
    assert 0 < far.price() < 1e-80
    assert far.price() == pytest.approx(2.0566607e-87, rel=1)  # the size; digits: normalised_black
