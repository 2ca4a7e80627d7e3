"""The CPython side of a board in another process: from its SPI and pins to the chip model.

The protocol is described in tools/shims/machine_pipe.py. Made for a loop with `selectors`, in
the thread that also moves the frames between the model and the network:

    link = BoardLink(wiring) process = subprocess.Popen([...], env={**os.environ, **link.env()},
    pass_fds=link.fds()) link.started() selector.register(link, EVENT_READ)      # readable:
    link.step(), False when the board has gone ... after chip.wire_in(frame): link.push() ... at
    chip.next_at() (nanoseconds of the model's clock; None: nothing due): chip.poll(); link.push()

Run the model with `clock=chips.clock.real` and `strict=False`: behind a pipe the times between
transfers mean nothing.
"""

import socket

_NEED = {1: 3, 2: 2, 3: 3, 4: 4, 5: 3, 6: 5, 7: 2}  # octets of each message, without its data


class BoardLink:
    """Both ends of the two pipes until the board has started, then the parent's ends."""

    def __init__(self, wiring):
        self.wiring = wiring
        self.spi, self._board_spi = socket.socketpair()
        self.ints, self._board_ints = socket.socketpair()
        self.ints.setblocking(False)
        self.watched = {}  # pin: level last told
        self._in = bytearray()
        self._answers = bytearray()
        self.rounds = 0  # batches served

    def env(self):
        return {
            "UIPY_SPI_FD": str(self._board_spi.fileno()),
            "UIPY_INT_FD": str(self._board_ints.fileno()),
        }

    def fds(self):
        return (self._board_spi.fileno(), self._board_ints.fileno())

    def started(self):
        """The board has its ends now: closes our copies, so that its death is seen."""
        self._board_spi.close()
        self._board_ints.close()

    def fileno(self):
        return self.spi.fileno()

    def close(self):
        for s in (self.spi, self.ints, self._board_spi, self._board_ints):
            s.close()

    def step(self):
        """Serves what has come in; blocks when nothing has. -> False when the board has gone."""
        try:
            data = self.spi.recv(65536)
            if not data:
                return False
            self._in += data
            if self._broken_off():
                self._start_again()
            self._serve()
            self.push()
            if self._answers:
                self.rounds += 1
                self.spi.sendall(self._answers)
                self._answers.clear()
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def _broken_off(self):
        """Ctrl-C has come into the middle of a message; all of that has been sent."""
        try:
            return bool(self.ints.recv(1))
        except BlockingIOError:
            return False

    def _start_again(self):
        try:
            while self.spi.recv(65536, socket.MSG_DONTWAIT):
                pass
        except BlockingIOError:
            pass
        self._in.clear()
        self.wiring.pin_out(self.wiring.cs, 1)
        self.ints.setblocking(True)
        self.ints.sendall(b"\xff\xff")
        self.ints.setblocking(False)
        self.watched = dict.fromkeys(self.watched)

    def push(self):
        """Tells the board the levels that changed."""
        for n, told in self.watched.items():
            level = self.wiring.pin_in(n)
            if level == told:
                continue
            try:
                self.ints.send(bytes((n, level)))
                self.watched[n] = level
            except BlockingIOError:
                pass  # the board does not look; it is told later
            except (BrokenPipeError, ConnectionResetError):
                return

    def _serve(self):
        data, at = self._in, 0
        while at < len(data):
            need = _NEED[data[at]]
            if len(data) - at < need:
                break
            size = data[at + 1] | data[at + 2] << 8 if data[at] in (3, 5) else 0
            if len(data) - at < need + size:
                break
            self._message(data[at : at + need], bytes(data[at + need : at + need + size]))
            at += need + size
        del data[:at]

    def _message(self, head, body):
        kind, wiring = head[0], self.wiring
        if kind == 1:
            wiring.pin_out(head[1], head[2])
        elif kind == 2:
            self._answers.append(wiring.pin_in(head[1]))
        elif kind == 3:
            wiring.transfer(body)
        elif kind == 4:
            self._answers += wiring.transfer(bytes((head[3],)) * (head[1] | head[2] << 8))
        elif kind == 5:
            self._answers += wiring.transfer(body)
        elif kind == 6:
            wiring.set_hz(int.from_bytes(head[1:5], "little"))
        elif kind == 7:
            self.watched[head[1]] = None
