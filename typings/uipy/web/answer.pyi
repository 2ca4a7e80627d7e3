from .._types import AnySource, Octets

UNTIL_END: int

class Answer:
    status: int
    kind: bytes
    size: int
    body: Octets
    source: AnySource | None
