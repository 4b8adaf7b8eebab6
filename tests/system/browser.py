"""A headless Chromium that leaves nothing behind, as a desktop or as a phone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

LIMIT_S = 90
DESKTOP = (1440, 1290)
PHONE = (390, 844)
_SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
)  # fmt: skip


class Browser:
    """One open page, and what a test asks of it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, url: str, size: tuple[int, int], *, dark: bool) -> None:
        """Load a page on a screen of this size and theme."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [theme]})
        self.driver.get(url)

    def find(self, selector: str) -> list[WebElement]:
        """The elements that match now."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """What the matching elements say, read at one moment."""
        script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)"
        return list(self.driver.execute_script(script, selector))

    def wait(self, wanted: Callable[[], object], what: str) -> None:
        """Until ``wanted()`` is true; fails with ``what``."""
        WebDriverWait(self.driver, LIMIT_S, 0.1).until(lambda _: wanted(), what)

    def script(self, text: str) -> object:
        """The value of a piece of JavaScript."""
        return self.driver.execute_script(text)

    def promised(self, text: str) -> object:
        """What the promise that a piece of JavaScript returns comes to."""
        whole = (
            f"const done = arguments[0]; (() => {{ {text} }})().then(done, e => done(String(e)))"
        )
        self.driver.set_script_timeout(LIMIT_S)
        return self.driver.execute_async_script(whole)

    def complaints(self) -> list[str]:
        """What the console said."""
        log = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [str(each["message"]) for each in log]

    def shoot(self, path: Path) -> None:
        """Keep what is seen."""
        self.driver.save_screenshot(str(path))


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Chromium with a fresh profile; the test is skipped where it is not installed."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    control = shutil.which("chromedriver")
    if chromium is None or control is None:
        pytest.skip("no browser: Debian's packages are called chromium and chromium-driver")
    options = Options()
    options.binary_location = chromium
    for switch in (*_SWITCHES, f"--user-data-dir={profile}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(control))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
