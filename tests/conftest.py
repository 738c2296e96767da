"""What tests of pages share: one browser a session, where Chromium is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from browser import Browser


@pytest.fixture(scope="session")
def _window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    from browser import Browser, installed

    chromium, driver = installed("chromium"), installed("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs a browser: install chromium and chromedriver")
    opened = Browser(driver, chromium, tmp_path_factory.mktemp("browser"))
    yield opened
    opened.close()


@pytest.fixture
def browser(_window: Browser) -> Browser:
    """The session's browser with an empty page of the usual size, in light colours."""
    _window.open("about:blank")
    _window.emulate()
    return _window
