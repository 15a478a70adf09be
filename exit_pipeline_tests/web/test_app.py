"""The service as a whole: who is let through, and what every mistake is answered with."""

import json
import logging
from collections.abc import Callable
from threading import Event, Semaphore, Thread
from typing import Any

import pytest

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.web.app import OPEN_THREADS, OPERATIONS
from exit_pipeline.web.body import MOST_BYTES
from exit_pipeline.web.boundary import Rates
from exit_pipeline.web.briefly import GOOD_FOR
from exit_pipeline.web.desk import Desk as ServiceDesk
from exit_pipeline.web.rates import Buckets, Rate
from exit_pipeline_tests.desk import Desk
from exit_pipeline_tests.web.caller import Caller
from exit_pipeline_tests.web.conftest import BEARER, GENEROUS, TOKEN

MakeClient = Callable[..., Caller]

GUARDED = [(one.method, one.path) for one in OPERATIONS if one.needs_token]
OPEN = [(one.method, one.path) for one in OPERATIONS if not one.needs_token]
EVERY = GUARDED + OPEN
ELSEWHERE = {"Origin": "https://elsewhere.example"}
STRANGERS: dict[str, dict[str, str]] = {
    "none": {},
    "wrong": {"Authorization": "Bearer wrong"},
    "basic": {"Authorization": f"Basic {TOKEN}"},
    "bare": {"Authorization": TOKEN},
    "another header": {"X-Api-Key": TOKEN},
    "a cookie": {"Cookie": f"token={TOKEN}"},
}


def test_only_health_and_the_document_are_open_to_all() -> None:
    assert OPEN == [("GET", "/health"), ("GET", "/openapi.json")]
    assert len(GUARDED) == 6


def test_without_the_token_nothing_is_done(
    make_client: MakeClient, desk: Desk, subtests: pytest.Subtests
) -> None:
    stranger = make_client(headers={})
    for what, headers in STRANGERS.items():
        for method, path in GUARDED:
            with subtests.test(what, path=path):
                answer = stranger.request(method, path, headers=headers)
                assert answer.status_code == 401
                assert list(answer.json()) == ["error"]
                assert answer.headers["www-authenticate"].startswith("Bearer")
                assert TOKEN not in answer.text
    assert desk.rows("SELECT * FROM decision_runs") == []
    assert desk.rows("SELECT * FROM trading_control_changes") == []


def test_a_token_in_the_query_is_none(make_client: MakeClient) -> None:
    answer = make_client(headers={}).get("/positions", params={"token": TOKEN})
    assert answer.status_code == 401


def test_who_has_no_token_is_not_told_what_is_wrong_with_the_rest(make_client: MakeClient) -> None:
    stranger = make_client(headers={})
    answer = stranger.post(
        "/refactored-exit-worker", params={"dry_run": "maybe"}, content=b"x" * (MOST_BYTES + 1)
    )
    assert answer.status_code == 401


def test_each_path_is_asked_for_in_one_way_and_others_are_a_405(
    client: Caller, desk: Desk, subtests: pytest.Subtests
) -> None:
    methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
    for method, path in EVERY:
        allowed = {"GET": {"GET", "HEAD"}, "POST": {"POST"}}[method]
        for other in methods - allowed:
            with subtests.test(other, path=path):
                answer = client.request(other, path, headers=ELSEWHERE)
                assert answer.status_code == 405
                assert set(answer.headers["allow"].split(", ")) == allowed
                assert not [one for one in answer.headers if one.startswith("access-control")]
    assert desk.rows("SELECT * FROM decision_runs") == []


def test_no_page_of_another_origin_may_read_an_answer(
    client: Caller, subtests: pytest.Subtests
) -> None:
    for method, path in EVERY:
        with subtests.test(path):
            answer = client.request(method, path, headers=ELSEWHERE)
            assert not [one for one in answer.headers if one.startswith("access-control")]
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_is_not_there_is_a_404_and_no_redirect(
    client: Caller, subtests: pytest.Subtests
) -> None:
    for path in ("/", "/nothing", "/health/", "//health", "/%2e%2e/health", "/halt/"):
        for method in ("GET", "POST"):
            with subtests.test(path, method=method):
                answer = client.request(method, path)
                assert answer.status_code == 404
                assert answer.json() == {"error": "there is nothing here; see GET /openapi.json"}


def test_a_huge_body_is_a_413_and_nothing_is_done(
    client: Caller, desk: Desk, subtests: pytest.Subtests
) -> None:
    for path in ("/halt", "/resume", "/refactored-exit-worker"):
        with subtests.test(path):
            answer = client.post(path, content=b" " * (MOST_BYTES + 1))
            assert answer.status_code == 413
            assert answer.json() == {"error": f"the body is larger than {MOST_BYTES} bytes"}
    assert desk.rows("SELECT * FROM decision_runs") == []
    assert desk.rows("SELECT * FROM trading_control_changes") == []


def test_whoever_asks_too_often_is_told_when_to_ask_again(make_client: MakeClient) -> None:
    rates = Rates(asking=Buckets(Rate(2, 0.1), lambda: 0), guessing=Buckets(GENEROUS))
    client = make_client(rates=rates)
    assert [client.get("/health").status_code for _ in range(3)] == [200, 200, 429]
    answer = client.get("/positions")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "10"
    assert answer.json() == {"error": "too many requests; expected none for 10 seconds"}


def test_whoever_guesses_tokens_is_soon_not_even_refused(make_client: MakeClient) -> None:
    rates = Rates(asking=Buckets(GENEROUS), guessing=Buckets(Rate(3, 0.1), lambda: 0))
    stranger = make_client(rates=rates, headers={})
    guesses = [
        stranger.post("/halt", headers={"Authorization": f"Bearer {guess}"}).status_code
        for guess in ("a", "b", "c", "d", "e")
    ]
    assert guesses == [401, 401, 401, 429, 429]


@pytest.mark.parametrize(
    "rates",
    [
        Rates(asking=Buckets(GENEROUS), guessing=Buckets(Rate(1, 0.1), lambda: 0)),
        Rates(asking=Buckets(Rate(2, 0.1), lambda: 0), guessing=Buckets(GENEROUS)),
    ],
    ids=["guesses", "a flood"],
)
def test_a_stranger_behind_the_same_proxy_takes_the_halt_from_nobody(
    make_client: MakeClient, desk: Desk, rates: Rates
) -> None:
    """Behind a proxy every caller has its address: ten wrong tokens of anybody on the internet
    had answered the desk's own POST /halt, and the monitor's GET /metrics, with 429."""
    caller = make_client(rates=rates, headers={})
    strangers = {caller.get("/positions").status_code for _ in range(5)}
    assert strangers == {401, 429}
    assert caller.post("/halt", headers=BEARER).status_code == 200
    assert caller.get("/metrics", headers=BEARER).status_code == 200
    assert desk.database.control.read().state is TradingState.HALT_NEW


def test_right_tokens_are_not_counted_as_guesses(make_client: MakeClient) -> None:
    rates = Rates(asking=Buckets(GENEROUS), guessing=Buckets(Rate(1, 0.1), lambda: 0))
    client = make_client(rates=rates)
    assert {client.get("/positions").status_code for _ in range(5)} == {200}


@pytest.mark.parametrize("error", [UnavailableError, ConfigurationError])
def test_without_a_database_every_answer_is_a_503(
    client: Caller, service: ServiceDesk, subtests: pytest.Subtests, error: type[Exception]
) -> None:
    def away() -> Any:
        message = "The database did not answer: it is away."
        raise error(message)

    service.open_database = away
    for method, path in GUARDED:
        with subtests.test(path):
            body = {"reason": "x"} if path == "/resume" else None
            answer = client.request(method, path, json=body)
            assert answer.status_code == 503
            assert answer.json() == {"error": "The database did not answer: it is away."}


def test_a_database_that_comes_back_is_found_without_a_restart(
    client: Caller, service: ServiceDesk, desk: Desk
) -> None:
    answers = iter([UnavailableError("The database did not answer: it is away."), desk.database])

    def sometimes() -> Any:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    service.open_database = sometimes
    assert client.get("/health").status_code == 503
    desk.clock.advance(GOOD_FOR)
    assert [client.get("/health").status_code for _ in range(2)] == [200, 200]


def test_a_database_that_hangs_keeps_no_probe_waiting(
    client: Caller, service: ServiceDesk, desk: Desk
) -> None:
    """Regression: GET /openapi.json, which every probe asks for, waited behind those who asked for
    /health of a database that hung: ten seconds, of which Kubernetes grants five."""
    asked, goes_on = Semaphore(0), Event()

    def hangs() -> Any:
        asked.release()
        goes_on.wait()
        return desk.database

    service.open_database = hangs
    waiting = [Thread(target=client.get, args=["/health"]) for _ in range(2 * OPEN_THREADS)]
    probe = Thread(target=client.get, args=["/openapi.json"])
    try:
        for one in waiting:
            one.start()
        assert asked.acquire(timeout=60)
        probe.start()
        probe.join(60)
        assert not probe.is_alive()
    finally:
        goes_on.set()
        for one in (*waiting, probe):
            one.join()


def test_an_error_that_nobody_expected_shows_a_reference_that_the_log_has(
    client: Caller, service: ServiceDesk, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Any:
        message = "the inside of /etc/vault"
        raise RuntimeError(message)

    service.open_database = broken
    answer = client.get("/positions")
    assert answer.status_code == 500
    assert set(answer.json()) == {"error", "reference"}
    assert "vault" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json()["reference"] in caplog.text
    assert "the inside of /etc/vault" in caplog.text


def test_the_log_has_a_line_for_each_request_and_never_what_may_be_secret(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stranger = make_client(headers={})
    stranger.get("/positions", headers=BEARER)
    stranger.get("/positions", headers={"Authorization": "Bearer a-guess-that-is-near"})
    stranger.get("/positions", params={"api_auth_token": "in-the-query"}, headers=BEARER)
    stranger.post("/halt", headers=BEARER, content=json.dumps({"reason": "in-the-body"}))
    stranger.get("/a%0d%0aforged%20line")
    said = [one.getMessage() for one in caplog.records if one.name.endswith("boundary")]
    assert [line.split()[:5] for line in said] == [
        ["HTTP", "192.0.2.7", "GET", "/positions", "200"],
        ["HTTP", "192.0.2.7", "GET", "/positions", "401"],
        ["HTTP", "192.0.2.7", "GET", "/positions", "400"],
        ["HTTP", "192.0.2.7", "POST", "/halt", "200"],
        ["HTTP", "192.0.2.7", "GET", "/a%0d%0aforged%20line", "404"],
    ]
    for secret in (TOKEN, "a-guess-that-is-near", "in-the-query", "in-the-body", "\r", "\n"):
        assert not [line for line in said if secret in line]
    assert TOKEN not in caplog.text


def test_the_token_is_in_no_answer_whatever_is_asked(client: Caller) -> None:
    for method, path in EVERY:
        answer = client.request(method, path)
        assert TOKEN not in answer.text
        assert TOKEN not in str(answer.headers)
