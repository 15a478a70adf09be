"""What the doctor says about the safety of what is kept and of the way there."""

from collections.abc import Callable

import pytest

from exit_pipeline.cli.doctor_security import security_checks
from exit_pipeline.cli.doubt import Doubt
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.settings import Settings
from exit_pipeline_tests.desk import CALL, Desk

FAR = "postgresql://me:hunter2@db.example.com/book"


def tls(**environ: str) -> str:
    return security_checks(Settings.from_env(environ))["TLS"]()


def test_without_a_url_nothing_leaves_this_machine() -> None:
    assert tls() == "the embedded database stays on this machine"


@pytest.mark.parametrize("name", ["DATABASE_URL", "DAGSTER_POSTGRES_URL"])
def test_plain_text_is_a_warning_and_for_live_money_a_refusal(name: str) -> None:
    said = tls(**{name: FAR})
    assert isinstance(said, Doubt)
    assert said.startswith(f"{name} goes to db.example.com with sslmode=prefer")
    with pytest.raises(ConfigurationError, match=f"{name} goes to db.example.com"):
        tls(**{name: FAR, "EXIT_BROKER_ENV": "live"})
    encrypted = tls(**{name: f"{FAR}?sslmode=require", "EXIT_BROKER_ENV": "live"})
    assert not isinstance(encrypted, Doubt)
    assert encrypted.startswith(f"{name} goes to db.example.com encrypted")
    near = tls(**{name: "postgresql://db/book", "EXIT_BROKER_ENV": "live"})
    assert isinstance(near, Doubt)
    assert near.startswith(f"{name} goes to db in a private network")


def test_the_audit_trail_is_told(database_url: str) -> None:
    check: Callable[[], str] = security_checks(Settings.from_env({"DATABASE_URL": database_url}))[
        "audit trail"
    ]
    assert check() == "no run has ended yet"
    desk = Desk(database_url)
    desk.hold("a")
    desk.quote(CALL, "2.05", "2.15")
    desk.tick()
    desk.engine.dispose()
    assert check().startswith("link 1 is the last, of ")
