"""The wheel takes along what is not Python."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all files in a wheel that is built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, str(folder), str(ROOT)], check=True
    )
    (wheel,) = folder.glob("exit_pipeline-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        pytest.param("sql", "*.sql", id="the migrations"),
        pytest.param("exit_pipeline/sample", "*.csv", id="the sample book and its signals"),
        pytest.param("exit_pipeline/policies", "*.yaml", id="the named policies"),
        pytest.param("exit_pipeline", "**/*.html", id="the templates of pages"),
        pytest.param("exit_pipeline/pages", "*.css", id="the style of pages"),
        pytest.param("exit_pipeline", "**/*.py", id="every module"),
    ],
)
def test_it_holds_the_files_of_the_checkout(names: set[str], folder: str, pattern: str) -> None:
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob(pattern)}
    if folder == "sql":
        found = {f"exit_pipeline/{name}" for name in found}
    assert found
    assert found <= names


def test_it_holds_the_program_and_no_test(names: set[str]) -> None:
    assert any(name.endswith(".dist-info/entry_points.txt") for name in names)
    assert not any(name.startswith(("exit_pipeline_tests", "benchmarks")) for name in names)
