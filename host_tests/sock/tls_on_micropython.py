"""Plays the cases of cases_tls.py on MicroPython: `name ok`, or why not."""

import gc
import sys

from lab.duplex import Duplex
from sock import cases_tls

pki, *names = sys.argv[1:]
for name in names or sorted(n for n in dir(cases_tls) if n.startswith("case_")):
    try:
        lab = Duplex()
        getattr(cases_tls, name)(lab, pki)
        lab.end()
        print(name, "ok")
    except Exception as exc:
        print(name, "failed")
        sys.print_exception(exc)  # type: ignore[attr-defined]
    gc.collect()
