"""What people point at a web server: a load generator, and the judge of Prometheus' metrics."""

import pytest
from wire.lan import need

# 30 s at the most for one request, which is also when `hey` gives up one of its own.
PATIENCE = "30"
KINDS = ("cpython", "micropython-enc28j60")


def answered(csv):
    """(status, seconds) for each line of `hey -o csv`."""
    head, *rows = [line.split(",") for line in csv.splitlines() if line]
    status, took = head.index("status-code"), head.index("response-time")
    return [(int(row[status]), float(row[took])) for row in rows]


@pytest.mark.parametrize("kind", KINDS)
def test_fifty_clients_of_a_board_with_four_rows_are_all_answered(lan, start, kind):
    start(kind, tcp=4)
    url = "http://%s/status.json" % lan.board_ip
    done = lan.run(
        need("hey"), "-c", "50", "-n", "200", "-t", PATIENCE, "-o", "csv", url, timeout=400
    )
    answers = answered(done.stdout)
    assert [status for status, _ in answers] == [200] * 200


@pytest.mark.parametrize("kind", KINDS)
def test_promtool_finds_nothing_to_say_of_the_metrics(lan, start, kind):
    start(kind)
    url = "http://%s/metrics" % lan.board_ip
    text = lan.run(need("curl"), "-s", "-m", "30", url).stdout
    done = lan.run(need("promtool"), "check", "metrics", input=text, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
