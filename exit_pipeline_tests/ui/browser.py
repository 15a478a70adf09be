"""A headless Chromium, and pages in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, expect, sync_playwright

from exit_pipeline_tests.ui import chromium

PATIENCE: Final = 120_000
"""Milliseconds until what is expected counts as missing: far more than a busy machine needs."""


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """A Chromium, until the context is left."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find())
        yield browser
        browser.close()
