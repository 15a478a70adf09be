import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from email.utils import format_datetime
from itertools import chain, repeat

import httpx
import pytest

from exit_pipeline.adapters.clients.http import (
    Address,
    Answer,
    HttpClient,
    RateLimits,
    Refused,
    RequestFailed,
    Retries,
)
from exit_pipeline.core.model.errors import ConfigurationError, ExitPipelineError, UnavailableError
from exit_pipeline_tests.fake_brokers.server import LocalServer, Reply, json_reply
from exit_pipeline_tests.fakes import FixedClock, new_york

TEN = new_york(date(2026, 12, 2), 10)
HUSH = "PKHUSHHUSHHUSH1234"
HTML = b"<!DOCTYPE html><html><body>Bad gateway</body></html>"
AT_ONCE = Retries(wait_initial=0, wait_max=0, wait_jitter=0)


class Desk:
    """A client of a server that answers with the replies given, the last one for ever."""

    def __init__(self, stack: ExitStack) -> None:
        self.clock = FixedClock(TEN)
        self._stack = stack

    def serve(self, *replies: Reply, **settings: object) -> HttpClient:
        script: Iterator[Reply] = chain(replies, repeat(replies[-1]))
        self.server = self._stack.enter_context(LocalServer(lambda _request: next(script)))
        plain = {
            "vendor": "acme",
            "address": Address(host="api.acme.test", local=self.server.url),
            "headers": {"X-Secret": HUSH, "Accept": "application/json"},
            "limits": RateLimits(remaining="X-Left", reset="X-Reset", reserve=1),
            "clock": self.clock,
            "retries": AT_ONCE,
        }
        client = HttpClient(**(plain | settings))
        self._stack.callback(client.close)
        return client


@pytest.fixture
def desk() -> Iterator[Desk]:
    with ExitStack() as stack:
        yield Desk(stack)


def _texts(error: BaseException) -> str:
    """Everything that a log, a UI or a debugger of errors would show of one."""
    seen = []
    shown: BaseException | None = error
    while shown is not None:
        seen += [
            str(shown),
            repr(shown),
            repr({**vars(shown), "body": None}),
            *traceback.format_exception(shown),
        ]
        shown = shown.__cause__ or shown.__context__
    return "\n".join(seen)


def test_an_answer_is_parsed(desk):
    client = desk.serve(json_reply({"price": "1.20"}, X_Left="3"))
    answer = client.read("/v1/quotes")
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.raw) == (
        200,
        {"price": "1.20"},
        b'{"price": "1.20"}',
    )
    assert answer.headers["x-left"] == answer.headers["X-Left"] == "3"


def test_an_empty_body_is_none(desk):
    assert desk.serve(Reply(status=204)).request("DELETE", "/v1/orders/1").body is None


def test_bytes_are_given_unparsed_where_that_is_asked_for(desk):
    answer = desk.serve(Reply(body=HTML)).read("/v1/file", parse=False)
    assert (answer.body, answer.raw) == (None, HTML)


def test_what_is_sent_is_what_was_asked_for(desk):
    client = desk.serve(json_reply([]))
    client.read("/v1/quotes", params={"a": "x y", "b": True, "c": None, "d": 5})
    client.read("/v1/quotes", form={"symbols": "A,B", "greeks": False, "none": None})
    client.request("POST", "/v1/orders", json={"qty": "1"})
    get, post_read, post = desk.server.requests
    assert (get.method, get.query) == ("GET", {"a": "x y", "b": "true", "d": "5"})
    assert (post_read.method, post_read.form) == ("POST", {"symbols": "A,B", "greeks": "false"})
    assert (post.method, post.json) == ("POST", {"qty": "1"})
    assert get.headers["x-secret"] == HUSH


UNUSABLE = [
    pytest.param(Reply(body=HTML), 200, "is HTML", id="HTML with status 200"),
    pytest.param(Reply(body=b'{"a": [1, 2'), 200, "broken off or no JSON", id="half of a JSON"),
    pytest.param(Reply(body=b"ok"), 200, "broken off or no JSON", id="plain text"),
    pytest.param(Reply(body=b"[" * 40_000), 200, "no JSON", id="nested without end"),
    pytest.param(Reply(body=b"\xff\xfe\x00"), 200, "no JSON", id="binary"),
    pytest.param(Reply(body=b"9" * 5_000), 200, "no JSON", id="a number of 5,000 digits"),
    pytest.param(Reply(body=b" " * 50_001), 200, "too large", id="longer than allowed"),
    pytest.param(Reply(body=b"{} " * 9, cut=True), None, "broke off", id="cut on the wire"),
    pytest.param(Reply(lost=True), None, "broke off", id="no answer"),
    pytest.param(
        Reply(body=b"not gzip", headers={"content-encoding": "gzip"}),
        None,
        "decompressed",
        id="not what its encoding says",
    ),
    pytest.param(Reply(status=502, body=HTML), 502, "the server failed", id="HTML with 502"),
    pytest.param(Reply(status=500, body=b"x" * 5_000_000), 500, "failed", id="5 MB with 500"),
    pytest.param(Reply(status=400, body=b"x" * 5_000_000), 400, "too large", id="5 MB with 400"),
    pytest.param(Reply(status=404, body=HTML), 404, "is HTML", id="a proxy's 404"),
    pytest.param(Reply(status=408), 408, "no definite answer", id="408"),
    pytest.param(Reply(status=429), 429, "rate limit", id="429"),
    pytest.param(
        Reply(status=302, headers={"location": "/elsewhere"}), 302, "redirected", id="302"
    ),
]


@pytest.mark.parametrize(("reply", "status", "reason"), UNUSABLE)
def test_a_write_without_a_usable_answer_fails_typed_and_is_sent_once(desk, reply, status, reason):
    client = desk.serve(reply, max_bytes=50_000)
    with pytest.raises(RequestFailed, match=reason) as failed:
        client.request("POST", "/v1/orders/77", template="/v1/orders/{id}", json={})
    error = failed.value
    assert isinstance(error, UnavailableError)
    assert (error.method, error.template, error.status) == ("POST", "/v1/orders/{id}", status)
    assert str(error).startswith("acme: POST /v1/orders/{id} failed")
    assert "77" not in str(error)
    assert "\n" not in str(error)
    assert error.was_sent
    assert len(desk.server.requests) == 1


@pytest.mark.parametrize(
    ("reply", "code", "message"),
    [
        pytest.param(
            json_reply({"code": 42, "message": "no\n thing"}, 422), 42, "no thing", id="JSON"
        ),
        pytest.param(json_reply({"message": "forbidden."}, 403), None, "forbidden.", id="no code"),
        pytest.param(Reply(status=401, body=b"Invalid Token"), None, "Invalid Token", id="text"),
        pytest.param(Reply(status=404), None, "no reason given", id="empty"),
        pytest.param(json_reply(["a"], 400), None, '["a"]', id="a list"),
        pytest.param(
            json_reply({"message": f"key {HUSH} is wrong"}, 401), None, "key *** is wrong",
            id="our secret quoted",
        ),
        pytest.param(json_reply({"message": "a" * 900}, 400), None, "a" * 199 + "…", id="long"),
        pytest.param(json_reply({"message": 7, "code": "x"}, 400), "x", "7", id="numbers"),
    ],
)  # fmt: skip
def test_a_definite_refusal_carries_the_vendors_words(desk, reply, code, message):
    client = desk.serve(reply)
    with pytest.raises(Refused) as refused:
        client.read("/v1/orders")
    error = refused.value
    assert (error.status, error.code, error.message) == (reply.status, code, message)
    assert str(error) == f"acme refused GET /v1/orders with status {reply.status}: {message}"
    assert len(desk.server.requests) == 1


def test_a_read_is_tried_again_until_it_is_answered(desk):
    reset = str(int(TEN.timestamp()))
    client = desk.serve(
        Reply(lost=True),
        Reply(status=503),
        Reply(status=429, headers={"X-Reset": reset, "Date": format_datetime(TEN, usegmt=True)}),
        json_reply({"ok": True}),
    )
    assert client.read("/v1/quotes").body == {"ok": True}
    assert len(desk.server.requests) == 4


def test_a_read_gives_up(desk):
    client = desk.serve(Reply(status=503))
    with pytest.raises(RequestFailed, match="503"):
        client.read("/v1/quotes")
    assert len(desk.server.requests) == AT_ONCE.attempts


def test_a_read_does_not_wait_for_a_limit_that_outlasts_its_time(desk):
    reset = str(int(TEN.timestamp()) + 50)
    client = desk.serve(Reply(status=429, headers={"X-Reset": reset}), timeout_seconds=5)
    with pytest.raises(RequestFailed, match="429"):
        client.read("/v1/quotes")
    assert len(desk.server.requests) == 1


@pytest.mark.parametrize("write", [True, False])
def test_nothing_is_waited_for_longer_than_the_time_that_is_given(desk, write):
    client = desk.serve(Reply(never=True), timeout_seconds=0.05)
    with pytest.raises(RequestFailed, match="no answer in time"):
        client.request("POST", "/v1/orders") if write else client.read("/v1/orders")


def test_no_connection_is_a_typed_failure(desk):
    client = desk.serve(Reply())
    desk.server.__exit__()
    desk.server.__exit__ = lambda *_error: None
    with pytest.raises(RequestFailed, match="no connection"):
        client.read("/v1/orders")


UNITS = [("seconds", 1), ("milliseconds", 1_000)]


@pytest.mark.parametrize(("unit", "per_second"), UNITS)
@pytest.mark.parametrize("skew", [timedelta(0), timedelta(hours=3), -timedelta(hours=3)])
def test_a_spent_limit_holds_requests_back_until_its_window_ends(desk, unit, per_second, skew):
    there = TEN + skew  # the vendor's clock
    reply = json_reply(
        {},
        X_Left="2",
        X_Reset=str(int((there + timedelta(seconds=30)).timestamp()) * per_second),
        Date=format_datetime(there, usegmt=True),
    )
    limits = RateLimits(remaining="X-Left", reset="X-Reset", reset_unit=unit, reserve=1)
    client = desk.serve(reply, limits=limits)
    client.read("/v1/orders")
    client.read("/v1/orders")
    with pytest.raises(RequestFailed, match="rate limit of default is used up until 15:00:30") as e:
        client.request("POST", "/v1/orders")
    assert not e.value.was_sent
    client.request("DELETE", "/v1/orders/1", urgent=True)
    with pytest.raises(RequestFailed, match="rate limit"):
        client.request("DELETE", "/v1/orders/2", urgent=True)
    client.read("/v1/quotes", bucket="market")
    assert len(desk.server.requests) == 4
    desk.clock.advance(timedelta(seconds=30))
    client.request("POST", "/v1/orders")
    assert len(desk.server.requests) == 5


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Left": "0"},
        {"X-Left": "none", "X-Reset": "soon"},
        {"X-Left": "-1", "X-Reset": "9" * 30},
        {"X-Left": "0", "X-Reset": "0"},
    ],
)
def test_limits_that_make_no_sense_hold_nothing_back(desk, headers):
    client = desk.serve(json_reply({}, **{n.replace("-", "_"): v for n, v in headers.items()}))
    for _ in range(3):
        client.read("/v1/orders")


def test_a_429_closes_the_bucket_for_writes_too(desk):
    headers = {"Retry-After": "20"}
    client = desk.serve(Reply(status=429, headers=headers), limits=RateLimits())
    for sent in (True, False):
        with pytest.raises(RequestFailed) as failed:
            client.request("POST", "/v1/orders")
        assert failed.value.was_sent is sent


@pytest.mark.parametrize(
    "reply", [*(case.values[0] for case in UNUSABLE), json_reply({"message": HUSH}, 403)]
)
def test_no_secret_shows_in_errors_logs_or_reprs(desk, reply, caplog):
    caplog.set_level(logging.DEBUG)
    account, query = "-".join("ACC7"), "-".join("unseen")  # no literals: tracebacks quote source
    client = desk.serve(reply, max_bytes=50_000)
    with pytest.raises(ExitPipelineError) as failed:
        client.read("/v1/accounts/ACC-7", template="/v1/accounts/{id}", params={"q": "unseen"})
    shown = "\n".join([_texts(failed.value), repr(client), str(client), caplog.text])
    for secret in (HUSH, query, account):
        assert secret not in shown


@pytest.mark.parametrize("value", ["schlüssel-12345678", "key\nX-Other: 1", "\x00\x01"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(desk, value):
    with pytest.raises(ConfigurationError, match="credential of acme") as refused:
        desk.serve(Reply(), headers={"X-Secret": value})
    assert value not in _texts(refused.value)


def test_proxies_of_the_environment_are_not_used(desk, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert desk.serve(json_reply({})).read("/v1/quotes").status == 200


@pytest.mark.parametrize("path", ["https://evil.test/", "v1/quotes"])
def test_a_path_cannot_name_another_host(desk, path):
    call: Callable[[str], Answer] = desk.serve(Reply()).read
    with pytest.raises(ValueError, match="does not begin with /"):
        call(path)


def test_a_given_transport_carries_the_requests(desk):
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={"carried": True})

    client = desk.serve(json_reply({}), transport=httpx.MockTransport(answer))
    assert client.read("/v1/thing").body == {"carried": True}
    assert asked == ["/v1/thing"]
    assert desk.server.requests == []


def test_a_call_that_was_frozen_beyond_its_budget_is_not_sent(desk):
    seconds = iter([0.0, 60.0])
    client = desk.serve(json_reply({}), monotonic=lambda: next(seconds))
    with pytest.raises(RequestFailed, match="no answer in time"):
        client.request("POST", "/v1/thing")
    assert desk.server.requests == []
