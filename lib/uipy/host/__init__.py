"""What a host on the Internet has besides TCP and UDP (RFC 1123): an address by itself, names, the
time, a log. Each is a part of its own, and imported when it is first used.
"""

_HOME = {
    "Resolver": "dns",
    "lookup": "dns_aio",
    "Unresolved": "dns_aio",
    "Mdns": "mdns",
    "LocalResolver": "mdns_query",
    "Browser": "mdns_browse",
}


def __getattr__(name):
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(name)
    value = getattr(__import__("uipy.host." + home, None, None, (name,)), name)
    globals()[name] = value
    return value
