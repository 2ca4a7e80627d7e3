"""How the board finds its place on the network, as config.py asks for: its address, its name, the
time, and where its log goes. Each is imported only if it is asked for.

The lease is kept in a file, so that the board asks for the same address when it starts again, and
has it at once when the server agrees (RFC 2131 3.2).
"""


class Place:
    """What was asked for; None for what was not. `say` takes a line when something has changed,
    and so does the log, if there is one.

    dhcp, mdns, sntp, syslog    see uipy.host
    local                       a LinkLocal without DHCP
    resolver                    the same, made when it is first asked for
    services                    those that have counters: counters(), and `stat`, their values
    """

    def __init__(self, stack, cfg, say=print):
        self.stack = stack
        self.cfg = cfg
        self.say = say
        self.dhcp = self.local = self.mdns = self.sntp = self.syslog = None
        self.services = []
        self.file = getattr(cfg, "lease_file", None)
        self._resolver = None
        name = getattr(cfg, "hostname", None)
        if wanted(cfg) == "auto":
            from uipy.host import LinkLocal

            self.local = LinkLocal(stack, say=self.tell)
        elif wanted(cfg) == "dhcp":
            from uipy.host import Dhcp

            keep = self._keep if self.file else None
            self.dhcp = self._add(Dhcp(stack, 0, name or "", self._kept(), keep, self.tell))
        if name:
            from uipy.host import Mdns

            self.mdns = self._add(Mdns(stack, name, 0, self.tell))
        ntp = getattr(cfg, "ntp", None)
        if ntp and (self.dhcp or ntp != "dhcp"):
            self._time(ntp)
        if getattr(cfg, "syslog", None):
            from uipy.host import Syslog

            self.syslog = self._add(
                Syslog(stack, cfg.syslog, name or "-", "uipy", clock=self.sntp, say=say)
            )

    def tell(self, line):
        """Something has changed."""
        self.say(line)
        if self.syslog:
            self.syslog.info(line)

    def servers(self):
        """The name servers: those of config.py, or the table of those that DHCP tells."""
        servers = listed(getattr(self.cfg, "dns", None))
        return servers or self.dhcp.dns if self.dhcp else servers

    @property
    def resolver(self):
        """A uipy.host.Resolver with the name servers of config.py, or those that DHCP tells."""
        if self._resolver is None:
            from uipy.host import Resolver

            servers = self.servers()
            domain = self.dhcp.domain if self.dhcp else None
            self._resolver = self._add(Resolver(self.stack, servers, domain, 2, 4, self.tell))
            if self.mdns:  # names in .local are asked for on the link
                from uipy.host import LocalResolver

                self._resolver.local = self._add(LocalResolver(self.mdns, rows=2))
        return self._resolver

    def _time(self, ntp):
        import clock
        from uipy.host import Sntp

        resolver = None
        if ntp == "dhcp":
            servers = self.dhcp.ntp
        else:
            servers = listed(ntp)
            if not all([name.replace(".", "").isdigit() for name in servers]):
                resolver = self.resolver
        self.sntp = self._add(Sntp(self.stack, servers, clock.set_rtc, self.tell, resolver))

    def _add(self, service):
        self.services.append(service)
        return service

    def _kept(self):
        try:
            with open(self.file, "rb") as f:
                return f.read(512)
        except (OSError, TypeError):  # never written; no file is wanted
            return None

    def _keep(self, lease):
        # A board without a file system goes on without its memory.
        try:
            with open(self.file, "wb") as f:
                f.write(lease)
        except OSError as exc:
            self.tell("the lease cannot be kept in %s: %s" % (self.file, exc))
            self.file = None


def wanted(cfg):
    """ "dhcp" or "auto": an address that nobody has typed, a server's or link-local; else None."""
    ip = str(getattr(cfg, "ip", None)).lower()
    return ip if ip in ("dhcp", "auto") else None


def listed(text):
    """'192.168.1.1, 192.168.1.2' as a list."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]
