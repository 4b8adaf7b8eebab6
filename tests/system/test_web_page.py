"""The web page in a real browser, on the running platform.

``SCREENSHOTS=docs/images`` keeps what is seen, for the README.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.browser import DESKTOP, PHONE, Browser, browser
from tests.system.platform_run import PlatformRun

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

FALL = ("--set", "feed.simulation.drift=-0.002", "--set", "feed.symbols=[BTCUSDT, ETHUSDT]",
        "--set", "feed.simulation.start_prices.ETHUSDT=3000")  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformRun]:
    journal = tmp_path_factory.mktemp("journal") / "events"
    with PlatformRun(f"test-page-{os.getpid()}", journal, *FALL) as running:
        yield running
        assert running.stop() == 0, running.output


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, run: PlatformRun) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


def url(run: PlatformRun) -> str:
    return f"http://127.0.0.1:{run.port}/"


def keep(page: Browser, name: str) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.shoot(Path(folder) / f"{name}.png")


def test_the_desktop_shows_the_whole_platform_live(run: PlatformRun, page: Browser) -> None:
    page.open(url(run), DESKTOP, dark=True)
    page.wait(
        lambda: page.texts("#link")[0].startswith(("live", "every")), "the page never became live"
    )
    page.wait(lambda: len(page.find("#book .level.bid")) >= 5, "no bids in the ladder")
    page.wait(lambda: len(page.find("#book .level.ask")) >= 5, "no asks in the ladder")
    page.wait(lambda: len(page.find("#tape .trade")) >= 5, "no trades on the tape")
    page.wait(lambda: "long 0.50000 BTCUSDT" in " ".join(page.texts("#liquidations .liquidation")),
              "account 1001 was not seen to be liquidated")  # fmt: skip

    rings = page.texts("#rings .readers b")
    assert rings == ["commands", "events", "risk"]
    assert {"titan", "sentinel", "oracle"} <= set(page.texts("#rings .reader span:first-child"))
    assert page.texts("#hops .hop:not(.axis) span:first-child") == [
        "titan", "sentinel", "durable", "one commit",
    ]  # fmt: skip
    assert "1002" in page.texts("#positions .position b:first-child")
    digests = page.texts("#journal code")
    assert len(digests) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in digests)
    assert "running" in page.texts("#processes .pill")
    keep(page, "page-dark")


def test_cursors_move_and_prices_follow(run: PlatformRun, page: Browser) -> None:
    page.open(url(run), DESKTOP, dark=False)
    page.wait(lambda: page.texts("#book .middle span"), "no price")
    before = page.texts("#rings .readers .dim"), page.texts("#book .middle span")

    page.wait(lambda: page.texts("#rings .readers .dim") != before[0], "no cursor moved")
    page.wait(lambda: page.texts("#book .middle span") != before[1], "the price stood still")
    keep(page, "page-light")


def test_another_symbol_has_a_book_of_its_own(run: PlatformRun, page: Browser) -> None:
    page.open(url(run), DESKTOP, dark=False)
    page.wait(lambda: len(page.find("#symbols button")) >= 2, "no symbols")
    chosen = next(each for each in page.find("#symbols button") if each.text == "ETHUSDT")
    chosen.click()

    def price() -> float:
        (text,) = page.texts("#book .middle span:first-child")
        return float(text.replace(",", "")) if text != "–" else 0.0

    page.wait(lambda: 0 < price() < 10_000, "the book is not Ether's")
    assert chosen.get_attribute("aria-pressed") == "true"


def test_the_theme_is_the_systems_until_another_is_chosen(run: PlatformRun, page: Browser) -> None:
    scheme = "return getComputedStyle(document.documentElement).colorScheme"
    page.open(url(run), DESKTOP, dark=True)
    assert page.script(scheme) == "dark"
    page.open(url(run), DESKTOP, dark=False)
    assert page.script(scheme) == "light"

    page.find("#theme")[0].click()
    assert page.script(scheme) == "dark"
    page.open(url(run), DESKTOP, dark=False)
    assert page.script(scheme) == "dark"
    page.script("localStorage.clear()")


def test_a_phone_needs_no_sideways_scrolling(run: PlatformRun, page: Browser) -> None:
    page.open(url(run), PHONE, dark=False)
    page.wait(lambda: len(page.find("#book .level.bid")) >= 5, "no bids in the ladder")
    page.wait(lambda: page.find("#positions .position:not(.head)"), "no positions")

    assert page.script("return document.documentElement.scrollWidth") == PHONE[0]
    keep(page, "page-phone")


RINGS_OF_TWO_TITANS = """
    const names = ["commands", "events-0", "events-1", "events", "risk"];
    const consumers = ["titan-0", "titan-1", "merge", "oracle"].map(name => ({name, at: 1e9}));
    const rings = names.map(name => ({name, capacity: 65536, cursor: 1e9 + 12345, consumers}));
    return import("/web/pipeline.js").then(pipeline => {
        pipeline.showRings(rings, {});
        const boxes = selector => [...document.querySelectorAll(selector)]
            .map(each => each.getBoundingClientRect())
            .map(box => [box.left, box.top, box.right, box.bottom]);
        return boxes("#rings svg, #rings .readers, #hops");
    });
"""


@pytest.mark.parametrize("size", [DESKTOP, (1280, 900), (1000, 800), PHONE])
def test_the_rings_of_several_titans_never_overlap(
    run: PlatformRun, page: Browser, size: tuple[int, int]
) -> None:
    page.open(url(run), size, dark=False)
    page.wait(lambda: page.find("#rings .ring"), "no rings")
    boxes = page.promised(RINGS_OF_TWO_TITANS)

    assert isinstance(boxes, list)
    assert len(boxes) == 11
    for one, other in itertools.combinations(boxes, 2):
        is_beside = one[2] <= other[0] or other[2] <= one[0]
        is_below = one[3] <= other[1] or other[3] <= one[1]
        assert is_beside or is_below, (one, other)


def test_the_console_has_nothing_to_complain_of(page: Browser) -> None:
    assert page.complaints() == []
