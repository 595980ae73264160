"""Low-index surfaces of an fcc metal, their sites, and a molecule above one."""

import numpy as np

from common import Session, Structure

HEIGHT = 28.0  # Angstrom: of the cell, as in data/h2cu
BELOW = 2.0  # Angstrom under the lowest layer
FAR = 7.0  # Angstrom above the surface: no neighbour within 5 there, from neither side
LAYERS, HELD, SIZE = 6, 2, 3  # held at the bottom; SIZE x SIZE atoms a layer


class Geometry:
    """A (1x1) cell in the plane, the distance between layers, and how each is shifted against the one below (in the cell);
    for H2 over a bridge: where the bond's centre is, from an atom of the top layer, and its direction (both in the cell)."""

    def __init__(self, cell, spacing, shift, bridge, direction):
        self.cell, self.spacing, self.shift, self.bridge = np.array(cell, float), spacing, np.array(shift), bridge
        self.direction = direction


def geometry(face, a):
    d = a / np.sqrt(2)
    if face == "111":
        return Geometry([(d, 0), (d / 2, d * np.sqrt(3) / 2)], a / np.sqrt(3), (1 / 3, 1 / 3), (1 / 2, 0), (-1 / 2, 1))
    if face == "100":
        return Geometry([(d, 0), (0, d)], a / 2, (1 / 2, 1 / 2), (1 / 2, 0), (0, 1))
    if face == "110":  # close-packed rows along y, the bridge in them
        return Geometry([(a, 0), (0, d)], d / 2, (1 / 2, 1 / 2), (0, 1 / 2), (1, 0))
    raise ValueError(face)


class Slab:
    """A clean surface relaxed with one potential: the structure, `top` (height of its uppermost layer), `energy`."""

    def __init__(self, potential, face, a):
        self.name, self.geometry = f"Cu({face})", geometry(face, a)
        g = self.geometry
        grid = np.array([(i, j) for i in range(SIZE) for j in range(SIZE)], float)
        plane = np.concatenate([((grid + k * g.shift) % SIZE) @ g.cell for k in range(LAYERS)])
        height = np.repeat(BELOW + g.spacing * np.arange(LAYERS), SIZE**2)
        cell = np.zeros((3, 3))
        cell[:2, :2], cell[2, 2] = SIZE * g.cell, HEIGHT
        self.clean = Structure(["Cu"] * len(plane), np.column_stack([plane, height]), cell)
        self.held = list(range(HELD * SIZE**2))
        # an atom of the top layer in the middle of the cell: what is put near it stays clear of the edges
        self.origin = (np.array((1.0, 1.0)) + (LAYERS - 1) * g.shift % 1) @ g.cell
        with Session(potential, self.clean) as session:
            self.energy = session.relax(self.clean, held=self.held).energy
        self.top = self.clean.positions[-(SIZE**2) :, 2].mean()

    def atom(self, site):
        """In the plane: the point `site` of the (1x1) cell, counted from that atom."""
        return self.origin + np.array(site) @ self.geometry.cell

    def with_hydrogen(self, *positions):
        """The clean slab with hydrogen at these places; heights count from the top layer."""
        lifted = [(x, y, z + self.top) for x, y, z in positions]
        return Structure(self.clean.symbols + ["H"] * len(positions), np.vstack([self.clean.positions, lifted]), self.clean.cell)

    def molecule(self, length, height):
        """H2 parallel to the surface over a bridge, with its atoms towards the hollows."""
        centre, along = self.atom(self.geometry.bridge), self.direction() * length / 2
        return self.with_hydrogen((*(centre - along), height), (*(centre + along), height))

    def direction(self):
        """Unit vector in the plane: from the first atom of such a molecule to the second."""
        along = np.array(self.geometry.direction) @ self.geometry.cell
        return along / np.linalg.norm(along)
