"""`make install`, and what mip installs: uipy on a board that runs MicroPython already.

install.py      `make install`: the arguments, and what is said
ports.py        which serial port the board is on
board.py        the conversation with a board at its serial port (mpremote)
content.py      what goes where on a board, compiled for its machine
keep.py         which files of the board are the user's, and stay
costs.py        the RAM that it takes, from docs/sizes.md
packages.py     the package.json files for mip: the sources
index.py        `make mip`: an index for mip, with .mpy files
"""
