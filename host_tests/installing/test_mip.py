"""What mip installs: a repository's package.json files (sources), and the index that `make mip`
makes (.mpy files); by mpremote from here, and by `mip.install` on the board.
"""

import functools
import http.server
import json
import threading

import pytest
from install import index, packages
from interpreters import ROOT
from lab.serialport import Board
from parts import cross, pieces

slow = pytest.mark.slow  # once is enough

MAIN = "from uipy.board import main\nmain()\n"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def serve():
    """serve(folder) -> its address on a web server."""
    servers = []

    def start(folder):
        handler = functools.partial(_Quiet, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return "http://127.0.0.1:%d" % server.server_address[1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of an index for this machine and for any."""
    out = tmp_path_factory.mktemp("mip")
    for arch in ("x64", cross.ANY):
        index.write(arch, out)
    return out


@pytest.fixture
def board(tmp_path):
    with Board(tmp_path, blocks=1024) as board:
        yield board


def starts(board):
    """It starts at power-on, and serves its page."""
    board.put("/main.py", MAIN)
    board.mpremote("reset")
    return b"<title>" in board.fetch()


def test_each_package_json_is_as_the_table_makes_it():
    assert not packages.stale(), "run make mip"


def test_a_package_names_files_below_its_own_folder_that_exist():
    for path, text in packages.files().items():
        rows = json.loads(text)["urls"]
        assert rows and all((path.parent / url).is_file() for _, url in rows)
        assert not [url for _, url in rows if ".." in url]


def test_a_piece_lists_what_it_needs():
    rows = json.loads((ROOT / "lib" / "web.json").read_text())["urls"]
    targets = {target for target, _ in rows}
    assert {"uipy/web/routes.py", "uipy/apps/site.py", "uipy/stack.py"} <= targets
    assert "uipy/host/dhcp.py" not in targets and "uipy/kern/cpython.py" not in targets


def test_the_index_has_a_package_for_each_piece_and_each_board(made):
    names = {p.name for p in (made / "x64" / "package" / "6").iterdir()}
    assert {"uipy", "uipy-core", "uipy-w5500-evb-pico"} <= names
    assert {"uipy-" + name for name in pieces.pieces()} <= names
    web = json.loads((made / "x64/package/6/uipy-web/latest.json").read_text())
    assert web["deps"] == [["uipy-apps", "latest"]], "which brings the core"
    w5500 = json.loads((made / "x64/package/6/uipy-w5500-evb-pico/latest.json").read_text())
    assert ["uipy-wiznet", "latest"] in w5500["deps"]
    assert ["uipy-enc28j60", "latest"] not in w5500["deps"]


@slow
def test_mpremote_installs_the_whole_from_an_index_and_the_page_comes(board, serve, made):
    where = serve(made) + "/x64"
    said = board.mpremote("mip", "install", "--index", where, "uipy-rpi-pico-enc28j60")
    assert said.rstrip().endswith("Done")
    assert "/lib/uipy/core.mpy" in board.files()
    said = board.mpremote("mip", "install", "--index", where, "uipy-web")
    assert "Exists: /lib/uipy/core.mpy" in said and "Installing: /lib" not in said
    assert starts(board)


@slow
def test_mip_on_the_board_installs_a_part_and_what_it_needs(board, serve, made):
    where = serve(made) + "/" + cross.ANY
    said = board.mpremote("exec", "import mip; mip.install('uipy-web', index=%r)" % where)
    assert said.rstrip().endswith("Done")
    files = board.files()
    assert "/lib/uipy/web/routes.mpy" in files and "/lib/uipy/host/dhcp.mpy" not in files
    assert files["/lib/uipy/core.mpy"][2] >> 2 == 0, "no native code"
    assert "Routes" in board.mpremote("exec", "from uipy.web import Routes; print(Routes)")


@slow
def test_mip_on_the_board_installs_the_sources_and_the_page_comes(board, serve):
    where = serve(ROOT)
    # The whole last: from then on `socket` is ours.
    for path in ("boards/RPI_PICO_ENC28J60/package.json", "package.json"):
        said = board.mpremote("exec", "import mip; mip.install('%s/%s')" % (where, path))
        assert said.rstrip().endswith("Done")
    assert "/lib/uipy/stack.py" in board.files()
    assert starts(board)


@slow
def test_mpremote_installs_a_part_from_a_checkout(board):
    said = board.mpremote("mip", "install", str(ROOT / "lib" / "enc28j60.json"))
    assert said.rstrip().endswith("Done")
    script = "from uipy.drivers.enc28j60 import ENC28J60; import uipy; print(uipy.Stack, ENC28J60)"
    assert "Stack" in board.mpremote("exec", script)
