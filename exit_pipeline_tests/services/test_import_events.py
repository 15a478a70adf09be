"""Events from CSV files, and the sentences about those that can't be."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.event import EventKind, MarketEvent
from exit_pipeline.services.import_events import read_events
from exit_pipeline_tests.fakes import FakeCalendar

CALENDAR = FakeCalendar({date(2026, 4, 3): "Good Friday"})


def read(folder: Path, *lines: str, header: str = "underlying,kind,at,amount") -> list[MarketEvent]:
    file = folder / "events.csv"
    file.write_text("\n".join([header, *lines]), encoding="utf-8")
    return read_events(file, CALENDAR)


def test_a_date_is_the_open_of_its_session_and_a_time_is_itself(tmp_path: Path) -> None:
    found = read(tmp_path, "acme,DIVIDEND,2026-05-08,0.25", "ACME,EARNINGS,2026-04-21T16:05-04:00,")
    assert found == [
        MarketEvent(
            underlying="ACME",
            kind=EventKind.DIVIDEND,
            at=datetime(2026, 5, 8, 13, 30, tzinfo=UTC),
            amount=Decimal("0.25"),
        ),
        MarketEvent(
            underlying="ACME",
            kind=EventKind.EARNINGS,
            at=datetime(2026, 4, 21, 20, 5, tzinfo=UTC),
        ),
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("ACME,SPLIT,2026-05-08,", "kind is 'SPLIT'; expected one of EARNINGS, DIVIDEND"),
        ("ACME,DIVIDEND,2026-05-08,", "amount is ''; expected a number of dollars per share"),
        ("ACME,DIVIDEND,2026-05-08,-1", "amount is '-1'; expected a number of dollars"),
        ("ACME,EARNINGS,2026-05-08,1", "amount is '1'; expected no amount of EARNINGS"),
        ("ACME,EARNINGS,soon,", "at is 'soon'; expected an ISO 8601 time with a time zone"),
        ("ACME,EARNINGS,2026-05-08T16:05,", "which has no time zone"),
        ("ACME,EARNINGS,2026-04-03,", "at is '2026-04-03', on which XNYS is closed"),
        (",EARNINGS,2026-05-08,", "underlying is ''; expected a text"),
    ],
)
def test_what_cant_be_is_said_with_its_line_and_column(
    tmp_path: Path, line: str, sentence: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, "ACME,EARNINGS,2026-07-21,", line)
    assert sentence in str(caught.value)
    assert "events.csv, line 3: " in str(caught.value)


def test_an_event_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 3: at is .* each event of an underlying once"):
        read(tmp_path, "ACME,EARNINGS,2026-05-08,", "acme,EARNINGS,2026-05-08,")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lacks the columns amount"):
        read(tmp_path, header="underlying,kind,at")
