"""The generator of docs/CONFORMANCE.md and the maker of mutants: that they notice what they are
for."""

import ast
from types import SimpleNamespace

import pytest
from proof import conformance, conformance_plugin, mutate, rfc_rows

TABLE = """
3.1.  Header

   The window MUST be
   unsigned (MUST-1).  A sender MAY wait (MAY-2), or a long-
   winded one SHOULD (SHLD-3).

Appendix B.  Summary

    |     Feature     |  ReqID  | MUST | SHOULD | MAY | SHOULD | MUST |
    |                 |         |      |        |     |  NOT   | NOT  |
    +=================+=========+======+========+=====+========+======+
    | Treat as        | MUST-1  |  X   |        |     |        |      |
    | unsigned        |         |      |        |     |        |      |
    +-----------------+---------+------+--------+-----+--------+------+
    | *  Wait         | MAY-2   |      |        |  X  |        |      |
    +-----------------+---------+------+--------+-----+--------+------+
    | Long-           | SHLD-3  |      |   X    |     |        |      |
    | winded          |         |      |        |     |        |      |
    +-----------------+---------+------+--------+-----+--------+------+
    | Long too        | SHLD-3  |      |        |     |   X    |      |
    +-----------------+---------+------+--------+-----+--------+------+
"""


def test_rows_are_read_with_their_sentences(monkeypatch):
    monkeypatch.setattr(rfc_rows, "COUNTS", {"MUST": 1, "MAY": 1, "SHLD": 2})
    rows = rfc_rows.extract(TABLE)
    assert [(r.id, r.level, r.section, r.feature) for r in rows] == [
        ("MUST-1", "MUST", "3.1", "Treat as unsigned"),
        ("MAY-2", "MAY", "3.1", "Wait"),
        ("SHLD-3a", "SHOULD", "3.1", "Long-winded"),
        ("SHLD-3b", "SHOULD NOT", "3.1", "Long too"),
    ]
    assert rows[0].text == "The window MUST be unsigned (MUST-1)."


def test_another_number_of_rows_is_refused():
    with pytest.raises(rfc_rows.BadTable, match="not"):
        rfc_rows.extract(TABLE)


def test_the_committed_table_has_the_numbers_of_appendix_b():
    rfc_rows.count([[row.id] for row in rfc_rows.load()["9293"]])
    with pytest.raises(rfc_rows.BadTable):
        rfc_rows.count([[row.id] for row in rfc_rows.load()["9293"]][1:])


def test_a_quote_that_is_none_is_found():
    row = rfc_rows.Row("1", "1-1", "MUST", "3.1", "", "A sender MAY wait ... winded one SHOULD")
    wrong = rfc_rows.Row("1", "1-2", "MUST", "3.1", "", "A sender MUST wait")
    assert rfc_rows.misquoted([row, wrong], TABLE) == [wrong]


def report(proofs, reasons):
    rows = [
        rfc_rows.Row("9293", "MUST-1", "MUST", "3.1", "One", ""),
        rfc_rows.Row("9293", "MUST-2", "MUST", "3.1", "Two", ""),
    ]
    made = conformance.Report({"9293": rows}, proofs, reasons)
    made.body()
    return [made.verdict(row) for row in rows], made.faults


def test_a_row_needs_a_passing_test_or_a_reason():
    passed = {"9293 MUST-1": [("t.py::test_one", "passed")]}
    assert report(passed, {"9293 MUST-2": ("not met", "because")}) == (["proven", "not met"], [])
    verdicts, faults = report(passed, {})
    assert verdicts == ["proven", "OPEN"] and len(faults) == 1


def test_a_failing_or_skipped_test_proves_nothing():
    for result, verdict in (("failed", "FAILING"), ("skipped", "OPEN")):
        both = {"9293 MUST-%d" % k: [("t.py::test", result)] for k in (1, 2)}
        verdicts, faults = report(both, {})
        assert verdicts == [verdict] * 2 and len(faults) == 2


def test_a_reason_for_no_row_is_a_fault():
    _, faults = report({}, {"9293 MUST-3": ("not met", "because")})
    assert any("MUST-3" in fault for fault in faults)


def test_a_marker_with_an_unknown_row_is_an_error():
    item = SimpleNamespace(
        nodeid="t.py::test", iter_markers=lambda name: [SimpleNamespace(args=("9293 MUST-70",))]
    )
    with pytest.raises(pytest.UsageError, match="MUST-70"):
        conformance_plugin.pytest_collection_modifyitems(None, [item])


CODE = '''
LIMIT = const(100)  # MUST-1


def f(a):  # MUST-2
    """Words about # MUST-3 in a docstring are none."""
    if a and (  # MUST-4
        a > 3
    ):
        a = g(a)
    # MUST-5
    h(a)
    return a > 1 and a < 9  # MUST-6, MUST-7
'''


@pytest.fixture
def found(tmp_path, monkeypatch):
    (tmp_path / "code.py").write_text(CODE)
    monkeypatch.setattr(mutate, "ROOT", tmp_path)
    return mutate.sites(tmp_path)


def test_citations_are_about_their_statement(found):
    assert [(s.rows, type(s.node)) for s in found] == [
        (["MUST-1"], ast.Assign),
        (["MUST-2"], ast.FunctionDef),
        (["MUST-4"], ast.If),
        (["MUST-5"], ast.Expr),
        (["MUST-6", "MUST-7"], ast.Return),
    ]


def test_mutants_disable_the_statement(found):
    def gained(site):
        old = CODE.splitlines()
        return [
            [line.strip() for line in text.splitlines() if line.strip() and line not in old]
            for text in site.mutants()
        ]

    assert [gained(site) for site in found] == [
        [["LIMIT = const((100) * 8 + 1)  # MUST-1"], ["LIMIT = const((100) // 8)  # MUST-1"]],
        [["return 0"]],
        [["if False:"], ["if True:"]],
        [["pass"]],
        [["return 0  # MUST-6, MUST-7"], ["return 1  # MUST-6, MUST-7"]],
    ]
