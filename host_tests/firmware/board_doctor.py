"""Runs under MicroPython: `import uipy.doctor` at the prompt of a board, over the pipe of
machine_pipe.py.

    micropython board_doctor.py NAME=VALUE ...          what config.py has otherwise
"""

import sys

import config


def main(settings):
    config.ntp = None
    config.dns = "192.168.7.1"
    for word in settings:
        name, _, value = word.partition("=")
        setattr(config, name, eval(value))
    import uipy.doctor

    print("bad: %d" % uipy.doctor.run())


main(sys.argv[1:])
