"""Arguments that the scripts of 0 K share: potentials side by side, faces, where results go."""

import argparse
import os

from report import shipped, short, split

RESULTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "results")
DEFAULT = [f"ace={shipped('h2cu-ace.ftl')}", f"mace={shipped('h2cu.ftl')}"]


def several(description, faces, **more):
    """LABEL=FILE ..., --faces, --out; `more` adds options: name=(default, help)."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("potentials", nargs="*", metavar="LABEL=FILE", help=f"default: {' '.join(map(short, DEFAULT))}")
    parser.add_argument("--faces", nargs="+", choices=("111", "100", "110"), default=faces, help=f"default: {' '.join(faces)}")
    parser.add_argument("--out", metavar="FOLDER", default=RESULTS, help="default: results/, beside the scripts")
    for name, (value, text) in more.items():
        parser.add_argument(f"--{name}", type=type(value), default=value, help=f"{text} (default: {value})")
    options = parser.parse_args()
    options.potentials = dict(split(parser, word) for word in options.potentials or DEFAULT)
    os.makedirs(options.out, exist_ok=True)
    return options
