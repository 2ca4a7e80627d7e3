"""What a packet costs in each part.

count.py    `make size ARGS=--packets`: instructions of each exchange, and the table of
            docs/sizes.md
run.py      has the exchanges, under MicroPython
base.py     what an exchange is
host.py     those of the parts in host/ and net/
web.py      those of the parts in web/, and the yardsticks
"""
