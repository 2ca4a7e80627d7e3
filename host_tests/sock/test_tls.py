"""TLS on sockets, with both Pythons: OpenSSL stands for mbedTLS on CPython (cases_tls.py)."""

import functools
from pathlib import Path

import pytest
from lab.duplex import Duplex
from lab.pythons import run_unix
from sock import cases_tls, pki

HERE = Path(__file__).parent
CASES = sorted(name for name in vars(cases_tls) if name.startswith("case_"))


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return pki.make(tmp_path_factory.mktemp("pki"))


@pytest.mark.parametrize("name", CASES)
def test_on_cpython(name, folder):
    lab = Duplex()
    try:
        getattr(cases_tls, name)(lab, folder)
    finally:
        lab.end()


@functools.cache
def played(folder):
    path = ("joined", "host_tests")
    return run_unix(HERE / "tls_on_micropython.py", folder, path=path, timeout=300)


@pytest.mark.parametrize("name", CASES)
def test_on_micropython(name, folder):
    said = played(folder)
    assert name + " ok\n" in said, said[said.find(name + " failed") :]
