"""Basic authentication (RFC 7617): a name and a password, for a page, a route or a whole site.

    web = Routes(site)
    web.guard("/", Basic("admin", "secret"))            # everything
    web.guard("/admin", Basic("admin", "secret"))       # /admin and what lies under it, pages too

What is guarded is what is asked for, whether it exists or not. The password travels as it is: who
can listen on the wire can read it, for there is no TLS.
"""

from ..kern.ptr import kernel, ptr8


@kernel
def differs(buf: ptr8, at: int, n: int, wanted: ptr8, size: int) -> int:
    """0: the n octets at buf[at:] are the `size` octets of `wanted`. The time that it takes tells
    nothing of where they differ: it depends on n only, which the asker knows.
    """
    d = n ^ size
    i = 0
    k = 0
    while i < n:
        d |= buf[at + i] ^ wanted[k]
        k += 1
        if k >= size:
            k = 0
        i += 1
    return d


class Basic:
    """Lets pass who knows the name and the password; both are str, in UTF-8 on the wire."""

    fields = ("Authorization",)

    def __init__(self, name, password, realm="uipy"):
        if ":" in name:
            raise ValueError("a name has no colon")  # RFC 7617 2
        if len(realm.encode()) > 64:
            raise ValueError("a realm has 64 octets at the most")
        for c in realm:
            if c < " " or c in '"\\\x7f':
                raise ValueError("a realm has no quotes and no control characters")
        import binascii

        self.wanted = binascii.b2a_base64((name + ":" + password).encode()).strip()
        self.realm = b'Basic realm="%s", charset="UTF-8"' % realm.encode()

    def check(self, req):
        """True: the request may go on."""
        if not req.find_field("Authorization"):
            return False
        # RFC 7617 2: "Basic", in any case, blanks, and what is compared
        buf = req.buf
        at = req.at
        n = req.n
        if n < 6 or differs_word(buf, at):
            return False
        at += 5
        n -= 5
        while n and buf[at] == 32:
            at += 1
            n -= 1
        return not differs(buf, at, n, self.wanted, len(self.wanted))

    def refuse(self, req):
        """401, and what is asked for."""
        req.add(b"WWW-Authenticate", self.realm)
        return 401


@kernel
def differs_word(buf: ptr8, at: int) -> int:
    """0: buf[at:] begins with "Basic", in any case, and a blank."""
    word = ptr8(b"basic")
    d = buf[at + 5] ^ 32
    for k in range(5):
        d |= (buf[at + k] | 32) ^ word[k]
    return d
