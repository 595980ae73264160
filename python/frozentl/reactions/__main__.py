"""`python -m frozentl.reactions barrier ...` or `sticking ...`."""

import sys

from . import main_barrier, main_sticking

commands = {"barrier": main_barrier, "sticking": main_sticking}
if len(sys.argv) < 2 or sys.argv[1] not in commands:
    sys.exit("usage: python -m frozentl.reactions {barrier,sticking} ...; --help after one of them")
sys.exit(commands[sys.argv[1]](sys.argv[2:]))
