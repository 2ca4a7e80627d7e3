"""Images for boards: MicroPython with the parts frozen in, or the parts alone, for ROMFS.

boards.py     what is known of a board: boards/NAME
manifest.py   what a board's manifest takes in
firmware.py   `make firmware`: MicroPython's own build, with a board of ours
flash.py      `make flash`: the image onto the board; uf2.py: for which processor it is
romfs.py      `make romfs`: the parts as a read-only file system, and onto the board
child.py      a command of somebody else's: its output in a file, its last words
"""
