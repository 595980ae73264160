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


def test_sevennet():
    """The real one: 89 elements, of which two are prepared."""
    file = shared("reference/sevennet/SevenNet_0__11Jul2024.pth")
    structure = fcc(3.62, (2, 1, 1), hydrogens=1)
    folder = tempfile.mkdtemp(prefix="frozentl-")
    try:
        os.symlink(file, os.path.join(folder, "sevennet-0.pth"))
        text, _ = setup(structure, structure.elements(), "sevennet-0")
        found = must(lammps(text + POINT + "run 0\n", ranks=2, variables={"FROZENTL_PATH": folder}))
        same("sevennet-0 by name, 2 ranks", found, point(structure, file), 1e-10)
    finally:
        shutil.rmtree(folder)


run_tests(globals())
