"""Texts without secrets."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.redaction.texts import MARK, Redactor

CANARY = "canary+of/the=tests & more"
REDACT = Redactor({"SOME_SECRET": CANARY})


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(CANARY, id="as it is"),
        pytest.param(quote(CANARY), id="in a path"),
        pytest.param(quote(CANARY, safe=""), id="in a query"),
        pytest.param(quote(CANARY, safe="").lower(), id="in a query in small letters"),
        pytest.param(quote_plus(CANARY), id="in a form"),
        pytest.param(json.dumps(CANARY), id="in JSON"),
        pytest.param(repr(CANARY), id="as Python writes it"),
    ],
)
def test_a_secret_is_taken_out_however_it_is_written(form: str) -> None:
    assert "canary" not in REDACT(f"before {form} after")
    assert REDACT(f"before {form} after").startswith("before ")
    assert REDACT(f"before {form} after").endswith(" after")


@pytest.mark.parametrize("before", ["", "a", "ab", "user:", "a longer user:"])
@pytest.mark.parametrize("after", ["", "z", "zz"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_is_taken_out_of_base64_wherever_it_stands_in_it(before, after, encode) -> None:
    text = f"Basic {encode(f'{before}{CANARY}{after}'.encode()).decode()}"
    shown = REDACT(text)
    assert MARK in shown
    left = shown.removeprefix("Basic ").replace(MARK, "")
    # At most the four characters on either side that hold bytes of a neighbour as well.
    assert len(left) <= len(text) - len("Basic ") - 4 * len(CANARY) // 3 + 4


def test_a_secret_with_a_line_break_or_a_quote_is_found_in_json_inside_of_json() -> None:
    secret = 'canary "of"\nthe tests'  # noqa: S105 of nothing
    redact = Redactor({"SOME_SECRET": secret})
    inside = json.dumps({"said": json.dumps({"secret": secret})})
    shown = redact(inside)
    assert "canary" not in shown
    assert json.loads(json.loads(shown)["said"]) == {"secret": MARK}


@given(st.text(min_size=8).filter(lambda one: one.strip() == one and len(one.splitlines()) == 1))
def test_of_no_secret_anything_is_left_and_json_stays_json(secret: str) -> None:
    redact = Redactor({"SOME_SECRET": secret})
    assert secret not in redact(f"a {secret} b").replace(MARK, "")
    assert json.loads(redact(json.dumps({"a": [secret, "x"]})))["a"][1] == "x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://me:pw@host/db", f"postgresql://me:{MARK}@host/db"),
        ("postgresql://me:p@ss/w@host/db", f"postgresql://me:{MARK}@host/db"),
        ("https://0123456789abcdef0123@host/1", f"https://{MARK}@host/1"),
        ("Authorization: Bearer abc.def/ghi= next", f"Authorization: Bearer {MARK} next"),
        ("{'authorization': 'Basic bWU6cHc9'}", f"{{'authorization': 'Basic {MARK}'}}"),
        ('{"Authorization": "0123456789"}', f'{{"Authorization": "{MARK}"}}'),
        ("bearer 0123456789", f"bearer {MARK}"),
        ("GET /a?token=1&b=2", f"GET /a?token={MARK}&b=2"),
        ("https://h/a?x=1&api_key=22&b=2 ends", f"https://h/a?x=1&api_key={MARK}&b=2 ends"),
        ("https://h/a?X-Amz-Signature=0a#f", f"https://h/a?X-Amz-Signature={MARK}#f"),
        ("line one\nbearer 0123456789\nline three", f"line one\nbearer {MARK}\nline three"),
    ],
)
def test_what_has_the_shape_of_a_secret_is_taken_out_whosever_it_is(text, expected) -> None:
    assert Redactor({})(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me@host:5432/db",
        "see https://example.com/a?day=2026-03-17&underlying=ACME",
        "expected the header Authorization: Bearer TOKEN, with the value of API_AUTH_TOKEN",
        "stop_loss.percent=25, key=value",
        "a basic assumption of a bearer",
        "",
    ],
)
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert Redactor({"A_KEY": "abc", "API_AUTH_TOKEN": "the"})(text) == text


def test_the_longer_one_of_two_secrets_leaves_no_rest() -> None:
    redact = Redactor({"A_KEY": "canary-1", "B_KEY": "canary-1-and-more"})
    assert redact("x canary-1-and-more y canary-1") == f"x {MARK} y {MARK}"
