"""The law of the wire: what a host sends, judged by what it was sent. Nothing of lib/uipy is here.

    segment.py      takes TCP segments apart, strictly, and makes them
    tcpbooks.py     what a host knows and has promised on one connection
    tcpcheck.py     the law

Used by wire/netsim.py, by proof/simtalk.py and by the fuzz of host_tests.
"""
