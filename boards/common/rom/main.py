# Frozen where the parts are not: runs main.py of /rom, which `make romfs` fills.
import sys

sys.path.insert(0, "/rom")  # before this file, which has the same name
try:
    import main
except ImportError as exc:
    main = None
    print("no parts in /rom, or not all of them (%s): make romfs BOARD=... PORT=..." % exc)
sys.path.pop(0)
if main:
    main.main()
