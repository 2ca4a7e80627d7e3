"""What a callback raises ends at the row that it was called for."""


def guarded(step, owner):
    """`step(owner)`; what it raises is the owner's: owner.failed(exc) gives the result then.

    KeyboardInterrupt and its like pass. `step` is used again for the exception: the frame of this
    function has 11 words, one more would come from the heap.
    """
    try:
        return step(owner)
    except Exception as step:  # type: ignore[misc]
        return owner.failed(step)
