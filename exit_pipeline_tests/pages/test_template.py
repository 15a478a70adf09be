"""What all templates have in common."""

import re

import pytest
from jinja2 import UndefinedError

from exit_pipeline.pages.template import page_style, render


def test_a_name_that_is_not_given_is_a_mistake_and_no_empty_place() -> None:
    with pytest.raises(UndefinedError):
        render("day.html")


def test_every_colour_of_the_light_page_has_one_of_the_dark_page() -> None:
    light, dark = page_style().split("@media (prefers-color-scheme: dark)")
    names = set(re.findall(r"--\w+(?=:)", light))
    assert {"--ground", "--words"} <= names
    assert set(re.findall(r"--\w+(?=:)", dark)) == names
