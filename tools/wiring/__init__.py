"""The drawings and tables of boards/NAME, made from its pins.py: `make wiring`.

headers.py  the pins of the processors' boards and of the modules, in their real order
board.py    a board: its pins.py, what it is made of, its wires, and what is wrong with them
route.py    where the wires of a drawing run
draw.py     wiring.svg
make.py     writes each wiring.svg, and the table in each README.md
"""
