"""Applications: callbacks on the core's public names. Each is imported when it is first used."""

_HOME = {
    "Chargen": "chargen",
    "Daytime": "daytime",
    "Discard": "discard",
    "Echo": "echo",
    "UdpEcho": "echo",
    "Http": "http",
    "Site": "site",
    "Page": "site",
    "FilePage": "site",
    "View": "site",
    "Text": "site",
}


def __getattr__(name):
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(name)
    value = getattr(__import__("uipy.apps." + home, None, None, (name,)), name)
    globals()[name] = value
    return value
