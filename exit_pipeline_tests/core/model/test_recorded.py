"""Which recorded decisions are asked for, and whose they are."""

from dataclasses import replace
from datetime import UTC, datetime

from exit_pipeline.core.model.recorded import RecordedRange


def test_a_range_of_some_runs_says_so():
    whole = RecordedRange(
        start=datetime(2026, 3, 16, tzinfo=UTC), end=datetime(2026, 3, 17, tzinfo=UTC)
    )
    assert whole.label == "all"
    some = replace(whole, environment="live", mode="live", dry_run=False)
    assert some.label == "live, mode live, no dry runs"
