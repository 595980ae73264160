"""A delta in LAMMPS: the same numbers as the full file, and a sentence when its foundation is not there."""
from harness import *

SEEDS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fuzz", "corpus", "ftl")


def test_delta():
    structure = fcc(3.62, (2, 2, 2), hydrogens=2)
    delta = os.path.join(SEEDS, "delta-whole.ftl")  # its foundation, residual.ftl, lies next to it
    folder = tempfile.mkdtemp(prefix="frozentl-")
    try:
        full, alone = os.path.join(folder, "full.ftl"), os.path.join(folder, "alone.ftl")
        done = subprocess.run([COMMAND, "merge", delta, "-o", full], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Failure(f"frozentl merge ended with {done.returncode}: {done.stdout}")
        expected = point(structure, full)
        same("next to its foundation", point(structure, delta), expected, 0)

        shutil.copy(delta, alone)
        text, _ = setup(structure, structure.elements(), alone)
        for ranks in (1, 2):
            run = lammps(text + POINT + "run 0\n", ranks=ranks)
            if run.code == 0 or "its foundation residual.ftl" not in run.log or "FROZENTL_PATH" not in run.log:
                raise Failure(f"no word of the missing foundation:\n{run.log[-2000:]}")
        found = must(lammps(text + POINT + "run 0\n", variables={"FROZENTL_PATH": SEEDS}))
        same("foundation in FROZENTL_PATH", found, expected, 0)
    finally:
        shutil.rmtree(folder)


run_tests(globals())
