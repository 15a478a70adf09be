"""The written pages lead where they say, and quote the same figures."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [README, *DOCS, *sorted((ROOT / "deploy").glob("*.md"))]
FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
TARGET = re.compile(r"\]\(([^)\s]+)\)|\bsrc=\"([^\"]+)\"")


def _prose(page: Path) -> str:
    """A page without its blocks of code, in which nothing is a link or a heading."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def _targets(page: Path) -> list[str]:
    """Where a page's links and pictures lead, but for those to other sites."""
    found = ("".join(groups) for groups in TARGET.findall(_prose(page)))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def _anchors(page: Path) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", _prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


LINKS = [
    pytest.param(page, target, id=f"{page.relative_to(ROOT)}: {target}")
    for page in PAGES
    for target in _targets(page)
]


@pytest.mark.parametrize(("page", "target"), LINKS)
def test_a_link_leads_to_what_is_there(page: Path, target: str) -> None:
    name, _, anchor = target.partition("#")
    file = page.parent / name if name else page
    assert file.exists()
    if anchor:
        assert anchor in _anchors(file)


def test_the_readme_leads_to_every_page() -> None:
    led = {(ROOT / target.partition("#")[0]).resolve() for target in _targets(README)}
    assert set(PAGES) - {README} <= led


def test_the_readme_quotes_the_figures_of_the_whole_sheet() -> None:
    text = README.read_text(encoding="utf-8")
    quoted = text.partition("\n| figure | |\n|---|---|\n")[2].partition("\n\n")[0].splitlines()
    sheet = (ROOT / "docs" / "order-protocol.md").read_text(encoding="utf-8").splitlines()
    assert quoted
    assert [row for row in quoted if row not in sheet] == []
