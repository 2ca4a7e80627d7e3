"""The pictures of grid.py."""

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

matplotlib.rcParams.update({"svg.hashsalt": "uipy", "font.size": 9})


def grid(results, limit, path):
    """Rate against segments in flight: a panel for each way and loss, a line for each round trip,
    the limits dotted."""
    panels = list(dict.fromkeys((cell.loss, cell.way) for cell in results))
    ways = sorted({way for _, way in panels}, reverse=True)
    losses = sorted({loss for loss, _ in panels})
    figure, axes = pyplot.subplots(
        len(losses), len(ways), figsize=(8, 6.4), layout="constrained", sharex=True, sharey=True
    )
    for i, loss in enumerate(losses):
        for j, way in enumerate(ways):
            some = {c: r for c, r in results.items() if (c.loss, c.way) == (loss, way)}
            _panel(axes[i][j], some, limit)
            axes[i][j].set_title("%s, %g %% loss" % (way, loss), fontsize="medium")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    for row in axes:
        row[0].set_ylabel("kB/s")
    for one in axes[-1]:
        one.set_xlabel("segments in flight (dotted: the limit)")
    _save(figure, path)


def _panel(axes, results, limit):
    for rtt in sorted({cell.rtt for cell in results}):
        cells = [cell for cell in results if cell.rtt == rtt]
        flights = [cell.flight for cell in cells]
        rates = [results[cell]["rate"] / 1000 for cell in cells]
        (line,) = axes.plot(flights, rates, "o-", markersize=4, label="round trip %g ms" % rtt)
        limits = [limit(cell) / 1000 for cell in cells]
        axes.plot(flights, limits, ":", color=line.get_color())
    axes.set(xscale="log", yscale="log")
    axes.set_xticks(flights, [str(n) for n in flights], minor=False)
    axes.minorticks_off()
    axes.grid(alpha=0.3)


def options(cells, path):
    """Bars: the rate with each set of options, in groups by way and loss."""
    groups = list(dict.fromkeys(key[:2] for key in cells))
    names = list(dict.fromkeys(key[2] for key in cells))
    figure, axes = pyplot.subplots(figsize=(8, 3.6), layout="constrained")
    colours = {name: "C%d" % i for i, name in enumerate(names)}
    at, ticks = 0, []
    for group in groups:
        keys = [key for key in cells if key[:2] == group]
        ticks.append(at + (len(keys) - 1) / 2)
        for key in keys:
            axes.bar(at, cells[key][1]["rate"] / 1000, color=colours[key[2]], label=key[2])
            at += 1
        at += 1
    axes.set_xticks(ticks, ["%s, %g %% loss" % group for group in groups])
    axes.set(ylabel="kB/s", title="16 segments in flight, 20 ms")
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    figure.legend(once.values(), once.keys(), loc="outside right upper")
    _save(figure, path)


def _save(figure, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
