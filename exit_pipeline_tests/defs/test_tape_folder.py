"""What a run may be told to read: what is within one folder, and nothing else of the machine."""

from pathlib import Path

import pytest

from exit_pipeline.core.model.errors import ConfigurationError, InputError
from exit_pipeline.defs.tape_folder import tape_root, within


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a book, a folder of tapes, and links that lead out of it."""
    inside = tmp_path / "inside"
    (inside / "goog").mkdir(parents=True)
    (inside / "book.csv").write_text("id\n")
    (tmp_path / "secret.csv").write_text("key\n")
    (inside / "link.csv").symlink_to(tmp_path / "secret.csv")
    (inside / "up").symlink_to(tmp_path)
    return tape_root(str(inside))


def test_what_is_within_the_folder_is_found(root: Path) -> None:
    assert within(root, "tape", "", is_folder=True) == root
    assert within(root, "tape", "goog", is_folder=True) == root / "goog"
    assert within(root, "book", "goog/../book.csv", is_folder=False) == root / "book.csv"


@pytest.mark.parametrize(
    "value",
    [
        "../secret.csv",
        "/etc/passwd",
        "link.csv",
        "up/secret.csv",
        "nothing.csv",
        "../nothing.csv",
        "goog",
        "book.csv\0",
        "",
    ],
)
def test_what_leads_out_and_what_is_not_there_are_refused_alike(root: Path, value: str) -> None:
    with pytest.raises(InputError) as caught:
        within(root, "book", value, is_folder=False)
    assert str(caught.value) == (
        f"book is {value!r}; expected a file within EXIT_TAPE_DIR, relative to it"
    )


@pytest.mark.parametrize("value", ["..", "/", "up", "book.csv"])
def test_a_folder_of_tapes_may_not_lie_outside_either(root: Path, value: str) -> None:
    with pytest.raises(InputError, match="expected a folder within EXIT_TAPE_DIR"):
        within(root, "tape", value, is_folder=True)


@pytest.mark.parametrize(
    ("tape_dir", "said"),
    [(None, "EXIT_TAPE_DIR is not set"), ("/no/such", "EXIT_TAPE_DIR is '/no/such'")],
)
def test_without_the_folder_nothing_may_be_read(tape_dir: str | None, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        tape_root(tape_dir)
