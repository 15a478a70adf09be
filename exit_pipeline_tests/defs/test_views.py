"""What a run shows in the UI: shadow policies, and notes that name what others have named."""

import pytest

from exit_pipeline.defs import views
from exit_pipeline_tests.desk import CALL, Desk


@pytest.fixture
def desk(database_url: str) -> Desk:
    """Thirty positions of one contract that have lost 25 %."""
    desk = Desk(database_url)
    desk.quote(CALL, "1.49", "1.51")
    for number in range(30):
        desk.hold(f"p{number:02}")
    return desk


def test_the_run_shows_what_each_shadow_would_do_otherwise(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXIT_SHADOW_POLICIES", "tight=stop_loss.percent=20; long_premium")
    decided = desk.tick({"dry_run": True}).executed.decided
    first, second = views.decisions(decided)["shadow_policies"].records
    assert first.data == {
        "policy": "long_premium", "text": "long_premium", "exits": 0, "differing": 0,
        "positions": "",
    }  # fmt: skip
    assert (second.data["policy"], second.data["exits"], second.data["differing"]) == (
        "tight", 30, 30,
    )  # fmt: skip
    assert second.data["positions"].startswith("p00, p01, ")
    assert second.data["positions"].endswith(", p19 and 10 more")


def test_a_run_without_shadows_shows_no_table_of_them(desk: Desk) -> None:
    shown = views.decisions(desk.tick({"dry_run": True}).executed.decided)
    assert "shadow_policies" not in shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("2 of sample-01 had filled", "- 2 of sample-01 had filled"),
        ("**b** of [x](https://x.example)", r"- \*\*b\*\* of \[x\](https://x.example)"),
        ("<img src=x> ![y](z)", r"- \<img src=x\> \!\[y\](z)"),
        ("A_KEY _b_ \\ `d` | ~e~ &amp;", r"- A_KEY \_b\_ \\ \`d\` \| \~e\~ \&amp;"),
        ("a\n\n# b", r"- a \# b"),
    ],
    ids=["as it is", "bold and a link", "pictures", "other signs", "a heading"],
)
def test_nothing_that_a_note_names_is_markup(line: str, shown: str) -> None:
    """Regression: ids come from files and brokers; one in a note could put a link or a picture of
    somebody else's server on the page of a run, or lose its own stars and underscores there."""
    assert views.bullets([line]) == shown


def test_no_notes_are_said_so() -> None:
    assert views.bullets([]) == "nothing to note"
