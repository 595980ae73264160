"""frozentl.properties and frozentl.reactions: constants that LAMMPS measured, relations of physics that any potential obeys, what
is refused, and going on.

With pytest against the installed package (run.sh), or by itself: python tests/python/test_properties.py
"""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
if __name__ == "__main__":  # the package of this tree
    sys.path.insert(0, os.path.join(ROOT, "python"))
try:
    import spglib  # noqa: F401
    from ase import Atoms
except ImportError as e:
    if __name__ != "__main__":
        raise unittest.SkipTest(f"no {e.name}") from None
    print(f"skipped: no {e.name}: scripts/setup.sh installs it")
    sys.exit(77)
import ase.io
import numpy as np
from ase.units import GPa, _amu

from frozentl import reactions
from frozentl.calculator import FrozenTL
from frozentl.properties import Crystal, NoValue, Options, Symmetry, bulk_and_shear, elastic_constants, main, structure
from frozentl.properties import defects, eos, paths, phonons, surfaces
from frozentl.properties.command import labelled
from frozentl.properties.elastic import measure as measure_elastic
from frozentl.properties.errors import PropertyError
from frozentl.properties.structures import CELLS, crystal
from frozentl.properties.symmetry import bond_matrix, standardised
from frozentl.reactions import molecule, slabs, sticking

POTENTIAL = os.path.join(ROOT, "potentials", "h2cu-ace.ftl")
with open(os.path.join(ROOT, "examples", "elastic", "results", "matrices.json")) as f:
    KEPT = np.array(json.load(f)["Cu, surrogate, 0 K"])  # first measured by LAMMPS, by other strains in another cell
OPTIONS = Options(size=8)


class WithCopper(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.calculator = FrozenTL(POTENTIAL, threads=1)
        cls.copper = Crystal(structure("fcc-Cu")[1], cls.calculator)
        cls.elastic = elastic_constants(cls.copper.relaxed, cls.copper.symmetry)


class Elastic(WithCopper):
    def test_against_those_that_are_kept(self):
        self.assertLess(np.abs(self.elastic.matrix - KEPT).max(), 0.3)  # GPa
        self.assertLess(max(self.elastic.asymmetry, self.elastic.against_energy), 0.1)
        rows = dict((name, value) for name, value, _ in measure_elastic(self.copper, OPTIONS)[0])
        self.assertEqual([name for name in rows if name[0] == "C"], ["C11", "C12", "C44"])
        self.assertAlmostEqual(rows["lowest eigenvalue of C"], rows["C11"] - rows["C12"], delta=1e-6)

    def test_a_turned_crystal_has_the_same(self):
        turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
        turned = self.copper.relaxed.copy()
        turned.set_cell(turned.cell.array @ (turn * np.sign(np.linalg.det(turn))).T, scale_atoms=True)
        turned.calc = self.calculator
        self.assertLess(np.abs(elastic_constants(turned, Symmetry(turned)).matrix - self.elastic.matrix).max(), 0.05)

    def test_an_unstable_crystal_is_called_so(self):
        """Copper in silicon's lattice shears away: C11 < C12."""
        wide = Crystal(structure("diamond-Cu")[1], self.calculator)
        values = {name: value for name, value, _ in measure_elastic(wide, OPTIONS)[0]}
        self.assertLess(values["C11"], values["C12"])
        self.assertLess(values["lowest eigenvalue of C"], 0)
        self.assertNotIn("bulk, Reuss", values)

    def test_isotropic_moduli(self):
        matrix = np.diag([80.0] * 3 + [40.0] * 3)
        matrix[:3, :3] += 60.0
        for bulk, shear in bulk_and_shear(matrix).values():
            self.assertAlmostEqual(bulk, 60 + 80 / 3)
            self.assertAlmostEqual(shear, 40)
        turned = bond_matrix(np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0])
        self.assertLess(np.abs(turned @ matrix @ turned.T - matrix).max(), 1e-9)


class OfSymmetry(unittest.TestCase):
    def names(self, atoms, **how):
        return list(Symmetry(atoms, **how).constants())

    def test_independent_constants(self):
        self.assertEqual(self.names(structure("hcp-Ti")[1]), ["C11", "C12", "C13", "C33", "C44", "C66"])
        self.assertEqual(self.names(structure("diamond-Si")[1]), ["C11", "C12", "C44"])
        cell = 2.6 * np.array([(3**0.5 / 2, -0.5, 1.5), (0, 1, 1.5), (-(3**0.5) / 2, -0.5, 1.5)])
        bismuth = Atoms("Bi2", cell=cell, scaled_positions=[[0.234] * 3, [0.766] * 3], pbc=True)
        self.assertIn("C14", self.names(bismuth))
        self.assertEqual(len(self.names(bismuth)), 7)
        box = Atoms("CuH", cell=[3, 4, 5], scaled_positions=[(0, 0, 0), (0.5, 0.5, 0.5)], pbc=True)
        self.assertEqual(len(self.names(box)), 9)
        skew = Atoms("CuH2", cell=[(3, 0, 0), (0.4, 4, 0), (0.7, 0.3, 5)], scaled_positions=[(0, 0, 0), (0.5, 0.4, 0.3), (0.1, 0.7, 0.6)], pbc=True)
        self.assertEqual(len(self.names(skew)), 21)

    def test_an_alloy_has_the_symmetry_of_its_sites(self):
        alloy = structure("fcc-Cu")[1].repeat(2)
        alloy.symbols[[0, 1, 3]] = "H"
        self.assertLess(len(Symmetry(alloy).rotations), 48)
        self.assertEqual(len(Symmetry(alloy, sites=True).rotations), 48)


class Relations(WithCopper):
    def test_equation_of_state(self):
        """Its volume is the relaxed one, its bulk modulus that of the elastic constants."""
        values = {name: value for name, value, _ in eos.measure(self.copper, OPTIONS)[0]}
        self.assertAlmostEqual(values["volume, EOS"], self.copper.relaxed.get_volume(), delta=2e-3)
        bulk = bulk_and_shear(self.elastic.matrix)["Voigt"][0]
        self.assertAlmostEqual(values["bulk, EOS"], bulk, delta=0.01 * bulk)
        v, b, slope = np.linspace(9, 11, 9), 100 * GPa, 4.7
        x = (10.0 / v) ** (2 / 3)
        energy = -3 + 9 * 10.0 * b / 16 * ((x - 1) ** 3 * slope + (x - 1) ** 2 * (6 - 4 * x))
        self.assertLess(np.abs(np.array(eos.birch_murnaghan(v, energy)) - (-3, 10, 100, slope)).max(), 1e-6)
        with self.assertRaisesRegex(NoValue, "no minimum"):
            eos.birch_murnaghan(v, v)

    def test_vacancy(self):
        (name, energy, unit), = defects.measure(self.copper, OPTIONS)[0]
        self.assertEqual((name, unit), ("vacancy", "eV"))
        self.assertTrue(0.7 < energy < 1.6, energy)

    def test_surfaces(self):
        rows, data = surfaces.measure(self.copper, OPTIONS)
        energies = [value for _, value, _ in rows]
        self.assertEqual([name for name, _, _ in rows], ["surface (111)", "surface (100)", "surface (110)"])
        self.assertEqual(energies, sorted(energies))  # the closer packed, the less
        self.assertTrue(0.8 < energies[0] and energies[2] < 2.2, energies)
        square = np.linalg.norm(self.copper.cell[0]) ** 2
        for plane, part in (("111", 3**0.5 / 4), ("100", 1 / 2), ("110", 1 / 2**0.5)):  # of one atom each
            self.assertAlmostEqual(data[plane]["area_A2"], part * square, places=6)
        self.assertEqual(surfaces.indices("-110"), (-1, 1, 0))
        self.assertEqual(surfaces.indices("10-10"), (1, 0, 0))

    def test_bain_goes_through_the_crystals(self):
        rows, data = paths.bain(self.copper, OPTIONS)
        fcc = data["meV_atom"][data["c/a"].index(2**0.5)]
        self.assertAlmostEqual(rows[0][1], fcc)
        self.assertEqual(min(data["meV_atom"]), fcc)
        bcc = crystal("bcc", "Cu", a=(2 * self.copper.relaxed.get_volume()) ** (1 / 3))
        bcc.calc = self.calculator
        self.assertAlmostEqual(fcc, 1000 * (self.copper.energy - bcc.get_potential_energy()), places=5)

    def test_burgers_ends_at_the_crystals(self):
        rows, data = paths.burgers(self.copper, OPTIONS)
        bcc, hcp = (Crystal(structure(f"{lattice}-Cu")[1], self.calculator).energy for lattice in ("bcc", "hcp"))
        self.assertAlmostEqual(rows[0][1], 1000 * (hcp - bcc), places=5)
        self.assertEqual(data["meV_atom"][0], 0)

    def test_phonons_have_the_speed_of_sound(self):
        try:
            phonons.check_phonopy()
        except PropertyError as e:
            self.skipTest(str(e))
        rows, data = phonons.measure(self.copper, Options(size=11))
        density = 63.546 * _amu / (self.copper.relaxed.get_volume() * 1e-30)
        k = 4  # a point near the zone's middle on the way to X
        wave = 1e10 * (data["x"][k] - data["x"][0])  # 2 pi / m
        for branch, modulus in ((0, self.elastic.matrix[3, 3]), (2, self.elastic.matrix[0, 0])):
            speed = (modulus * 1e9 / density) ** 0.5
            self.assertAlmostEqual(data["bands_THz"][k][branch] * 1e12, speed * wave / (2 * np.pi), delta=0.03 * speed * wave / (2 * np.pi))
        self.assertEqual({name: value for name, value, _ in rows}["phonons, lowest"], 0)

    def test_no_value_says_why(self):
        rocksalt = Atoms("CuH", cell=self.copper.relaxed.cell.array * 1.1, scaled_positions=[(0, 0, 0), (0.5, 0.5, 0.5)], pbc=True)
        made = Crystal(rocksalt, self.calculator, relaxed=rocksalt)
        with self.assertRaisesRegex(NoValue, "more than one element"):
            defects.measure(made, OPTIONS)
        with self.assertRaisesRegex(NoValue, "one element"):
            paths.bain(made, OPTIONS)


class Names(unittest.TestCase):
    def test_guesses_relax_from_near(self):
        for lattice in CELLS:
            atoms = structure(f"{lattice}-Ti")[1]
            number = Symmetry(atoms).number
            self.assertEqual(number, {"fcc": 225, "bcc": 229, "diamond": 227, "hcp": 194, "omega": 191}[lattice])
        self.assertAlmostEqual(structure("fcc-Cu")[1].get_volume(), 11.8, delta=0.3)
        self.assertAlmostEqual(structure("diamond-Si")[1].get_volume() / 2, 20.0, delta=0.3)
        label, atoms = structure("hexagonal=hcp-Ti:a=2.9,c=4.6")
        self.assertEqual(label, "hexagonal")
        self.assertTrue(np.allclose(atoms.cell.lengths(), (2.9, 2.9, 4.6)))

    def test_labels(self):
        self.assertEqual(labelled(["a/x/model.ftl", "b/x/model.ftl", "t=c.ftl"]), {"a/x/model": "a/x/model.ftl", "b/x/model": "b/x/model.ftl", "t": "c.ftl"})


class Command(unittest.TestCase):
    def run_it(self, *words):
        out, said = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            code = main(["--threads", "1", "--output", self.folder, "--format", "none", *words])
        return code, out.getvalue(), said.getvalue()

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = os.path.join(holder.name, "out")

    def test_measures_once(self):
        words = ["--potential", f"ace={POTENTIAL}", f"same={POTENTIAL}", "--structure", "fcc-Cu", "bcc-Cu", "--properties", "elastic"]
        code, text, said = self.run_it(*words)
        self.assertEqual(code, 0, said)
        self.assertIn("| C44 | GPa | 77.5 | 77.5 | 81.8 |", text)
        self.assertIn("| fcc Cu | 0.0 | 0.0 |", text)  # the order of phases
        self.assertIn("| fcc Cu | 8 %, 2 of 3 | 8 %, 2 of 3 |", text)  # against experiment: 164, 109, 78 and 176, 125, 82 GPa
        with open(os.path.join(self.folder, "properties.json")) as f:
            first = f.read()
        kept = json.loads(first)["results"][0]["quantities"]["C11"]
        self.assertAlmostEqual(kept["value"], KEPT[0, 0], delta=0.3)
        code, again, said = self.run_it(*words, "--format", "svg")
        self.assertEqual(code, 0, said)
        self.assertEqual([line for line in said.splitlines() if "was there" not in line], [])
        self.assertEqual(again.replace("\n![elastic.svg](elastic.svg)\n", ""), text)
        with open(os.path.join(self.folder, "elastic.svg")) as f:
            self.assertGreater(f.read().count("<path"), 20)
        code, _, said = self.run_it(*words, "--strain", "0.004")  # another question has another answer
        self.assertIn("ace, fcc Cu: elastic\n", said)

    def test_refuses(self):
        hydrogen = os.path.join(self.folder + ".xyz")
        with open(hydrogen, "w") as f:
            f.write("1\nno cell\nH 0 0 0\n")
        own = self.folder + ".json"
        with open(own, "w") as f:
            json.dump({"fcc Cu": {"source": "me", "values": {"C11": "many"}}}, f)
        copper = ["--potential", POTENTIAL, "--structure", "fcc-Cu"]
        for words, sentence in (
            (["--potential", "nowhere.ftl", "--structure", "fcc-Cu"], "nowhere.ftl: there is no such file"),
            (["--potential", POTENTIAL, "--structure", "hcp-Ti"], "does not have the element Ti"),
            (["--potential", POTENTIAL, "--structure", "cubic-Cu"], "there is no lattice 'cubic'; there are fcc, bcc"),
            (["--potential", POTENTIAL, "--structure", "fcc-Qq"], "there is no element 'Qq'"),
            (["--potential", POTENTIAL, "--structure", "fcc-Cu:c=3"], "fcc has no c"),
            (["--potential", POTENTIAL, "--structure", "fcc-Cu:a=-3"], "'a=-3' is no lattice constant"),
            (["--potential", POTENTIAL, "--structure", "no/such.cif"], "'no/such.cif' is neither a file nor a name"),
            (["--potential", POTENTIAL, "--structure", hydrogen], "not periodic in all three directions"),
            (["--potential", POTENTIAL, "--structure", own], "cannot be read by ASE"),
            (["--potential", POTENTIAL, "--structure", "fcc-Cu", "fcc-Cu"], "two structures are called 'fcc Cu'"),
            (["--potential", POTENTIAL, POTENTIAL, "--structure", "fcc-Cu"], "two potentials are called"),
            ([*copper, "--strain", "0.5"], "a strain of 0.5 gives no elastic constants"),
            ([*copper, "--strain", "0"], "a strain of 0 gives no elastic constants"),
            ([*copper, "--properties", "eos", "--strain", "0.001"], "--strain is for elastic constants"),
            ([*copper, "--surfaces", "111"], "add surfaces to --properties"),
            ([*copper, "--properties", "surfaces", "--surfaces", "1x"], "surface '1x': three Miller indices"),
            ([*copper, "--properties", "surfaces", "--surfaces", "000"], "all indices are zero"),
            ([*copper, "--size", "12"], "--size is for vacancy, surfaces and phonons"),
            ([*copper, "--properties", "vacancy", "--size", "1"], "it must be from 4 to 60"),
            ([*copper, "--reference", "nobody"], "reference 'nobody' is neither a file nor one of"),
            ([*copper, "--reference", own], "C11 is no number"),
        ):
            code, _, said = self.run_it(*words)
            self.assertEqual(code, 1, words)
            self.assertIn(sentence, said)
            self.assertEqual(said.count("\n"), 1, said)
        self.assertFalse(os.path.exists(self.folder))  # nothing was written


class Barrier(unittest.TestCase):
    def run_it(self, *words):
        out, said = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            code = reactions.main_barrier(["--threads", "1", "--output", self.folder, "--potential", f"ace={POTENTIAL}", "--format", "none", *words])
        return code, out.getvalue(), said.getvalue()

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = os.path.join(holder.name, "out")

    def test_a_vacancy_jumps(self):
        """The way is the same from either end; the barrier is what copper's self-diffusion has, 0.7 eV, within 0.2."""
        crystal_of_32 = standardised(structure("fcc-Cu:a=3.65")[1], primitive=False).repeat(2)
        first, last = crystal_of_32.copy(), crystal_of_32.copy()
        neighbour = int(np.argsort(crystal_of_32.get_distances(0, range(32), mic=True))[1])
        last.positions[neighbour] = crystal_of_32.positions[0]
        for name, atoms in (("first", first), ("last", last)):
            del atoms[0]
            atoms.write(f"{self.folder}-{name}.xyz", format="extxyz")
        words = ["--ends", f"{self.folder}-first.xyz", f"{self.folder}-last.xyz", "--images", "5", "--force", "0.05"]
        code, text, said = self.run_it(*words)
        self.assertEqual(code, 0, said)
        with open(os.path.join(self.folder, "barrier.json")) as f:
            path = json.load(f)["paths"]["path"]["ace"]
        energies = path["energies"]
        self.assertEqual(max(energies), energies[2])
        self.assertTrue(0.5 < energies[2] < 0.9, energies)
        self.assertAlmostEqual(energies[0], energies[4], delta=1e-3)
        self.assertAlmostEqual(energies[1], energies[3], delta=0.01)
        self.assertIn(f"| path | barrier | eV | {energies[2]:.3f} |", text)
        images = ase.io.read(os.path.join(self.folder, "path-ace.xyz"), ":")
        self.assertEqual([image.get_potential_energy() for image in images], energies)
        images[2].calc = FrozenTL(POTENTIAL, threads=1)
        images[0].calc = images[2].calc
        self.assertAlmostEqual(images[2].get_potential_energy() - images[0].get_potential_energy(), energies[2], delta=1e-4)
        code, again, said = self.run_it(*words, "--format", "svg")
        self.assertEqual((code, again), (0, text))
        self.assertTrue(os.path.exists(os.path.join(self.folder, "barrier.svg")))

    def test_refuses(self):
        for name, atoms in (("one", Atoms("Cu", cell=[9, 9, 9], pbc=True)), ("two", Atoms("H", cell=[9, 9, 9], pbc=True))):
            atoms.write(f"{self.folder}-{name}.xyz", format="extxyz")
        for words, sentence in (
            (["--slab", "Cu-112"], "slab 'Cu-112': a name such as Cu-111"),
            (["--slab", "Cu-111:a=1"], "'1' is no lattice constant"),
            (["--slab", "Ti-111"], "does not have the element Ti"),
            (["--slab", "Cu-111", "--molecule", "H3"], "molecule 'H3': one of two atoms"),
            (["--slab", "Cu-111", "--images", "2"], "--images 2: from 3 to 64"),
            (["--slab", "Cu-111", "--force", "0"], "--force 0: from 0.0001 to 1"),
            (["--ends", "nowhere", "here"], "end 'nowhere': there is no such file"),
            (["--ends", f"{self.folder}-one.xyz", f"{self.folder}-two.xyz"], "must have the same atoms in the same order"),
            (["--ends", f"{self.folder}-one.xyz", f"{self.folder}-two.xyz", "--molecule", "H2"], "--molecule is of --slab"),
        ):
            code, _, said = self.run_it(*words)
            self.assertEqual(code, 1, words)
            self.assertIn(sentence, said)
            self.assertEqual(said.count("\n"), 1, said)


class Sticking(unittest.TestCase):
    def test_encounters_with_a_cold_surface(self):
        """A slow molecule comes back with no more energy than it had, a fast one that lies flat over a bridge breaks; energy is kept."""
        calculator = FrozenTL(POTENTIAL, threads=1)
        clean = slabs.slab("Cu-111:a=3.6528", calculator)
        surface = sticking.Frames([clean.clean.positions.tolist()], [np.zeros((54, 3)).tolist()], clean.top)
        curve = molecule.curve_of(calculator)
        vibrations = {v: molecule.Vibration(curve, v) for v in (0, 1)}
        self.assertAlmostEqual(vibrations[0].energy, 0.265, delta=0.01)  # measured: 0.270 and 0.786 eV
        self.assertAlmostEqual(vibrations[1].energy, 0.774, delta=0.02)
        heavy = molecule.Vibration(curve, 0, molecule.MASSES["D2"])
        self.assertAlmostEqual(heavy.energy / vibrations[0].energy, (1.008 / 2.014) ** 0.5, delta=0.02)
        slow, again = (sticking.encounter(clean, surface, vibrations[0], 0.1, sticking.generator(1, "a", "H2", 0, 0.1, 0)) for _ in range(2))
        self.assertEqual(slow, again)
        self.assertEqual(slow.outcome, "scattered")
        self.assertLess(slow.leaving, 0.1 + vibrations[0].energy)
        fast = [sticking.encounter(clean, surface, vibrations[1], 1.2, sticking.generator(1, "a", "H2", 1, 1.2, n)) for n in range(4)]
        self.assertIn("dissociated", [one.outcome for one in fast])
        self.assertLess(max(one.drift for one in (slow, *fast)), 60)  # meV

    def test_refuses(self):
        with tempfile.TemporaryDirectory() as folder:
            start = ["--threads", "1", "--output", os.path.join(folder, "out"), "--potential", POTENTIAL]
            for words, sentence in (
                (["--slab", "Cu-112"], "slab 'Cu-112': a name such as Cu-111"),
                (["--slab", "Ti-111"], "does not have the element Ti"),
                (["--slab", "Cu-111", "--energies", "0"], "--energies 0: it must be from 0.01 to 20"),
                (["--slab", "Cu-111", "--count", "0"], "--count 0: it must be from 1"),
                (["--slab", "Cu-111", "--temperature", "0"], "--temperature 0: it must be from 1 to 2000"),
            ):
                said = io.StringIO()
                with contextlib.redirect_stderr(said):
                    self.assertEqual(reactions.main_sticking([*start, *words]), 1)
                self.assertIn(sentence, said.getvalue())
            self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    unittest.main()
