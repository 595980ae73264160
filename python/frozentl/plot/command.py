"""What `frozentl plot` runs: draws the pictures that it asks for and hands them over on standard output.

    KIND SOURCE TITLE FORMAT [KIND SOURCE TITLE FORMAT ...]

Standard output: for every picture a line `picture SIZE` and its bytes; then a line `end`. What cannot be drawn is one line
`refuse WHERE<tab>MESSAGE` in place of all of that, and exit code 1. Exit code 90: this Python has no matplotlib.
"""

import sys
import warnings

NO_MATPLOTLIB = 90


def draw_all(arguments):
    """The bytes of every picture; all are drawn before the first is handed over."""
    from . import answers, curve, errors, history, parity, rounds, style

    kinds = {"history": history.draw, "parity": parity.draw, "errors": errors.draw, "report": errors.draw_report,
             "curve": curve.draw, "answers": answers.draw, "rounds": rounds.draw}  # fmt: skip
    return [style.render(kinds[kind](source, title), form) for kind, source, title, form in zip(*[iter(arguments)] * 4)]


def main(arguments=None):
    warnings.simplefilter("ignore")
    try:
        import matplotlib  # noqa: F401
        import numpy  # noqa: F401
    except ImportError:
        return NO_MATPLOTLIB
    from .table import Refused

    out = sys.stdout.buffer
    try:
        made = draw_all(sys.argv[1:] if arguments is None else arguments)
    except Refused as refused:
        words = f"refuse {refused.where}\t{refused.message}".replace("\n", " ")
        out.write(words.encode("utf-8", "surrogateescape") + b"\n")
        out.flush()
        return 1
    for content in made:
        out.write(b"picture %d\n" % len(content))
        out.write(content)
    out.write(b"end\n")
    out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
