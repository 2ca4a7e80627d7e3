"""The board's page in a browser, once it answers (`make demo`)."""

import os
import sys
import threading
import time
import urllib.error
import urllib.request
import webbrowser

_MOST_S = 120  # then nobody waits any more


def found():
    """A browser with a window, or None. One for the terminal would take it away from us."""
    windows = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    try:
        return webbrowser.get() if windows else None
    except webbrowser.Error:
        return None


def show(url):
    """Returns at once; the page comes when the board has it."""
    threading.Thread(target=_show, args=(url,), daemon=True).start()


def _show(url):
    if not _answers(url):
        return
    browser = found()
    if browser is None or not browser.open(url):
        print("open %s in a browser" % url, flush=True)


def _answers(url):
    until = time.monotonic() + _MOST_S
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=10):
                return True
        except urllib.error.HTTPError:  # a page, if not the one
            return True
        except OSError:
            time.sleep(0.2)
    return False
