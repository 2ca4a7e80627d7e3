"""Boards that run here: firmware/main.py under CPython or MicroPython, with a chip model or bare.

    board.py        the services, and more for tests; webparts.py is one of them
    ends.py         a board as an end of the wire: in this process, or in a MicroPython one, whose
                    script child.py is; frames.py: its device
    program.py      the process of a program on a board, which launch.py starts; hostside.py: what
                    CPython wants there
    arguments.py    of the two programs in the folder above
    run.py          `make run`: a board and its page on a port of ours; with app.py a file of the
                    user's; browser.py: the page in a browser (`make demo`)
    playground.py   where firmware/examples run, and other files of callbacks
    slipboard.py    a board whose network is a serial line
    serialboard.py  a board with a flash and a serial port, for mpremote and `make install`;
                    on_serial.py runs in it

../tapboard.py puts one of them on a Linux interface, ../runboard.py one that runs a program.
"""
