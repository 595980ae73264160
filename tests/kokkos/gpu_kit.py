#!/usr/bin/env python3
"""What `make gpu-kit` takes to a machine with a GPU, in the space Serial of this one: gpu_kit.py GPU_KIT

- the kit's list of models has every kernel of core/kokkos run: a stage without a case would go untested on the GPU;
- `gpu_kit check` finds the C core's numbers again, and notices one that is wrong, a file that is cut off and a space there is not;
- `gpu_kit nve` keeps the energy and ends in the same bits twice.
"""
import csv
import glob
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
GPU_KIT = sys.argv[1]
KERNEL = re.compile(r'(?:for_items|for_each|on_rows|norms|parallel_for|parallel_reduce|parallel_scan)\s*(?:<[^;"()]*>)?\(\s*"([^"]+)"')


def models():
    """(file, file of structures or None) of bench/gpu-kit/models.txt."""
    for pattern in (ROOT / "bench/gpu-kit/models.txt").read_text().splitlines():
        if pattern and not pattern.startswith("#"):
            found = sorted(glob.glob(str(ROOT / pattern)))
            assert found, f"models.txt: nothing is called {pattern}"
            for path in found:
                structures = pathlib.Path(path).with_suffix(".xyz")
                yield path, str(structures) if structures.exists() else None


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def compare(folder, *numbers):
    return run(GPU_KIT, "check", "compare", "Serial", str(folder / "stages.csv"), *map(str, numbers))


def main(folder):
    recorded = []
    for model, structures in models():
        shutil.copy(model, folder)
        recorded.append(folder / (pathlib.Path(model).name + ".numbers"))
        made = run(GPU_KIT, "check", "record", str(recorded[-1]), model, *([structures] if structures else []))
        assert made.returncode == 0, made.stderr
    done = compare(folder, *recorded)
    rows = list(csv.reader(done.stdout.splitlines()))
    assert done.returncode == 0 and rows and all(row[-1] == "same" for row in rows), done.stdout + done.stderr
    assert {row[0] for row in rows} == {path.name[: -len(".numbers")] for path in recorded}
    worst = {p: max(float(row[4]) for row in rows if row[1] == p) for p in ("double", "mixed")}
    print(f"{len(rows)} comparisons of {len(recorded)} models: double {worst['double']:.2g}, mixed {worst['mixed']:.2g}")

    with open(folder / "stages.csv") as f:
        launched = {row["stage"] for row in csv.DictReader(f)}
    named = set()
    for path in (ROOT / "core/kokkos").glob("*.hpp"):
        named.update(KERNEL.findall(path.read_text()))
    assert len(named) > 40, f"only {len(named)} kernels are found in core/kokkos: has their form changed?"
    assert named <= launched, f"no model of the kit runs {sorted(named - launched)}: add one to bench/gpu-kit/models.txt"

    first = recorded[0]
    text = first.read_text()
    wrong = folder / "wrong.numbers"
    wrong.write_text(re.sub(r"\nforces (\S+)", lambda m: f"\nforces {float(m[1]) + 1e-3}", text, count=1))
    done = compare(folder, wrong)
    assert done.returncode == 1 and done.stdout.splitlines()[0].endswith(",DIFFERS"), done.stdout + done.stderr
    wrong.write_text(text[: len(text) // 2])
    done = compare(folder, wrong)
    assert done.returncode == 2 and "wrong.numbers" in done.stderr, done.stderr
    done = run(GPU_KIT, "check", "compare", "Nowhere", str(folder / "stages.csv"), str(first))
    assert done.returncode == 2 and "Nowhere" in done.stderr, done.stderr

    done = run(GPU_KIT, "nve", str(ROOT / "potentials/h2cu-ace.ftl"), "3", "double", "Serial", "2000")
    assert done.returncode == 0 and ",within" in done.stdout and "the same twice" in done.stdout, done.stdout + done.stderr
    print(done.stdout.splitlines()[-2])


with tempfile.TemporaryDirectory() as made:
    main(pathlib.Path(made))
