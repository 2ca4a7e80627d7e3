"""What a web server has besides pages (apps/site.py): each is a part of its own, and imported
when it is first used.
"""

_HOME = {
    "Routes": "routes",
    "Handler": "routes",
    "Basic": "auth",
    "Folder": "files",
    "Events": "events",
    "WebApp": "websocket",
    "WebSockets": "websocket",
}


def __getattr__(name):
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(name)
    value = getattr(__import__("uipy.web." + home, None, None, (name,)), name)
    globals()[name] = value
    return value
