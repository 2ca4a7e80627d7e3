"""The other Pythons for tests; one that is not here skips the test with the line that names it.

    run_unix("script.py", "argument")                 MicroPython, 64 bits, viper
    run_wasm("script.py", files=[("joined", "/lib")]) MicroPython, 32 bits: objects as on a board

The library is the joined form (tools/parts/join.py) where nothing else is said. Both return what
the script printed and fail the test, with all of it, when the script fails. See
tools/interpreters.py.
"""

import functools

import interpreters
import pytest


def _or_skip(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except interpreters.Missing as lack:
            pytest.skip(str(lack))

    return call


run_unix = _or_skip(interpreters.run_unix)
run_wasm = _or_skip(interpreters.run_wasm)
micropython = _or_skip(interpreters.micropython)
compile_mpy = _or_skip(interpreters.compile_mpy)
joined = interpreters.joined
