"""One link for each run that ends, and nothing recorded can be changed without being seen."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from threading import Thread
from urllib.parse import quote

import psycopg2
import pytest

from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.core.model.audit_link import AuditFault
from exit_pipeline.core.model.errors import InputError, UnavailableError
from exit_pipeline.core.model.record import LEASE, TickIdentity
from exit_pipeline.services.audit_trail import TrailReport, add_links, verify_chain
from exit_pipeline_tests.desk import CALL, FAR_CALL, MORNING, Desk
from exit_pipeline_tests.tampering import TAMPER

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """Three ticks of two positions, the second of which closes one, and a move of the switch."""
    found = Desk(database_url)
    for name, symbol in (("a", CALL), ("b", FAR_CALL)):
        found.hold(name, symbol)
    for price in ("2.05", "4.00", "2.05"):
        found.quote(CALL, price, "4.10" if price == "4.00" else "2.15")
        found.quote(FAR_CALL, "2.05", "2.15")
        found.tick()
        found.later()
    yield found
    found.engine.dispose()


@pytest.fixture
def verified(desk: Desk) -> Callable[[], TrailReport]:
    return lambda: verify_chain(desk.database)


def links(desk: Desk) -> list[tuple[int, str]]:
    query = "SELECT l.seq, d.status FROM audit_links l JOIN decision_runs d ON d.id = l.run_id"
    return [(row["seq"], row["status"]) for row in desk.rows(f"{query} ORDER BY l.seq")]


def of_link(desk: Desk, seq: int) -> dict[str, int]:
    rows = desk.rows(
        f"SELECT kind, count(*) AS n FROM audit_members WHERE seq = {seq} GROUP BY 1 ORDER BY 1"
    )
    return {row["kind"]: row["n"] for row in rows}


def test_each_run_has_a_link_over_its_own_rows_and_everything_fits(
    desk: Desk, verified: Callable[[], TrailReport]
) -> None:
    assert links(desk) == [(n, "SUCCEEDED") for n in (1, 2, 3)]
    assert of_link(desk, 1) == {"decision": 2, "run": 1}
    assert of_link(desk, 2) == {"decision": 2, "event": 3, "fill": 1, "run": 1}
    assert of_link(desk, 3) == {"decision": 1, "run": 1}
    report = verified()
    assert (report.links, report.faults) == (3, ())
    assert report.last is not None
    assert report.last.seq == 3


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            "UPDATE refactored_decisions SET mark = mark + 0.0001 WHERE id ="
            " (SELECT row_id FROM audit_members WHERE kind = 'decision' AND seq = 2 LIMIT 1)",
            {(2, "decision", "altered")},
            id="an altered decision",
        ),
        pytest.param(
            "UPDATE refactored_decisions SET reasoning = NULL WHERE id ="
            " (SELECT row_id FROM audit_members WHERE kind = 'decision' AND seq = 1 LIMIT 1)",
            {(1, "decision", "altered")},
            id="an emptied column",
        ),
        pytest.param(
            "DELETE FROM refactored_decisions WHERE id ="
            " (SELECT row_id FROM audit_members WHERE kind = 'decision' AND seq = 3)",
            {(3, "decision", "missing")},
            id="a deleted decision",
        ),
        pytest.param("DELETE FROM trades", {(2, "fill", "missing")}, id="a deleted fill"),
        pytest.param(
            "UPDATE trades SET execution_price = execution_price + 1",
            {(2, "fill", "altered")},
            id="an altered fill",
        ),
        pytest.param(
            "UPDATE order_events SET to_status = 'REJECTED' WHERE to_status = 'FILLED'",
            {(2, "event", "altered")},
            id="an altered event of an order",
        ),
        pytest.param(
            "UPDATE decision_runs SET tick_at = tick_at - interval '1 year' WHERE id ="
            " (SELECT run_id FROM audit_links WHERE seq = 1)",
            {(1, "run", "altered")},
            id="a run of another day",
        ),
        pytest.param(
            "INSERT INTO refactored_decisions (id, run_id, position_id, decision, decided_at)"
            " SELECT 'forged', run_id, 'z', 'HOLD', now() FROM audit_links WHERE seq = 2",
            {(2, "decision", "added")},
            id="an added decision",
        ),
        pytest.param(
            "DELETE FROM audit_links WHERE seq = 2",
            {(2, "link", "missing")},
            id="a deleted link",
        ),
        pytest.param(
            "DELETE FROM audit_links WHERE seq = 1",
            {(1, "link", "missing")},
            id="the deleted first link",
        ),
        pytest.param(
            "UPDATE audit_links SET seq = 5 - seq WHERE seq IN (2, 3)",
            {(2, "link", "not after the one before"), (3, "link", "not after the one before")},
            id="reordered links",
        ),
        pytest.param(
            "UPDATE audit_links SET made_at = made_at + interval '1 second' WHERE seq = 2",
            {(2, "link", "not the hash of its rows")},
            id="a link of another time",
        ),
        pytest.param(
            "DELETE FROM audit_members WHERE kind = 'fill'; DELETE FROM trades",
            {(2, "link", "not the hash of its rows")},
            id="a deleted fill that is taken out of its link",
        ),
        pytest.param(
            "UPDATE trades SET quantity = 2; UPDATE audit_members SET digest ="
            " (SELECT exit_pipeline_digest(to_jsonb(t), '{}') FROM trades t) WHERE kind = 'fill'",
            {(2, "link", "not the hash of its rows")},
            id="an altered fill with its digest",
        ),
        pytest.param(
            "UPDATE exit_pipeline_installation SET id = gen_random_uuid()",
            {(1, "link", "not after the one before")},
            id="another installation",
        ),
        pytest.param(
            "UPDATE audit_forms SET columns = array_remove(columns, 'mark')"
            " WHERE kind = 'decision'",
            {(1, "decision", "altered"), (2, "decision", "altered"), (3, "decision", "altered")},
            id="a form that leaves a column out",
        ),
    ],
)
def test_whatever_somebody_changes_who_may_do_everything_is_found(
    desk: Desk,
    verified: Callable[[], TrailReport],
    change: str,
    expected: set[tuple[int | None, str, str]],
) -> None:
    swapped = change.replace("SET seq = 5 - seq", "SET seq = -(5 - seq)")
    desk.rows_changed(TAMPER + swapped)
    desk.rows_changed(f"{TAMPER}UPDATE audit_links SET seq = -seq WHERE seq < 0")
    found = {(one.seq, one.kind, one.fault) for one in verified().faults}
    assert expected <= found
    assert min(one[0] for one in found if one[0]) == min(one[0] for one in expected if one[0])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE refactored_decisions SET mark = 1",
        "DELETE FROM refactored_decisions",
        "DELETE FROM trades",
        "DELETE FROM orders",
        "DELETE FROM decision_runs",
        "DELETE FROM audit_links",
        "UPDATE audit_members SET digest = ''",
        "UPDATE policies SET policy = '{}'",
        "UPDATE adapter_logs SET detail = ''",
        *(
            f"TRUNCATE {table} CASCADE"
            for table in ("refactored_decisions", "policies", "audit_links", "audit_members")
        ),
    ],
)
def test_what_is_recorded_can_not_be_changed_by_a_mistake(desk: Desk, statement: str) -> None:
    with pytest.raises(Exception, match="is append-only"):
        desk.rows_changed(statement)


def test_a_users_own_decision_stays_the_users_own(desk: Desk) -> None:
    desk.rows_changed("INSERT INTO refactored_decisions (id, decision) VALUES ('own', 'ENTER')")
    desk.rows_changed("UPDATE refactored_decisions SET decision = 'REJECT' WHERE id = 'own'")
    desk.rows_changed("DELETE FROM refactored_decisions WHERE id = 'own'")
    assert verify_chain(desk.database).faults == ()


def test_a_row_that_was_booked_long_ago_and_is_of_no_link_is_found(
    desk: Desk, verified: Callable[[], TrailReport]
) -> None:
    # As if the chain had begun earlier, and its last link were an hour old by now.
    desk.rows_changed(f"{TAMPER}UPDATE audit_start SET at = at - interval '1 day'")
    desk.rows_changed(
        f"{TAMPER}INSERT INTO order_events (order_id, to_status, filled_quantity, at)"
        " SELECT id, 'ACCEPTED', 0, now() - interval '1 hour' FROM orders"
    )
    assert [(one.seq, one.kind) for one in verified().faults if one.kind == "event"] == [
        (None, "event")
    ]


def test_links_that_were_taken_off_the_end_are_found_by_what_was_kept_of_them(
    desk: Desk, verified: Callable[[], TrailReport]
) -> None:
    last = verified().last
    assert last is not None
    anchor = f"{last.seq}:{last.link}"
    assert verify_chain(desk.database, anchor=anchor).faults == ()
    desk.tick()
    assert verify_chain(desk.database, anchor=anchor).faults == ()
    desk.rows_changed(
        f"{TAMPER}DELETE FROM audit_members WHERE seq > 2; DELETE FROM audit_links WHERE seq > 2"
    )
    (fault,) = verify_chain(desk.database, anchor=anchor).faults[:1]
    assert fault.say() == "link 3 is missing"
    desk.database.audit_trail.link_runs(10)
    assert verified().faults == ()
    (fault,) = verify_chain(desk.database, anchor=anchor).faults
    assert fault.say() == "link 3 is not the one that was kept"


@pytest.mark.parametrize(
    "anchor", ["", "3", "x:y", "3:abc", f"-1:{'a' * 64}", f"{9**30}:{'a' * 64}"]
)
def test_an_anchor_that_is_none_is_refused(desk: Desk, anchor: str) -> None:
    with pytest.raises(InputError, match="expected NUMBER:HASH"):
        verify_chain(desk.database, anchor=anchor)


def test_links_of_before_a_day_are_passed_over(desk: Desk) -> None:
    at = desk.rows("SELECT made_at AS at FROM audit_links WHERE seq = 3")[0]["at"]
    desk.rows_changed(f"{TAMPER}UPDATE trades SET quantity = 9")
    report = verify_chain(desk.database, since=at)
    assert (report.links, report.faults) == (1, ())
    assert verify_chain(desk.database, since=at + timedelta(days=1)).links == 0


def test_a_link_that_could_not_be_made_is_made_by_the_next_tick(
    desk: Desk, verified: Callable[[], TrailReport], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def link_runs(self, _most: int) -> int:
            raise UnavailableError(reason)

    reason = "no link"
    whole = desk.database.audit_trail
    desk.database._audit_trail = Broken()  # type: ignore[assignment]
    with caplog.at_level(logging.WARNING):
        desk.tick()
    assert "the audit trail is continued by the next tick: no link" in caplog.text
    desk.database._audit_trail = whole
    assert len(links(desk)) == 3
    desk.later()
    desk.tick()
    assert links(desk) == [(n, "SUCCEEDED") for n in (1, 2, 3, 4, 5)]
    assert verified().faults == ()


def test_a_tick_waits_for_nobody_who_holds_the_chain(desk: Desk, database_url: str) -> None:
    lock = "SELECT pg_advisory_xact_lock(hashtextextended('exit_pipeline_audit_trail', 0))"
    desk.engine.dispose()
    with closing(psycopg2.connect(database_url)) as other, other.cursor() as cursor:
        cursor.execute(lock)
        impatient = PostgresDatabase(make_engine(f"{database_url}&options=-c%20lock_timeout%3D50"))
        add_links(impatient)
        impatient.dispose()
        other.rollback()
    assert len(links(desk)) == 3


def test_runs_that_fail_are_skipped_or_dry_have_links_too(
    desk: Desk, verified: Callable[[], TrailReport]
) -> None:
    desk.tick({"dry_run": True})
    identity = TickIdentity(
        environment="paper", broker="paper", tick_at=MORNING + timedelta(minutes=30), mode="live",
        dry_run=False, request_id="",
    )  # fmt: skip
    desk.database.runs.open(identity, ["desk"], "dies", "0", LEASE)
    desk.database.runs.fail("dies", "of itself")
    desk.at(MORNING + timedelta(hours=12))
    desk.tick()
    assert [status for _, status in links(desk)[3:]] == ["SUCCEEDED", "FAILED", "SKIPPED"]
    assert verified().faults == ()


def test_a_run_that_is_begun_anew_has_a_link_for_each_of_its_ends(
    desk: Desk, verified: Callable[[], TrailReport]
) -> None:
    desk.quote(CALL, "2.05", "2.15")
    desk.rows_changed(
        "UPDATE decision_runs SET status = 'FAILED' WHERE id = (SELECT run_id FROM audit_links"
        " WHERE seq = 3)"
    )
    desk.later(-5)
    desk.tick()
    assert [seq for seq, _ in links(desk)] == [1, 2, 3, 4]
    assert verified().faults == ()


def test_a_column_that_comes_later_leaves_older_links_as_they_are(
    desk: Desk, verified: Callable[[], TrailReport]
) -> None:
    desk.rows_changed(
        "ALTER TABLE refactored_decisions ADD COLUMN later integer DEFAULT 7 NOT NULL"
    )
    assert verified().faults == ()
    desk.tick()
    assert verified().faults == ()
    desk.rows_changed(f"{TAMPER}UPDATE refactored_decisions SET later = 8")
    assert {(one.seq, one.kind, one.fault) for one in verified().faults} == {
        (4, "decision", "altered")
    }


@pytest.mark.parametrize(
    "setting",
    ["timezone=Asia/Kolkata", "intervalstyle=iso_8601", "extra_float_digits=0", "datestyle=German"],
)
def test_the_same_links_come_of_the_rows_under_any_settings_of_a_session(
    desk: Desk, database_url: str, setting: str
) -> None:
    other = PostgresDatabase(make_engine(f"{database_url}&options={quote(f'-c {setting}')}"))
    assert verify_chain(other).faults == ()
    desk.rows_changed("UPDATE decision_runs SET finished_at = now()")
    assert other.audit_trail.link_runs(10) == 3
    other.dispose()
    assert verify_chain(desk.database).faults == ()


def test_runs_that_end_at_once_make_one_chain_without_a_gap(
    desk: Desk, database_url: str, verified: Callable[[], TrailReport]
) -> None:
    for n in range(6):
        identity = TickIdentity(
            environment="paper", broker="paper", tick_at=MORNING, mode="live", dry_run=True,
            request_id=f"r{n}",
        )  # fmt: skip
        desk.database.runs.open(identity, ["desk"], f"r{n}", "0", LEASE)
        desk.database.runs.fail(f"r{n}", "of itself")
    databases = [PostgresDatabase(make_engine(database_url)) for _ in range(4)]
    threads = [Thread(target=one.audit_trail.link_runs, args=(2,)) for one in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in databases:
        one.dispose()
    assert [seq for seq, _ in links(desk)] == list(range(1, 10))
    assert verified().faults == ()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (("link", "7", "missing", 7), "link 7 is missing"),
        (("decision", "a-1", "altered", 7), "link 7: the decision a-1 is altered"),
        (("fill", "a-1", "added", None), "of no link: the fill a-1 is added"),
    ],
)
def test_a_fault_is_told_in_a_sentence(fault, sentence) -> None:
    kind, row_id, what, seq = fault
    assert AuditFault(seq=seq, kind=kind, row_id=row_id, fault=what).say() == sentence
