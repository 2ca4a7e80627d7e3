"""How much flash and RAM a board gives to each part: sizes.py makes the tables."""
