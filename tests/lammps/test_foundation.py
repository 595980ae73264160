"""A published foundation by its name in pair_coeff: the numbers of its file, and a sentence where it is not."""
from harness import *

TWINS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "parity", "twins")


def test_foundation():
    structure = fcc(3.62, (2, 2, 2), hydrogens=2)
    twin = os.path.join(TWINS, "t-density-zbl.model")
    folder = tempfile.mkdtemp(prefix="frozentl-")
    try:
        shutil.copy(twin, os.path.join(folder, "mace-mp-0-small.model"))
        text, _ = setup(structure, structure.elements(), "mace-mp-0-small")
        found = must(lammps(text + POINT + "run 0\n", variables={"FROZENTL_PATH": folder}))
        same("by name", found, point(structure, twin), 0)
        for ranks in (1, 2):
            run = lammps(text + POINT + "run 0\n", ranks=ranks, variables={"FROZENTL_PATH": os.path.join(folder, "nowhere"),
                                                                           "XDG_CACHE_HOME": folder})  # fmt: skip
            if run.code == 0 or "frozentl foundation mace-mp-0-small" not in run.log:
                raise Failure(f"no word of how to get it:\n{run.log[-2000:]}")
    finally:
        shutil.rmtree(folder)


run_tests(globals())
