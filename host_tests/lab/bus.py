"""A bus with more than one user."""


class Elsewhere:
    """A bus that someone else holds while `taken` is true."""

    taken = False

    def acquire(self):
        return not self.taken

    def release(self):
        pass
