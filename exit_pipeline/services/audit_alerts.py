"""Call a person where an audit has found what must not be."""

from exit_pipeline.core.model.record import Alert
from exit_pipeline.ports import Database
from exit_pipeline.services.audit_report import AuditReport


def raise_drift(report: AuditReport, database: Database) -> list[Alert]:
    """Raise a critical alert for decisions that differ, and one for those that looked ahead.

    There is one for a range, not one for each of its days, and none a second time before somebody
    has acknowledged it.

    Args:
        report: What an audit found.
        database: Where alerts are kept.

    Returns:
        The alerts; none where the audit is clean.
    """
    asked = report.request
    span = str(asked.first) if asked.first == asked.last else f"{asked.first} to {asked.last}"
    found = {"REPLAY_DRIFT": _drift(report), "REPLAY_LOOK_AHEAD": _look_ahead(report)}
    alerts = [
        Alert(severity="CRITICAL", cause=cause, subject=span, message=f"audit of {span}: {what}")
        for cause, what in found.items()
        if what
    ]
    database.runs.raise_alerts(alerts)
    return alerts


def _drift(report: AuditReport) -> str:
    if not report.differing:
        return ""
    columns = ", ".join(f"{name} {count:,}" for name, count in report.columns.most_common())
    return (
        f"{report.differing:,} of {report.decisions:,} decisions are not what was recorded"
        f"{columns and f' (by column: {columns})'}; decided by version "
        f"{', '.join(report.code_versions)}, made again by {report.code_version}"
    )


def _look_ahead(report: AuditReport) -> str:
    if not report.looking_ahead:
        return ""
    return (
        f"{report.looking_ahead:,} of {report.decisions:,} decisions had an input of a later time "
        "than their own"
    )
