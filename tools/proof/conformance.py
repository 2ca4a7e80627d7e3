"""Which clause of which RFC is proved by which test: makes docs/CONFORMANCE.md, and says when it
is not true.

    python tools/proof/conformance.py               write it from the results of the last runs
                                                    (build/conformance.json)
    python tools/proof/conformance.py --run         run the tests that bear the marker `rfc`, then
                                                    write it
    python tools/proof/conformance.py --check       1 if a row has neither a passing test nor a
                                                    reason, or the file is stale
    python tools/proof/conformance.py --extract ../shared/rfc/rfc9293.txt
                                                    make host_tests/rfc/9293.tsv again from the
                                                    RFC; fails when Appendix B has another number
                                                    of rows than 75 MUST, 32 SHOULD, 18 MAY and
                                                    1 REC
    python tools/proof/conformance.py --texts DIR   compare every table with the RFCs in DIR (also
                                                    done by the others when ../shared/rfc is
                                                    there): rows, and that each quote is one

A row that is deliberately not met stands in docs/deviations.tsv with its reason, and stays in the
table.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools")]

import readme  # noqa: E402

from proof import rfc_rows  # noqa: E402
from proof.conformance_plugin import kept, library_digest  # noqa: E402
from proof.rfc_rows import BadTable  # noqa: E402

DOC = ROOT / "docs" / "CONFORMANCE.md"
DEVIATIONS = ROOT / "docs" / "deviations.tsv"
TEXTS = ROOT.parent / "shared" / "rfc"
TITLES = {
    "9293": "Transmission Control Protocol: Appendix B",
    "826": "Address Resolution Protocol",
    "1035": "Domain Names: the resolver's parts",
    "1112": "Host Extensions for IP Multicasting",
    "1122": "Requirements for Internet Hosts: the IP, ICMP and ARP parts that apply",
    "1337": "TIME-WAIT Assassination Hazards",
    "2018": "Selective Acknowledgment",
    "2131": "Dynamic Host Configuration Protocol: the client's parts",
    "2236": "Internet Group Management Protocol, Version 2: the host's parts",
    "3168": "Explicit Congestion Notification: the endpoint's parts",
    "3360": "Inappropriate TCP Resets",
    "3442": "Classless Static Route Option for DHCP",
    "3927": "Dynamic Configuration of IPv4 Link-Local Addresses",
    "4987": "SYN flooding",
    "5227": "IPv4 Address Conflict Detection",
    "5424": "The Syslog Protocol: the originator's parts",
    "5461": "TCP's Reaction to Soft Errors",
    "5681": "Congestion Control",
    "5905": "Network Time Protocol Version 4: the SNTP client's parts",
    "5927": "ICMP Attacks against TCP",
    "5961": "Robustness to Blind In-Window Attacks",
    "6093": "Urgent Mechanism",
    "6298": "Retransmission Timer",
    "6455": "The WebSocket Protocol: the server's parts",
    "6528": "Initial Sequence Numbers",
    "6582": "NewReno",
    "6675": "Loss Recovery Based on SACK",
    "6762": "Multicast DNS",
    "6763": "DNS-Based Service Discovery",
    "6842": "Client Identifier Option in DHCP Server Replies",
    "7323": "Timestamps, PAWS and window scaling",
    "7766": "DNS Transport over TCP: the client's parts",
}
HEAD = """# What is proved

Made by `make conformance` (tools/proof/conformance.py) from the requirement tables in
host_tests/rfc/, the markers on the tests, their results and docs/deviations.tsv; do not edit. Each
test is a claim on a virtual clock, judged by the frames on the wire. `make mutate` disables, one
at a time, each line of the library that cites a MUST row (`# MUST-n`) and demands that a test of
that row fails.

"""


def results():
    """{row: [(test, result)]} of the runs whose sources are today's; other results do not
    count."""
    lib, rows = library_digest(), {}
    found = [item for item in kept().items() if item[1]["lib"] == lib]
    if not found:
        raise BadTable("no test has run with these sources: run `make conformance`")
    for name, test in found:
        for row in test["rows"]:
            rows.setdefault(row, []).append((name, test["result"]))
    return rows


def deviations():
    """{row: (kind, reason)}; kind is `not met`, `not applicable`, `optional, left out` or `the
    application's`.
    """
    out = {}
    for line in DEVIATIONS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            row, kind, reason = line.split("\t")
            out[row] = (kind, reason)
    return out


class Report:
    """The table: every row with its tests and what became of them."""

    def __init__(self, tables, proofs, reasons):
        self.tables, self.proofs, self.reasons = tables, proofs, reasons
        self.faults = []
        known = {row.key for rows in tables.values() for row in rows}
        for row in sorted(set(reasons) - known):
            self.faults.append("docs/deviations.tsv: no requirement is called %s" % row)

    def verdict(self, row):
        """One of: proven, FAILING, not met, not applicable, ..., or OPEN."""
        tests = self.proofs.get(row.key, [])
        if any(result == "failed" for _, result in tests):
            return "FAILING"
        if row.key in self.reasons:
            return self.reasons[row.key][0]
        return "proven" if any(result == "passed" for _, result in tests) else "OPEN"

    def body(self):
        """Every section of the document."""
        parts = [self.summary()]
        for rfc, rows in self.tables.items():
            parts.append("## RFC %s: %s\n" % (rfc, TITLES[rfc]))
            parts.append("| Row | Level | Section | Requirement | Result | Tests |")
            parts.append("|---|---|---|---|---|---|")
            parts.extend(self.line(row) for row in rows)
            parts.append("")
        return HEAD + "\n".join(parts)

    def line(self, row):
        verdict = self.verdict(row)
        if verdict in ("OPEN", "FAILING"):
            self.faults.append(
                "%s (%s): %s: %s" % (row.key, row.level, verdict, row.feature or row.text)
            )
        tests = ", ".join(link(name) for name, _ in sorted(self.proofs.get(row.key, [])))
        if row.key in self.reasons:
            tests = self.reasons[row.key][1] + (" " + tests if tests else "")
        words = (row.feature or row.text).replace("|", "\\|")
        return "| %s |" % " | ".join((row.id, row.level, row.section, words, verdict, tests))

    def summary(self):
        lines = ["| RFC | MUST | proven | with a reason | SHOULD, MAY | proven | with a reason |"]
        lines.append("|---|---|---|---|---|---|---|")
        for rfc, rows in self.tables.items():
            cells = []
            for must in (True, False):
                verdicts = [self.verdict(row) for row in rows if row.must == must]
                proven = verdicts.count("proven")
                left = proven + verdicts.count("OPEN") + verdicts.count("FAILING")
                cells += [len(verdicts), proven, len(verdicts) - left]
            lines.append("| %s | %d | %d | %d | %d | %d | %d |" % (rfc, *cells))
        return "\n".join(lines) + "\n"


def link(name):
    """A test's name as a link to its file."""
    path, test = name.split("::", 1)
    return "[%s](../%s)" % (test.removeprefix("test_").replace("_", " "), path)


def compare(folder, tables):
    """Complaints about tables that do not agree with the RFCs' texts."""
    out = []
    for rfc, rows in tables.items():
        path = folder / ("rfc%s.txt" % rfc)
        if not path.exists():
            print("conformance: no %s: its quotes are not compared" % path, file=sys.stderr)
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if rfc == "9293":
            if [row.line() for row in rfc_rows.extract(text)] != [row.line() for row in rows]:
                out.append("host_tests/rfc/9293.tsv is not what --extract makes of the RFC")
        else:
            out += [
                "%s: these words are not in the RFC: %s" % (r.key, r.text)
                for r in rfc_rows.misquoted(rows, text)
            ]
    return out


def run_tests():
    """Run every marked test; the plugin writes the results."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "rfc", "host_tests"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def main(argv=None):
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--run", action="store_true", help="run the marked tests first")
    p.add_argument(
        "--check", action="store_true", help="write nothing; fail when something is open or stale"
    )
    p.add_argument("--extract", metavar="RFC9293.TXT", type=Path)
    p.add_argument("--texts", metavar="DIR", type=Path, default=TEXTS)
    a = p.parse_args(argv)
    try:
        return extract(a.extract) if a.extract else report(a)
    except BadTable as e:
        print("conformance: %s" % e, file=sys.stderr)
        return 1


def extract(path):
    rows = rfc_rows.extract(path.read_text(encoding="utf-8"))
    lines = ["id\tlevel\tsection\tfeature\ttext"] + [row.line() for row in rows]
    (rfc_rows.TABLES / "9293.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("host_tests/rfc/9293.tsv: %d rows" % len(rows))
    return 0


def report(a):
    tables = rfc_rows.load()
    rfc_rows.count([[row.id] for row in tables["9293"]])
    if a.run:
        run_tests()
    made = Report(tables, results(), deviations())
    body = made.body()
    faults = made.faults + (compare(a.texts, tables) if a.texts.is_dir() else [])
    if a.check:
        if not DOC.exists() or DOC.read_text(encoding="utf-8") != body:
            faults.append("docs/CONFORMANCE.md is stale: run `make conformance`")
    else:
        DOC.write_text(body, encoding="utf-8")
        readme.rewritten(DOC)
        print(made.summary())
    for fault in faults:
        print("conformance: " + fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
