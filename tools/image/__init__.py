"""Images for boards: MicroPython with the parts frozen in, or the parts alone, for ROMFS.

boards.py     what is known of a board: boards/NAME
manifest.py   what a board's manifest takes in
"""
