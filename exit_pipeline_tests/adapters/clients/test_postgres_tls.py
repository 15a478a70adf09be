"""Whether what goes to a database can be read or changed on its way."""

import pytest

from exit_pipeline.adapters.clients.postgres_tls import Reach, tls_of
from exit_pipeline.core.model.errors import ConfigurationError

FAR = "postgresql://me:hunter2@db.example.com/book"


@pytest.mark.parametrize(
    ("url", "reach"),
    [
        ("postgresql:///book", Reach.MACHINE),
        ("postgresql:///book?host=/run/postgresql", Reach.MACHINE),
        ("postgresql://%2Frun%2Fpostgresql/book", Reach.MACHINE),
        ("postgresql://localhost/book", Reach.MACHINE),
        ("postgresql://LOCALHOST./book", Reach.MACHINE),
        ("postgresql://db.localhost:5433/book", Reach.MACHINE),
        ("postgresql://127.0.0.1/book", Reach.MACHINE),
        ("postgresql://127.8.8.8/book", Reach.MACHINE),
        ("postgresql://[::1]:5432/book", Reach.MACHINE),
        ("postgresql://db/book", Reach.NETWORK),
        ("postgresql://10.1.2.3/book", Reach.NETWORK),
        ("postgresql://192.168.1.9/book", Reach.NETWORK),
        ("postgresql://172.20.0.2/book", Reach.NETWORK),
        ("postgresql://100.64.0.7/book", Reach.NETWORK),
        ("postgresql://169.254.1.1/book", Reach.NETWORK),
        ("postgresql://[fdaa::3]/book", Reach.NETWORK),
        ("postgresql://app-db.internal/book", Reach.NETWORK),
        ("postgresql://pg.exits.svc.cluster.local/book", Reach.NETWORK),
        ("postgresql://db.example.com/book", Reach.INTERNET),
        ("postgresql://172.32.0.2/book", Reach.INTERNET),
        ("postgresql://8.8.8.8/book", Reach.INTERNET),
        ("postgresql://[2001:4860::8]/book", Reach.INTERNET),
        ("postgresql://localhost.example.com/book", Reach.INTERNET),
        ("postgresql://localhost,db.example.com/book", Reach.INTERNET),
        ("postgresql://localhost/book?hostaddr=8.8.8.8", Reach.INTERNET),
        ("postgres://me@ep-a-1.eu.aws.neon.tech/book", Reach.INTERNET),
    ],
)
def test_how_far_a_connection_goes(url: str, reach: Reach) -> None:
    assert tls_of(url, {}).reach is reach


@pytest.mark.parametrize(
    ("query", "environ", "mode", "is_plain"),
    [
        ("", {}, "prefer", True),
        ("?sslmode=disable", {}, "disable", True),
        ("?sslmode=allow", {}, "allow", True),
        ("?sslmode=prefer", {}, "prefer", True),
        ("?sslmode=require", {}, "require", False),
        ("?sslmode=verify-ca", {}, "verify-ca", False),
        ("?sslmode=verify-full", {}, "verify-full", False),
        ("?sslmode=REQUIRE", {}, "REQUIRE", True),  # libpq takes no capitals: nothing connects
        ("?sslrootcert=system", {}, "verify-full", False),
        ("?sslrootcert=/ca.pem", {}, "prefer", True),
        ("", {"PGSSLMODE": "require"}, "require", False),
        ("?sslmode=disable", {"PGSSLMODE": "require"}, "disable", True),
    ],
)
def test_which_modes_let_plain_text_through(
    query: str, environ: dict[str, str], mode: str, is_plain: bool
) -> None:
    found = tls_of(FAR + query, environ)
    assert (found.mode, found.is_plain, found.must_not_be) == (mode, is_plain, is_plain)
    assert "hunter2" not in found.say()


def test_on_this_machine_any_mode_does_and_in_a_private_network_it_is_told() -> None:
    here = tls_of("postgresql://localhost/book?sslmode=disable", {})
    assert (here.is_plain, here.say()) == (False, "stays on this machine")
    near = tls_of("postgresql://db/book", {})
    assert (near.is_plain, near.must_not_be) == (True, False)
    assert near.say().startswith("goes to db in a private network with sslmode=prefer, by which")


@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        (
            "prefer",
            "goes to db.example.com with sslmode=prefer, by which passwords and orders may travel "
            "in plain text; expected sslmode=verify-full, or at least require",
        ),
        (
            "require",
            "goes to db.example.com encrypted; sslmode=verify-full would prove as well who answers",
        ),
        ("verify-full", "goes to db.example.com encrypted, sslmode=verify-full"),
    ],
)
def test_it_is_told_in_a_sentence(mode: str, sentence: str) -> None:
    assert tls_of(f"{FAR}?sslmode={mode}", {}).say() == sentence


def test_a_malformed_url_is_one_sentence() -> None:
    with pytest.raises(ConfigurationError, match="malformed"):
        tls_of("mysql://x", {})
