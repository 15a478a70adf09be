from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import Event

import pytest

from exit_pipeline.adapters.clients.market_needs import NEEDS
from exit_pipeline.adapters.market_data import composite
from exit_pipeline.adapters.market_data.composite import (
    CompositeMarketData,
    build,
    parse_needs,
)
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.core.model.listed_chain import ListedChain
from exit_pipeline.core.model.quote import (
    MarketSnapshot,
    OpenInterest,
    Quote,
    SourceNote,
    UnderlyingPrice,
)
from exit_pipeline.ports import MarketData, Surroundings
from exit_pipeline_tests.fakes import FakeCalendar, FixedClock, new_york

TEN = new_york(date(2026, 12, 2), 10)
CALL, PUT = "ACME261218C00100000", "ACME261218P00100000"
VIX_CALL = "VIX261216C00020000"


class Vendor:
    """A live source that knows some symbols; of another age it is a delayed one."""

    def __init__(
        self,
        name: str,
        *known: str,
        chain: Sequence[str] = (),
        seconds: int = 30,
        error: Exception | None = None,
    ) -> None:
        self.source = name
        self.is_live = True
        self.known = known
        self.listed = chain
        self.seconds = seconds
        self.error = error
        self.asked: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
        self.closed = 0
        self.notes: tuple[SourceNote, ...] = ()

    def snapshot(
        self, options: Sequence[str], underlyings: Sequence[str], at: datetime
    ) -> MarketSnapshot:
        self.asked.append((tuple(options), tuple(underlyings)))
        if self.error is not None:
            raise self.error
        price = Decimal(len(self.source))
        return MarketSnapshot(
            source=self.source,
            feed_age_limit=timedelta(seconds=self.seconds),
            quotes={
                symbol: Quote(symbol=symbol, bid=price, ask=price, quoted_at=at)
                for symbol in options
                if symbol in self.known
            },
            underlyings={
                symbol: UnderlyingPrice(symbol=symbol, last=price, quoted_at=at)
                for symbol in underlyings
                if symbol in self.known
            },
            notes=self.notes,
        )

    def chain(self, _underlying: str, _at: datetime) -> Sequence[str]:
        if self.error is not None:
            raise self.error
        return self.listed

    tells_chains_unasked = False

    def option_chain(self, underlying: str, at: datetime) -> ListedChain | None:
        if self.error is not None:
            raise self.error
        rows = [Quote(symbol=one, bid=None, ask=None, quoted_at=at) for one in self.listed]
        details = {"underlying": underlying, "at": 0, "spot": 1.0, "source": self.source}
        return ListedChain.of_quotes(rows, **details) if rows else None

    def close(self) -> None:
        self.closed += 1


class DelayedVendor(Vendor):
    is_delayed = True
    tells_chains_unasked = True

    def __init__(self, name: str, *known: str, **details: object) -> None:
        super().__init__(name, *known, **details)  # type: ignore[arg-type]
        self.is_live = False


class Counting(Vendor):
    """A source that tells open interest apart from its quotes."""

    def open_contracts(
        self, underlyings: Sequence[str], first_expiration: date, last_expiration: date
    ) -> Sequence[OpenInterest]:
        self.asked.append((tuple(underlyings), (f"{first_expiration}", f"{last_expiration}")))
        if self.error is not None:
            raise self.error
        return [OpenInterest(symbol=CALL, open_interest=len(self.source), as_of=first_expiration)]


def of(quotes: Sequence[Vendor], **others: Sequence[Vendor]) -> CompositeMarketData:
    return CompositeMarketData({need: others.get(need, quotes) for need in NEEDS})


def causes(snapshot: MarketSnapshot) -> list[tuple[str, str]]:
    return [(note.cause, note.subject) for note in snapshot.notes]


DOWN = UnavailableError("does not answer")


def test_each_need_is_served_by_its_own_source():
    tradier, cboe = Vendor("tradier", CALL, "ACME"), DelayedVendor("cboe", "VIX", "VIX3M")
    market = of([tradier], chains=[cboe], indices=[cboe])
    snapshot = market.snapshot([CALL], ["ACME", "VIX", "VIX3M"], TEN)

    assert isinstance(market, MarketData)
    assert tradier.asked == [((CALL,), ("ACME",))]
    assert cboe.asked == [((), ("VIX", "VIX3M"))]
    assert set(snapshot.quotes) == {CALL}
    assert set(snapshot.underlyings) == {"ACME", "VIX", "VIX3M"}
    assert snapshot.source == "quotes:tradier,indices:cboe"
    assert snapshot.notes == ()


def test_it_is_as_live_as_its_quotes_and_says_what_it_is_made_of():
    tradier, alpaca, cboe = Vendor("tradier"), Vendor("alpaca"), DelayedVendor("cboe")
    market = of([tradier, alpaca], chains=[cboe], indices=[cboe, tradier])

    assert market.is_live is True
    assert market.source == "quotes:tradier|alpaca,chains:cboe,indices:cboe|tradier"


def test_a_source_of_several_needs_is_asked_once():
    tradier = Vendor("tradier", CALL, "ACME", "VIX")
    of([tradier]).snapshot([CALL], ["ACME", "VIX"], TEN)

    assert tradier.asked == [((CALL,), ("ACME", "VIX"))]


def test_the_index_that_an_option_is_written_on_is_a_price_and_not_context():
    tradier, cboe = Vendor("tradier", VIX_CALL, "VIX"), DelayedVendor("cboe", "VIX", "VIX3M")
    of([tradier], indices=[cboe]).snapshot([VIX_CALL], ["VIX", "VIX3M"], TEN)

    assert tradier.asked == [((VIX_CALL,), ("VIX",))]
    assert cboe.asked == [((), ("VIX3M",))]


def test_the_age_limit_is_that_of_the_quotes():
    tradier, cboe = Vendor("tradier", CALL), DelayedVendor("cboe", "VIX", seconds=1800)

    snapshot = of([tradier], indices=[cboe]).snapshot([CALL], ["VIX"], TEN)
    assert snapshot.feed_age_limit == timedelta(seconds=30)


def test_a_fallback_serves_when_the_first_source_is_down_and_is_recorded():
    tradier, alpaca = Vendor("tradier", error=DOWN), Vendor("alpaca", CALL, "ACME")
    snapshot = of([tradier, alpaca]).snapshot([CALL], ["ACME"], TEN)

    assert set(snapshot.quotes) == {CALL}
    assert snapshot.source == "quotes:alpaca"
    assert causes(snapshot) == [("NOT_ANSWERED", "tradier"), ("FALLBACK_USED", "quotes:alpaca")]
    assert snapshot.notes[1].message == (
        "quotes of 2 symbols came from the fallback alpaca: tradier: does not answer"
    )


def test_a_fallback_is_asked_only_for_what_the_first_source_lacks():
    tradier, alpaca = Vendor("tradier", CALL, "ACME"), Vendor("alpaca", CALL, PUT)
    snapshot = of([tradier, alpaca]).snapshot([CALL, PUT], ["ACME"], TEN)

    assert alpaca.asked == [((PUT,), ())]
    assert snapshot.quotes[CALL].bid == Decimal(len("tradier"))
    assert snapshot.source == "quotes:tradier+alpaca"
    assert causes(snapshot) == [("FALLBACK_USED", "quotes:alpaca")]


def test_a_fallback_is_not_asked_when_nothing_lacks():
    tradier, alpaca = Vendor("tradier", CALL), Vendor("alpaca", CALL)
    of([tradier, alpaca]).snapshot([CALL], [], TEN)

    assert alpaca.asked == []


def test_a_fallback_that_knows_nothing_either_is_not_recorded_as_used():
    tradier, alpaca = Vendor("tradier", CALL), Vendor("alpaca")
    snapshot = of([tradier, alpaca]).snapshot([CALL, PUT], [], TEN)

    assert set(snapshot.quotes) == {CALL}
    assert causes(snapshot) == []


def test_indices_that_nobody_gives_cost_no_quote():
    tradier, cboe = Vendor("tradier", CALL), DelayedVendor("cboe", error=DOWN)
    snapshot = of([tradier], indices=[cboe]).snapshot([CALL], ["VIX"], TEN)

    assert set(snapshot.quotes) == {CALL}
    assert snapshot.underlyings == {}
    assert causes(snapshot) == [("NOT_ANSWERED", "cboe")]


def test_quotes_that_nobody_gives_are_no_answer():
    tradier, alpaca = Vendor("tradier", error=DOWN), Vendor("alpaca", error=DOWN)
    with pytest.raises(UnavailableError) as caught:
        of([tradier, alpaca]).snapshot([CALL], ["VIX"], TEN)
    assert str(caught.value) == (
        "no source of quotes answered: tradier: does not answer; alpaca: does not answer"
    )


def test_a_refused_key_of_one_source_leaves_the_next_one():
    tradier = Vendor("tradier", error=ConfigurationError("the key is refused"))

    snapshot = of([tradier, Vendor("alpaca", CALL)]).snapshot([CALL], [], TEN)
    assert set(snapshot.quotes) == {CALL}


def test_a_source_that_hangs_is_left_for_its_fallback(monkeypatch):
    monkeypatch.setattr(composite, "_RANK_SECONDS", 0.2)
    done = Event()

    class Hanging(Vendor):
        def snapshot(self, options, underlyings, at):
            done.wait()
            return super().snapshot(options, underlyings, at)

    try:
        market = of([Hanging("tradier", CALL), Vendor("alpaca", CALL)])
        snapshot = market.snapshot([CALL], [], TEN)
    finally:
        done.set()
    assert snapshot.source == "quotes:alpaca"


def test_notes_of_the_sources_are_kept():
    tradier = Vendor("tradier", CALL)
    tradier.notes = (SourceNote(cause="NOT_ANSWERED", subject="tradier: 100", message="part"),)

    assert causes(of([tradier]).snapshot([CALL], [], TEN)) == [("NOT_ANSWERED", "tradier: 100")]


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(DelayedVendor("cboe", error=DOWN), id="does not answer"),
        pytest.param(DelayedVendor("cboe"), id="knows none"),
    ],
)
def test_a_chain_comes_from_the_first_source_that_knows_one(first):
    tradier = Vendor("tradier", CALL, chain=[CALL, PUT])
    market = of([tradier], chains=[first, tradier])

    assert market.chain("ACME", TEN) == [CALL, PUT]
    assert ("FALLBACK_USED", "chains:tradier") in causes(market.snapshot([CALL], [], TEN))
    assert causes(market.snapshot([CALL], [], TEN)) == []


def test_a_chain_that_nobody_lists_is_empty_and_one_that_nobody_answers_is_not():
    cboe, tradier = DelayedVendor("cboe"), Vendor("tradier")
    assert list(of([tradier], chains=[cboe, tradier]).chain("ACME", TEN)) == []
    with pytest.raises(UnavailableError, match="no source of chains answered: tradier"):
        of([Vendor("tradier", error=DOWN)]).chain("ACME", TEN)


def test_each_source_is_closed_once():
    tradier, cboe = Vendor("tradier"), DelayedVendor("cboe")
    of([tradier], chains=[cboe], indices=[cboe, tradier]).close()

    assert (tradier.closed, cboe.closed) == (1, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("quotes:tradier", dict.fromkeys(NEEDS, ("tradier",))),
        (
            "quotes:tradier|alpaca,chains:cboe,indices:cboe",
            {"quotes": ("tradier", "alpaca"), "chains": ("cboe",), "indices": ("cboe",)},
        ),
        (
            " indices:cboe | alpaca , quotes: alpaca ",
            {"quotes": ("alpaca",), "chains": ("alpaca",), "indices": ("cboe", "alpaca")},
        ),
    ],
)
def test_the_setting_names_sources_by_need(text: str, expected: Mapping[str, tuple[str, ...]]):
    assert parse_needs(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("composite", id="its own name"),
        pytest.param("quotes:composite", id="itself"),
        pytest.param("quotes:", id="no source"),
        pytest.param("quotes:tradier|", id="half a fallback"),
        pytest.param("prices:tradier", id="an unknown need"),
        pytest.param("quotes:tradier,quotes:alpaca", id="a need twice"),
        pytest.param("indices:cboe", id="no quotes"),
        pytest.param("quotes:tradier,", id="a comma at the end"),
    ],
)
def test_a_setting_of_another_form_is_refused_in_one_sentence(text):
    with pytest.raises(ConfigurationError, match=r"EXIT_MARKET_DATA is .*; expected needs and"):
        parse_needs(text)


def around(text: str, sources: Mapping[str, Vendor] | None) -> Surroundings:
    return Surroundings(
        environ={"EXIT_MARKET_DATA": text},
        clock=FixedClock(TEN),
        calendar=FakeCalendar(),
        environment="paper",
        database_url="",
        market_source=None if sources is None else sources.__getitem__,
    )


def test_it_is_built_of_the_sources_that_the_setting_names():
    sources = {"tradier": Vendor("tradier", CALL), "cboe": DelayedVendor("cboe", "VIX")}
    market = build(around("quotes:tradier,indices:cboe", sources))

    assert market.source == "quotes:tradier,chains:tradier,indices:cboe"


def unreal(name: str) -> Vendor:
    source = Vendor(name)
    source.is_live = False
    return source


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("quotes:cboe", "takes quotes from cboe", id="quotes of 15 minutes ago"),
        pytest.param("quotes:tradier|cboe", "takes quotes from cboe", id="as a fallback too"),
        pytest.param("quotes:simulated", "takes quotes from simulated", id="made-up quotes"),
        pytest.param(
            "quotes:tradier,indices:simulated", "takes indices from simulated", id="made-up indices"
        ),
    ],
)
def test_no_unreal_source_gets_in(text, expected):
    sources = {
        "tradier": Vendor("tradier"),
        "cboe": DelayedVendor("cboe"),
        "simulated": unreal("simulated"),
    }
    with pytest.raises(ConfigurationError, match=expected):
        build(around(text, sources))


def test_it_is_not_made_of_itself():
    with pytest.raises(ConfigurationError, match="not of composites"):
        build(around("quotes:tradier", None))


def test_open_interest_comes_from_the_first_source_of_quotes_that_tells_it():
    plain, counting, other = Vendor("plain"), Counting("counting"), Counting("other")
    market = of([plain, counting, other], indices=[Counting("levels")])
    day = TEN.date()

    told = market.open_contracts(["ACME"], day, day)
    assert [one.open_interest for one in told or ()] == [len("counting")]
    assert (counting.asked, other.asked) == ([(("ACME",), ("2026-12-02", "2026-12-02"))], [])


def test_without_a_source_that_tells_open_interest_nobody_is_asked():
    assert of([Vendor("plain")]).open_contracts(["ACME"], TEN.date(), TEN.date()) is None


def test_open_interest_that_is_not_answered_is_no_answer():
    market = of([Counting("counting", error=UnavailableError("down"))])
    with pytest.raises(UnavailableError, match="down"):
        market.open_contracts(["ACME"], TEN.date(), TEN.date())


def test_a_whole_chain_is_that_of_the_first_source_of_chains_that_has_one():
    tradier, cboe = Vendor("tradier", chain=[PUT]), DelayedVendor("cboe", chain=[CALL])
    market = of([tradier], chains=[cboe, tradier])

    found = market.option_chain("ACME", TEN)
    assert (found.source, found.symbols) == ("cboe", [CALL])
    cboe.error = UnavailableError("down")
    assert market.option_chain("ACME", TEN).source == "tradier"
    assert causes(market.snapshot([], [], TEN)) == [("FALLBACK_USED", "chains:tradier")]


def test_no_source_of_chains_that_answers_is_unavailable_and_one_without_any_has_none():
    down = Vendor("tradier", error=UnavailableError("down"))
    with pytest.raises(UnavailableError, match="no source of chains answered: tradier: down"):
        of([Vendor("alpaca")], chains=[down]).option_chain("ACME", TEN)
    assert of([Vendor("alpaca")]).option_chain("ACME", TEN) is None


@pytest.mark.parametrize(
    ("chains", "unasked"),
    [
        pytest.param(None, False, id="those of quotes, which cost requests"),
        pytest.param("cboe", True, id="of a source that is named for chains"),
    ],
)
def test_chains_are_asked_for_unasked_where_a_source_is_named_for_them(chains, unasked):
    tradier = Vendor("tradier")
    others = {"chains": [DelayedVendor(chains)]} if chains else {}
    assert of([tradier], **others).tells_chains_unasked is unasked


def test_a_level_keeps_the_age_limit_of_its_own_source():
    """A VIX of Cboe, 15 minutes old by nature, was judged by the limit of a live quote."""
    tradier, cboe = Vendor("tradier", "ACME"), DelayedVendor("cboe", "VIX", seconds=1_800)
    seen = of([tradier], indices=[cboe]).snapshot([], ["ACME", "VIX"], TEN)

    assert seen.feed_age_limit == timedelta(seconds=30)
    assert (seen.underlyings["VIX"].source, seen.underlyings["VIX"].age_limit) == (
        "cboe",
        timedelta(seconds=1_800),
    )
