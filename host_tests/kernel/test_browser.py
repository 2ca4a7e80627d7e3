"""The status page in headless Chromium, through the kernel's TCP, on a phone and on a desk.

The pictures are kept in build/artifacts.
"""

import os
import shutil
import time

import pytest
from wire.lan import Missing, need

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
WIDTHS = {"phone": (390, 844), "desk": (1280, 900)}


@pytest.fixture
def browse(lan, tmp_path):
    """Starts Chromium in the namespace; everything that it opens belongs to this test."""
    selenium = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    try:
        driver_path = need("chromedriver")
        binary = shutil.which("chromium") or need("chromium-browser")
    except Missing as lack:
        pytest.skip(str(lack))
    drivers = []

    def start(width, height):
        options = selenium.ChromeOptions()
        options.binary_location = binary
        for flag in (*FLAGS, "--user-data-dir=%s" % tmp_path):
            options.add_argument(flag)
        service = Service(driver_path, env={**os.environ, "HOME": str(tmp_path)})
        driver = selenium.Chrome(options=options, service=service)
        drivers.append(driver)
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": width,
                "height": height,
                "deviceScaleFactor": 2 if width < 500 else 1,
                "mobile": width < 500,
            },
        )
        return driver

    with lan.inside():
        yield start
        for driver in drivers:
            driver.quit()


def wait_for(say, check, seconds=20):
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until, "%s within %d s" % (say, seconds)
        time.sleep(0.1)


@pytest.mark.parametrize("size", WIDTHS)
def test_the_page_shows_its_own_connection_and_its_chart_moves(lan, start, browse, artifact, size):
    start("micropython-enc28j60")
    driver = browse(*WIDTHS[size])
    driver.get("http://%s/" % lan.board_ip)

    def text(css):
        return driver.execute_script("return document.querySelector(arguments[0]).innerText", css)

    def points():
        return int(driver.execute_script("return document.getElementById('chart').dataset.points"))

    wait_for("the link is shown as up", lambda: text("#link") == "link up")
    assert text("#ip") == lan.board_ip
    mine = ("%s:" % lan.kernel, "80", "ESTABLISHED")
    wait_for("its own connection", lambda: all(word in text("#conns") for word in mine))
    wait_for("how it got its address", lambda: "static" in text("#net"))
    wait_for("three points on the chart", lambda: points() >= 3)
    seen = points()
    wait_for("more points", lambda: points() > seen)
    overflow = driver.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow == 0, "the page is wider than the screen by %d px" % overflow
    driver.save_screenshot(str(artifact(".png")))
    errors = [e for e in driver.get_log("browser") if e["level"] == "SEVERE"]
    assert not errors, errors
