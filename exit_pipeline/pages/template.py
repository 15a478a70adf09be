"""Templates that turn nothing into markup but what they say themselves."""

from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined


def page_style() -> str:
    """The style that all pages share: light and dark, for any screen."""
    return _read("style.css")


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


_TEMPLATES: Final = Environment(
    loader=FunctionLoader(_read),
    # Ids, reasons and messages come from other programs: every value is text and never markup.
    autoescape=True,
    # A name that is not there is a mistake of ours, and no empty place on somebody's page.
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(name: str, **values: Any) -> str:
    """A page of this package.

    Args:
        name: File of the template.
        values: What it shows.
    """
    return _TEMPLATES.get_template(name).render(**values)
