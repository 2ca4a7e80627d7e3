"""WIZnet chips in MACRAW: W5500, W5100S, W6100 on one engine. Each is imported when it is first
used.
"""

_HOME = {"W5500": "w5500", "W5100S": "w5100s", "W6100": "w6100"}


def __getattr__(name):
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(name)
    value = getattr(__import__("uipy.drivers.wiznet." + home, None, None, (name,)), name)
    globals()[name] = value
    return value
