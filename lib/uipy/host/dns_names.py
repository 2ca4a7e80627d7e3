"""Names as people write them, and on the wire (RFC 1035 3.1, RFC 6763 4.3). Allocates: these are
for callers, not for packets.

    wire("www.example.org")                      b"\\3www\\7example\\3org\\0"
    wire(("My Page", "_http", "_tcp", "local"))  labels, in which a dot is nothing special
    text(b"\\3www\\7example\\3org\\0")           'www.example.org'
"""

from .. import Error


def wire(name):
    """The wire name of a text, or of a sequence of labels (text or octets). In a text a dot behind
    a backslash is one of the label's, and a backslash with three digits an octet; a dot at the
    end is allowed. Raises `Error` for a label that is empty or over 63 octets, and a name over
    255."""
    if isinstance(name, (bytes, bytearray)):
        raise Error("a name is text, or a sequence of labels: %r" % (name,))
    labels = _labels(name) if isinstance(name, str) else name
    out = bytearray()
    for label in labels:
        label = label.encode() if isinstance(label, str) else label
        if not 0 < len(label) < 64:
            raise Error("a name has labels of 1 to 63 octets between its dots: %r" % (name,))
        out.append(len(label))
        out.extend(label)
    out.append(0)
    if len(out) > 255:
        raise Error("a name has 253 octets at the most: %r" % (name,))
    return bytes(out)


def _labels(name):
    """The labels of a text, as octets."""
    labels, label = [], bytearray()
    chars = name.encode()
    i = 0
    while i < len(chars):
        c = chars[i]
        i += 1
        if c == 46:  # a dot
            labels.append(label)
            label = bytearray()
            continue
        if c == 92 and i < len(chars):  # a backslash
            c = chars[i]
            digits = chars[i : i + 3]
            if len(digits) == 3 and digits.isdigit() and int(digits) < 256:
                c = int(digits)
                i += 2
            i += 1
        label.append(c)
    if label or not labels:
        labels.append(label)
    return labels if chars not in (b"", b".") else ()


def text(w, i=0):
    """The text of the wire name at w[i:]: a dot or a backslash within a label has a backslash
    before it, a control character and what is no UTF-8 is one with three digits. The root is
    '.'."""
    out = []
    while w[i]:
        out.append(label(w, i))
        i += 1 + w[i]
    return ".".join(out) or "."


def label(w, i):
    """The text of the label at w[i:], whose length stands first."""
    data = bytes(w[i + 1 : i + 1 + w[i]])
    try:
        return "".join([_shown(c) for c in data.decode()])
    except ValueError:  # a UnicodeError
        return "".join([_shown(chr(c)) if c < 128 else "\\%03d" % c for c in data])


def _shown(c):
    if c in ".\\":
        return "\\" + c
    return c if " " <= c != "\x7f" else "\\%03d" % ord(c)
