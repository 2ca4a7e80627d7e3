"""Where the wires of a drawing run: from a pin to the right, down or up a lane of its own, and to
the right again. Lanes are chosen so that few wires cross."""

from typing import NamedTuple

GAP = 15  # between lanes


class Path(NamedTuple):
    """What a wire must do: leave (x, y) by way of `before`, and arrive at the end of `after`;
    its lane goes from `high` to `low`."""

    net: str
    before: list
    after: list

    @property
    def high(self):
        return self.before[-1][1]

    @property
    def low(self):
        return self.after[0][1]


def lanes(paths, first):
    """{net: x}. The lanes begin at x = `first`. Crossings go down by swaps of two lanes until no
    swap helps."""
    order = sorted(paths, key=lambda p: (p.low > p.high, -p.high if p.low > p.high else p.high))
    best = _crossings(order)
    better = True
    while better:
        better = False
        for i in range(len(order)):
            for j in range(i):
                other = list(order)
                other[i], other[j] = other[j], other[i]
                n = _crossings(other)
                if n < best:
                    order, best, better = other, n, True
    return {path.net: first + GAP * k for k, path in enumerate(order)}


def _crossings(order):
    """How many pairs cross, the leftmost lane first."""
    n = 0
    for k, left in enumerate(order):
        for right in order[k + 1 :]:
            a, b = sorted((left.high, left.low))
            n += a < right.high < b  # on its way to its lane it crosses the left one's
            a, b = sorted((right.high, right.low))
            n += a < left.low < b
    return n


def cost(paths):
    """How bad the best lanes are: crossings, and much more for wires that lie on one another."""
    x = lanes(paths, 0)
    order = sorted(paths, key=lambda path: x[path.net])
    lie = sum(
        abs(left.low - right.high) < 9 and left is not right
        for k, left in enumerate(order)
        for right in order[k:]
    )
    straight = sum(path.low == path.high for path in paths)
    return _crossings(order) + 10 * lie - straight


def points(path, x):
    """The corners of the wire with its lane at x."""
    return [*path.before, (x, path.high), (x, path.low), *path.after]


def rounded(corners, r=7):
    """The corners as the `d` of an SVG path, rounded."""
    corners = [c for k, c in enumerate(corners) if k == 0 or c != corners[k - 1]]
    d = "M%g %g" % corners[0]
    for (ax, ay), (bx, by), (cx, cy) in zip(corners, corners[1:], corners[2:], strict=False):
        one, two = abs(bx - ax) + abs(by - ay), abs(cx - bx) + abs(cy - by)
        q = min(r, one / 2, two / 2)
        d += "L%g %g" % (bx - q * _sign(bx - ax), by - q * _sign(by - ay))
        d += "Q%g %g %g %g" % (bx, by, bx + q * _sign(cx - bx), by + q * _sign(cy - by))
    return d + "L%g %g" % corners[-1]


def _sign(x):
    return (x > 0) - (x < 0)
