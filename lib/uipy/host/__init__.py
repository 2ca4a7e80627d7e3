"""What a host on the Internet has besides TCP and UDP (RFC 1123): an address by itself, names, the
time, a log. Each is a part of its own, and imported when it is first used.
"""

_HOME = {
    "Browser": "mdns_browse",
    "Dhcp": "dhcp",
    "LinkLocal": "linklocal",
    "LocalResolver": "mdns_query",
    "Mdns": "mdns",
    "Ping": "ping",
    "Resolver": "dns",
    "Sntp": "sntp",
    "Syslog": "syslog",
    "Unresolved": "dns_aio",
    "lookup": "dns_aio",
}


def __getattr__(name):
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(name)
    value = getattr(__import__("uipy.host." + home, None, None, (name,)), name)
    globals()[name] = value
    return value
