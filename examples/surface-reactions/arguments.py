"""Arguments that the scripts of 0 K share: potentials side by side, faces, where results go."""

import argparse
import os

from report import add_out, make_out, shipped, short, split

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(HERE, "results")  # what the project keeps
DEFAULT = [f"ace={shipped('h2cu-ace.ftl')}", f"mace={shipped('h2cu.ftl')}"]


def several(description, faces, **more):
    """LABEL=FILE ..., --faces, --out, --record; `more` adds options: name=(default, help)."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("potentials", nargs="*", metavar="LABEL=FILE", help=f"default: {' '.join(map(short, DEFAULT))}")
    parser.add_argument("--faces", nargs="+", choices=("111", "100", "110"), default=faces, help=f"default: {' '.join(faces)}")
    add_out(parser, HERE)
    for name, (value, text) in more.items():
        parser.add_argument(f"--{name}", type=type(value), default=value, help=f"{text} (default: {value})")
    options = parser.parse_args()
    options.potentials = dict(split(parser, word) for word in options.potentials or DEFAULT)
    make_out(parser, options, HERE)
    return options
