"""What a callback raises ends at the row that it was called for."""


def guarded(step, owner):
    """`step(owner)`; None when it raised. The owner is its own guard: it hears of the exception in
    its `__exit__`, and swallows it. (`with` needs a smaller frame than `except ... as`: what is on
    the hot path has 11 words.)"""
    with owner:
        return step(owner)
    return None
