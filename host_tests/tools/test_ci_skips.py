"""In CI a skip is red, unless it is marked; elsewhere it is none of our business."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent
PLAIN = "import pytest\ndef test_a(): pytest.skip('no wheels')\ndef test_b(): pass\n"
MARKED = PLAIN.replace("def test_a", "@pytest.mark.may_skip_in_ci\ndef test_a")
MODULE = "import pytest\npytest.importorskip('nosuchmodule')\n"
XFAIL = "import pytest\n@pytest.mark.xfail\ndef test_a(): assert 0\n"


@pytest.mark.parametrize(
    ("source", "ci", "status"),
    [(PLAIN, "true", 1), (MODULE, "true", 1), (MARKED, "true", 0), (XFAIL, "true", 0)]
    + [(PLAIN, "", 0)],
)
def test_a_skip_is_a_failure_in_ci(tmp_path, source, ci, status):
    (tmp_path / "test_it.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "ci_skips", "-p", "no:cacheprovider"]
    command += ["-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path)]
    env = {**os.environ, "CI": ci, "PYTHONPATH": str(HERE)}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == status, done.stdout
    if status and source is PLAIN:
        assert "no wheels" in done.stdout
