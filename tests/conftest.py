"""What tests share: a ledger that is nobody's, and for those of pages one browser a session, where one is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from browser import Browser


@pytest.fixture(scope="session", autouse=True)
def _nobodys_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The ledger of whoever runs the tests is neither read nor written, in processes that tests start as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLIMSOLL_HOME", str(tmp_path_factory.mktemp("home")))
        yield


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
