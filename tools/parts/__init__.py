"""From source files to what a board gets: one module a part (join.py), compiled (cross.py)."""
