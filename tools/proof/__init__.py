"""Programs that try to prove the stack wrong, and the books about what is proved.

    hotpath.py      no heap on the hot path
    coldpath.py     no heap where the board closes first, nor where something goes wrong
    ippaths.py      nor for fragments, multicast groups and redirects
    heap.py         how much heap a call takes; conn.py, the least connection
    replay.py       no heap for any frame that the suite ever gave to a stack
    vectors.py      what the kernels are asked; oracle.py knows the answers
    steps.py        what the kernels of a packet are asked; stepsoracle.py knows some answers
    checked.py      kernels for the host tests that complain of each overrun
    literals.py     no machine code that goes wrong when it is frozen
    faultmatrix.py  every fault in every SPI transaction of a frame
    soak.py         days of a board's life, with faults at random moments
    simtalk.py      one conversation over a bad network, judged
    conformance.py  which test proves which clause of which RFC (rfc_rows.py reads the tables,
                    conformance_plugin.py notes what each marked test did)
    mutate.py       whether the test of a requirement fails without the line that fulfils it
    mutants.py      whether any test of its folder fails when a line is changed; trial.py tries
                    many of these changes in forks of one process

vectors.py, hotpath.py, coldpath.py, ippaths.py, heap.py and replay.py run under MicroPython; tests
of the suite start them.
"""
