"""What i-PI asks for energies and forces: ASE's socket client around a potential. As many of these as there are cores share the beads.

    python driver.py POTENTIAL START.xyz ADDRESS [precision=mixed]"""

import sys

from ase.calculators.socketio import SocketClient
from ase.io import read

from frozentl.calculator import FrozenTL

potential, start, address = sys.argv[1:4]
options = dict(word.split("=") for word in sys.argv[4:])
atoms = read(start)
atoms.calc = FrozenTL(potential, threads=1, **options)
SocketClient(unixsocket=address).run(atoms, use_stress=False)
