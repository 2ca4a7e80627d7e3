"""The path without root and without /dev/net/tun, walked by nobody: what `unshare -Urn` gives,
a veth pair, AF_PACKET.
"""

import os
import subprocess
import sys
import tempfile

import pytest
from wire.lan import ROOT, Missing, need, root

USER = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--")
# Where nobody may run this Python (a home of root's): no capability but the one that a map with
# user 0 in it takes (user_namespaces(7)).
ROOT_WITHOUT_RIGHTS = ("setpriv", "--bounding-set", "-all,+setfcap", "--inh-caps", "-all", "--")

CASES = (
    "test_interop.py::test_ping_of_every_size_comes_back",
    "test_interop.py::test_curl_gets_the_page_the_status_and_the_metrics",
    "test_bulk.py::test_a_megabyte_is_echoed_byte_for_byte",
    "test_bulk.py::test_discard_keeps_its_window_open_for_a_megabyte",
)


def _without_rights():
    """What to put before a command, so that it runs as an ordinary user's would."""
    if not root():
        return ()
    need("setpriv")
    # setpriv itself may still start what its user may not
    again = "import subprocess, sys; subprocess.check_call([sys.executable, '-V'])"
    run = subprocess.run([*USER, sys.executable, "-c", again], capture_output=True)
    return ROOT_WITHOUT_RIGHTS if run.returncode else USER


@pytest.fixture
def place():
    """A folder that everybody can write to; pytest's own are the user's alone."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        yield folder


def test_a_user_without_rights_runs_the_same_tests_over_veth(place):
    try:
        prefix = _without_rights()
    except Missing as lack:
        pytest.skip(str(lack))
    allowed = subprocess.run([*prefix, "unshare", "-Urn", "true"], capture_output=True)
    if allowed.returncode:
        pytest.skip("no namespaces for users here: %s" % allowed.stderr.decode().strip())
    cases = ["host_tests/kernel/" + c for c in CASES]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *cases]
    command += ["-k", "cpython or micropython-enc28j60", "--basetemp", place + "/t"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("UIPY_RECORD")}
    env.update(UIPY_LAN="veth", UIPY_ARTIFACTS=place, HOME=place, CI="true")
    done = subprocess.run(
        [*prefix, *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert " passed" in done.stdout
