"""Which Chromium the browser tests take, found without one."""

import sys
from pathlib import Path

import pytest

from exit_pipeline_tests.ui import chromium
from exit_pipeline_tests.ui.chromium import NoChromiumError, find, install

SHELL = "chromium_headless_shell-1/chrome-headless-shell-linux64/chrome-headless-shell"


def on_the_machine(*names: str) -> dict[str, str]:
    return {name: f"/usr/bin/{name}" for name in names}


@pytest.fixture
def browsers(tmp_path: Path) -> Path:
    """Playwright's folder with a browser in it."""
    program = tmp_path / SHELL
    program.parent.mkdir(parents=True)
    program.touch()
    return tmp_path


def test_the_named_one_goes_before_all(browsers: Path) -> None:
    programs = on_the_machine("chromium", "mine")
    assert find({"CHROMIUM": "mine"}, programs.get, browsers) == "/usr/bin/mine"


def test_the_installed_one_goes_before_the_machines_own(browsers: Path) -> None:
    assert find({}, on_the_machine("chromium").get, browsers) == str(browsers / SHELL)


@pytest.mark.parametrize("name", chromium.NAMES)
def test_the_machines_own_is_found_by_any_of_its_names(name: str, tmp_path: Path) -> None:
    assert find({}, on_the_machine(name).get, tmp_path) == f"/usr/bin/{name}"


def test_nothing_is_found_where_there_is_nothing(tmp_path: Path) -> None:
    assert find({}, on_the_machine().get, tmp_path) is None


def test_a_name_of_no_program_is_refused_and_not_passed_over(browsers: Path) -> None:
    with pytest.raises(NoChromiumError, match=r"^CHROMIUM is 'mine'; expected the path"):
        find({"CHROMIUM": "mine"}, on_the_machine("chromium").get, browsers)


@pytest.mark.usefixtures("_no_playwright")
def test_what_can_not_be_installed_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(NoChromiumError) as error:
        install(tmp_path)
    assert str(error.value) == (
        "there is no Chromium on this machine, and Playwright could not install one "
        "(Error: no such host); install one, or name it: make test-ui CHROMIUM=/path/to/chromium"
    )


@pytest.mark.usefixtures("_no_playwright")
def test_without_any_the_program_says_so_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chromium, "find", lambda: None)
    assert chromium.main() == 2
    assert capsys.readouterr().err.startswith("The browser tests can't run: there is no Chromium")


@pytest.fixture
def _no_playwright(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python whose Playwright can't download anything."""
    program = tmp_path / "python"
    program.write_text(
        "#!/bin/sh\necho 'Downloading ...'\necho 'Error: no such host, caused by' >&2\nexit 1\n"
    )
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
