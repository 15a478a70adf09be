"""``GET /health``, as a load balancer asks it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.record import Alert
from exit_pipeline.web.desk import Desk as ServiceDesk
from exit_pipeline_tests.desk import CALL, Desk
from exit_pipeline_tests.web.caller import Caller


@pytest.fixture
def stranger(make_client: Callable[..., Caller]) -> Caller:
    """A caller without the token."""
    return make_client(headers={})


def parts(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()["components"]
    return found


def test_all_is_well_after_a_tick_and_nobody_needs_a_token_to_see_it(
    stranger: Caller, desk: Desk
) -> None:
    desk.tick()
    desk.later(7)
    answer = stranger.get("/health")
    found = parts(answer, 200)
    assert answer.json()["state"] == "ok"
    assert found["database"] == {"state": "ok"}
    assert found["schema"]["version"] == found["schema"]["expected"]
    assert found["ticks"]["last_good_tick_at"] == "2026-03-17T14:00:00Z"
    assert (found["ticks"]["age_in_slots"], found["ticks"]["overdue_accounts"]) == (1.4, 0)
    assert found["ticks"]["market_closed"] is None
    assert found["market_data"]["age_seconds"] == 420
    assert found["trading"] == {"state": "ok", "trading": "ACTIVE"}


def test_it_names_no_position_and_no_account_in_full(stranger: Caller, desk: Desk) -> None:
    desk.hold("my-secret-position", account="PA3FAKE00001")
    desk.tick()
    answer = stranger.get("/health")
    assert parts(answer, 200)["broker"]["accounts"] == ["...esk", "PA...001"]
    for hidden in ("my-secret-position", CALL, "PA3FAKE00001", '"desk"'):
        assert hidden not in answer.text


def test_before_the_first_tick_the_market_is_not_known_and_nothing_fails(
    stranger: Caller, desk: Desk
) -> None:
    desk.rows_changed("UPDATE refactored_positions SET created_at = '2026-03-17 13:59+00'")
    answer = stranger.get("/health")
    assert answer.json()["state"] == "unknown"
    assert parts(answer, 200)["market_data"] == {
        "state": "unknown",
        "source": None,
        "seen_at": None,
        "newest_price_at": None,
        "age_seconds": None,
    }


def test_ticks_that_no_longer_come_are_a_503(stranger: Caller, desk: Desk) -> None:
    desk.tick()
    desk.later(10)
    assert parts(stranger.get("/health"), 200)["ticks"]["overdue_accounts"] == 0
    desk.later(1)
    found = parts(stranger.get("/health"), 503)
    assert found["ticks"]["state"] == "failing"
    assert found["ticks"]["overdue_accounts"] == 1


def test_without_a_database_it_is_a_503_that_names_no_host(
    stranger: Caller, service: ServiceDesk
) -> None:
    def away() -> Any:
        message = "The database db.example:5432/exits did not answer."
        raise UnavailableError(message)

    service.open_database = away
    answer = stranger.get("/health")
    assert parts(answer, 503)["database"] == {"state": "failing"}
    assert parts(answer, 503)["ticks"] is None
    assert "db.example" not in answer.text


def test_another_schema_than_the_programs_is_a_503(stranger: Caller, service: ServiceDesk) -> None:
    service.place = replace(service.place, schema="9999_later")
    found = parts(stranger.get("/health"), 503)["schema"]
    assert (found["state"], found["expected"]) == ("failing", "9999_later")


def test_a_halt_and_alerts_are_warnings_that_no_restart_would_mend(
    stranger: Caller, desk: Desk
) -> None:
    desk.tick()
    desk.database.control.move(TradingState.FREEZE, "odd fills of a-position", "ann")
    desk.database.runs.raise_alerts(
        [Alert(severity="CRITICAL", cause="C", subject="a-position", message="a secret thing.")]
    )
    answer = stranger.get("/health")
    found = parts(answer, 200)
    assert answer.json()["state"] == "warning"
    assert found["trading"] == {"state": "warning", "trading": "FREEZE"}
    assert found["alerts"] == {
        "state": "warning",
        # The halt is one itself.
        "unacknowledged": {"CRITICAL": 1, "WARNING": 1, "INFO": 0},
    }
    for hidden in ("odd fills", "ann", "a-position", "a secret thing"):
        assert hidden not in answer.text


def test_an_account_that_the_broker_does_not_name_as_ours_is_a_503(
    stranger: Caller, desk: Desk
) -> None:
    desk.tick()
    desk.database.runs.raise_alerts(
        [Alert(severity="CRITICAL", cause="WRONG_ACCOUNT", subject="desk", message="m.")]
    )
    assert parts(stranger.get("/health"), 503)["broker"]["state"] == "failing"


def test_a_tick_that_refused_every_quote_is_a_warning(stranger: Caller, desk: Desk) -> None:
    desk.quote(CALL, "9.00", "2.00")
    desk.tick()
    assert parts(stranger.get("/health"), 200)["market_data"]["state"] == "warning"
