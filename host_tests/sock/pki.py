"""Keys and certificates, made by openssl: `make(folder)`.

    ca                          who vouches for the others
    board                       for board.local, an EC key
    rsa                         the same, an RSA key of 2048 bits
    expired                     the same, over since yesterday
    self                        vouches for itself

Each as NAME.pem and NAME.key, and as NAME.der and NAME.key.der.
"""

import shutil
import subprocess

import pytest

NAMES = ("ca", "board", "rsa", "expired", "self")
_SUBJECT = "/CN=board.local"


def make(folder):
    """The folder, as text."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl here: apt-get install openssl")

    def openssl(*words):
        done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True)
        assert not done.returncode, (words, done.stderr)

    for name in NAMES:
        kind = (
            ("RSA", "rsa_keygen_bits:2048") if name == "rsa" else ("EC", "ec_paramgen_curve:P-256")
        )
        openssl("genpkey", "-algorithm", kind[0], "-pkeyopt", kind[1], "-out", name + ".key")
    (folder / "names").write_text("subjectAltName=DNS:board.local,IP:127.0.0.1\n")
    for name in ("ca", "self"):
        subject = "/CN=uipy test CA" if name == "ca" else _SUBJECT
        openssl(
            "req",
            "-x509",
            "-new",
            "-key",
            name + ".key",
            "-subj",
            subject,
            "-days",
            "30",
            "-out",
            name + ".pem",
        )
    for name, days in (("board", "30"), ("rsa", "30"), ("expired", "-1")):
        openssl("req", "-new", "-key", name + ".key", "-subj", _SUBJECT, "-out", "csr")
        openssl(
            "x509",
            "-req",
            "-in",
            "csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-days",
            days,
            "-extfile",
            "names",
            "-out",
            name + ".pem",
        )
    for name in NAMES:
        openssl("x509", "-in", name + ".pem", "-outform", "DER", "-out", name + ".der")
        openssl("pkey", "-in", name + ".key", "-outform", "DER", "-out", name + ".key.der")
    return str(folder)
