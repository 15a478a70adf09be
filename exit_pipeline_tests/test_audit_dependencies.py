"""The audit of dependencies never passes what it didn't look at without saying so."""

import json

from exit_pipeline_tests.audit_dependencies import audit, told


def answer(*packages: dict[str, object]) -> tuple[str, str]:
    return json.dumps({"dependencies": list(packages)}), ""


GOOD = {"name": "good", "version": "1", "vulns": []}
BAD = {"name": "bad", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3", "2.1"]}]}
HOPELESS = {"name": "worse", "version": "0", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]}
UNKNOWN = {"name": "odd", "skip_reason": "not found"}
UNREACHABLE = ("", "Traceback ...\nConnectionError: no such host")


def test_without_a_known_vulnerability_it_passes_and_says_how_many_it_asked_for() -> None:
    assert told(audit(lambda _: answer(GOOD, GOOD))) == (
        "2 dependencies audited\nno known vulnerabilities",
        0,
    )


def test_a_vulnerability_is_named_with_what_fixes_it_and_fails() -> None:
    text, status = told(audit(lambda _: answer(GOOD, BAD, HOPELESS)))
    assert status == 1
    assert text.splitlines() == [
        "bad 2: PYSEC-1, fixed in 3 or 2.1",
        "worse 0: PYSEC-2, fixed in no version yet",
        "3 dependencies audited",
        "2 known vulnerabilities",
    ]


def test_a_package_that_the_service_does_not_know_is_named() -> None:
    text, status = told(audit(lambda _: answer(GOOD, UNKNOWN)))
    assert (status, text.splitlines()[1]) == (0, "NOT AUDITED, since unknown: odd")


def test_services_that_can_not_be_reached_or_know_nothing_are_no_silent_pass() -> None:
    """Regression: a mirror that knows no package made pip-audit say that none is vulnerable."""
    answers = {"pypi": answer(UNKNOWN, UNKNOWN), "osv": UNREACHABLE}
    assert told(audit(answers.__getitem__)) == (
        "DEPENDENCIES NOT AUDITED: pypi knows none of 2 packages; "
        "osv can't be reached (ConnectionError: no such host)",
        0,
    )


def test_the_second_service_is_asked_where_the_first_can_not_be() -> None:
    answers = {"pypi": UNREACHABLE, "osv": answer(BAD)}
    assert told(audit(answers.__getitem__))[1] == 1
