"""How every picture of FrozenTL looks: widths, fonts, colours, axes, and how it is saved."""

import io
import math
import os
import tempfile
import unicodedata

import matplotlib

matplotlib.use("Agg")
from matplotlib import colors, lines, patches, ticker  # noqa: E402, F401
from matplotlib.figure import Figure  # noqa: E402

SINGLE, DOUBLE = 8.6, 17.8  # cm: one column of a page and two
FORMATS = ("svg", "pdf", "png")
SMALL = 6.5  # points: what stands in a frame

# Okabe and Ito's colours, which people tell apart whatever they see of red and green; their yellow is too light for lines.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
GREY, LIGHT, INK = "#767676", "#E4E4E4", "#222222"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")

RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib
    "font.size": 7.5,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": LIGHT,
    "grid.linewidth": 0.5,
    "text.color": INK,
    "text.parse_math": False,  # a $ in a name is a $; powers are Unicode's
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "errorbar.capsize": 1.8,
    "figure.dpi": 300,
    "savefig.dpi": 300,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "frozentl",  # the same picture from the same numbers
    "pdf.fonttype": 42,
}
matplotlib.rcdefaults()  # whatever a matplotlibrc says
matplotlib.rcParams.update(RC)


def figure(rows=1, columns=1, width=DOUBLE, height=6.0, **how):
    """A figure of that size in cm and its frames, always as a table of rows; `how` as for matplotlib's subplots."""
    made = Figure(figsize=(width / 2.54, height / 2.54), layout="constrained")
    return made, made.subplots(rows, columns, squeeze=False, **how)


def letters(axes):
    """(a), (b), ... in front of the titles of the frames, if there are several."""
    axes = list(axes)
    for k, frame in enumerate(axes):
        title = frame.get_title(loc="left")
        if len(axes) > 1:
            title = f"({chr(ord('a') + k % 26)}) {title}"
        frame.set_title(title, loc="left", fontweight="bold")


def colour(k):
    return COLOURS[k % len(COLOURS)]


def marker(k):
    return MARKERS[k % len(MARKERS)]


def lighter(colour, part):
    """A colour mixed with so much white."""
    return matplotlib.colors.to_hex([c + part * (1 - c) for c in matplotlib.colors.to_rgb(colour)])


def clean(words, longest=60):
    """A name as a picture can show it: without control characters, and not too long."""
    words = "".join("\ufffd" if unicodedata.category(c)[0] == "C" else c for c in words)
    return words if len(words) <= longest else words[: longest - 1] + "\u2026"


def digits(value, n=3):
    """A number with n significant digits, without a power of ten where it can be read without one."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    power = math.floor(math.log10(abs(float(f"{value:.{n - 1}e}"))))
    if -4 <= power < 6:
        return f"{value:.{max(0, n - 1 - power)}f}".replace("-", "\u2212")
    return f"{value / 10.0**power:.{n - 1}f}\u00d710{raised(power)}".replace("-", "\u2212")


def raised(power):
    """An exponent in Unicode's small digits."""
    return str(power).translate(str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"))


def _tick(value, _=None):
    if value <= 0:
        return ""
    power = math.floor(math.log10(value) + 1e-9)
    if -4 <= power < 5:
        return f"{value:.6g}"
    first = round(value / 10.0**power)
    return ("" if first == 1 else f"{first}\u00d7") + f"10{raised(power)}"


def logarithmic(axis, values):
    """A logarithmic scale with room for the values above zero; more ticks where it spans little."""
    values = [min(max(float(v), 1e-100), 1e100) for v in values if math.isfinite(v) and v > 0] or [1.0]
    low, high = min(values), max(values)
    room = (high / low) ** 0.07 * 1.08
    low, high = low / room, high * room
    decades = math.log10(high / low)
    subs = (1,) if decades > 2.5 else (1, 2, 5) if decades > 0.7 else (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)
    frame, name = axis.axes, axis.axis_name
    getattr(frame, f"set_{name}scale")("log")
    getattr(frame, f"set_{name}lim")(low, high)
    few = ticker.MaxNLocator(4) if decades < 0.35 else ticker.LogLocator(base=10, subs=subs, numticks=12)
    axis.set_major_locator(few)
    axis.set_major_formatter(ticker.FuncFormatter(_tick))
    axis.set_minor_formatter(ticker.NullFormatter())


def note(frame, words):
    """Words in the middle of a frame that has nothing to show."""
    frame.text(0.5, 0.5, words, transform=frame.transAxes, ha="center", va="center", color=GREY)


def ending(path):
    """svg, pdf or png, by the name's ending; None for another."""
    ending = os.path.splitext(path)[1][1:].lower()
    return ending if ending in FORMATS else None


def render(made, form="svg"):
    """The picture's bytes; the same for the same numbers."""
    stream = io.BytesIO()
    when = {"svg": {"Date": None}, "pdf": {"CreationDate": None, "ModDate": None}, "png": {"Software": None}}
    # what is an image inside of an SVG or PDF (many dots) may be coarser than a PNG, which has letters too
    made.savefig(stream, format=form, metadata=when[form], dpi=300 if form == "png" else 200)
    content = stream.getvalue()
    if form == "svg":  # matplotlib ends some lines with a space
        content = b"\n".join(line.rstrip() for line in content.split(b"\n"))
    return content


def save(made, path):
    """The file, by its ending, whole or not at all; one without an ending that says so becomes an SVG."""
    content = render(made, ending(path) or "svg")
    handle, part = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)))
    with os.fdopen(handle, "wb") as f:
        f.write(content)
    os.chmod(part, 0o644)
    os.replace(part, path)
