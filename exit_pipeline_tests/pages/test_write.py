"""A page takes its place in one step."""

from pathlib import Path

import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.pages.write import write_page


def test_a_page_is_written_into_a_folder_that_is_made_for_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "page.html"
    write_page(path, "é", make_folder=True)
    assert path.read_text(encoding="utf-8") == "é"


def test_a_folder_that_a_person_mistyped_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"page\.html can't be written: No such file or directory"):
        write_page(tmp_path / "no" / "page.html", "")
    assert list(tmp_path.iterdir()) == []


def test_a_page_replaces_the_one_before_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    for text in ("one", "two"):
        write_page(path, text)
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]
    assert path.read_text() == "two"


def test_a_write_that_breaks_off_leaves_the_page_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "page.html"
    write_page(path, "whole")
    write_text = Path.write_text

    def half(self: Path, text: str, **other: str) -> int:
        write_text(self, text[: len(text) // 2], **other)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(InputError, match=r"page\.html can't be written: No space left on device"):
        write_page(path, "another one")
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]
    assert path.read_text() == "whole"


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"page\.html can't be written: .*/file is no folder"):
        write_page(tmp_path / "file" / "page.html", "", make_folder=True)
