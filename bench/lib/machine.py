"""What every benchmark says and keeps: the machine, the commit, the cores to use, and tables of results. Standard
library only."""

import csv
import datetime
import glob
import os
import subprocess
import sys

LIB = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.dirname(LIB)
ROOT = os.path.dirname(BENCH)
SHARED = os.path.abspath(os.path.join(ROOT, "..", "shared"))
STAMP = ("date", "cpu", "machine_cores", "load", "commit")


def cpu_name():
    with open("/proc/cpuinfo") as f:
        info = dict(line.split(":", 1) for line in f.read().split("\n\n")[0].splitlines() if ":" in line)
    info = {k.strip(): v.strip() for k, v in info.items()}
    isa = next((i for i in ("avx512f", "avx2", "sse2") if i in info.get("flags", "").split()), "")
    return (
        f"{info.get('model name', 'unknown')} family {info.get('cpu family', '?')} model {info.get('model', '?')} {isa}"
    )


def commit():
    def git(*a):
        return subprocess.run(["git", "-C", ROOT, *a], capture_output=True, text=True).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + (
        "+" if git("status", "--porcelain", "--", "core", "train", "pair_style") else ""
    )


def stamp():
    """The columns that every table of results begins with; says on the way whether the machine is quiet."""
    load = os.getloadavg()[0]
    row = dict(
        date=datetime.date.today().isoformat(),
        cpu=cpu_name(),
        machine_cores=os.cpu_count(),
        load=f"{load:.1f}",
        commit=commit(),
    )
    print(f"{row['cpu']}, {row['machine_cores']} cores; FrozenTL {row['commit']}; {row['date']}")
    if load > 0.5:
        print(f"this machine is busy (load {load:.1f}): times will be too long, and ratios unsteady")
    return row


def cores():
    """Those this process may use. Core 0 serves interrupts: it is taken last."""
    return sorted(os.sched_getaffinity(0), reverse=True)


def rivals_python(*which):
    """The Python that has them; `which`: setup_rivals.sh's argument, none for those of MACE."""
    result = subprocess.run(
        [os.path.join(BENCH, "setup_rivals.sh"), *which], stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    )
    if result.returncode == 77:  # something is not on this machine, and it has said what
        sys.exit(77)
    if result.returncode != 0:
        sys.exit("bench/setup_rivals.sh failed (see above); --no-rivals runs FrozenTL alone")
    return os.path.join(ROOT, result.stdout.split()[-1])


def shared_or_wheel(path):
    """A model of ../shared/reference; a SevenNet checkpoint else from sevenn's wheel, where setup_rivals.sh sevenn has put it.
    None if it is in neither."""
    shared = os.path.join(SHARED, "reference", path)
    name = os.path.splitext(os.path.basename(path))[0]
    wheel = f"build/sevenn-venv/lib/python3*/site-packages/sevenn/pretrained_potentials/{name}/*.pth"
    return next((p for p in (shared, *glob.glob(os.path.join(ROOT, wheel))) if os.path.exists(p)), None)


def results_of(name):
    """The table that a benchmark writes; that of inference, the last MD table, lies on top."""
    return os.path.join(BENCH, "results.csv" if name == "inference" else os.path.join("results", name + ".csv"))


def read(path):
    """The rows of a table, or none."""
    if not os.path.exists(path):
        return []
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def save(path, columns, rows, key):
    """Rows into a table, which is on the disk whole or not at all: those with the same `key` columns are replaced, others
    stay."""

    def name(row):
        return tuple(str(row[k]) for k in key)

    rows = [{c: row.get(c, "") for c in columns} for row in rows]
    new = {name(row): row for row in rows}
    kept = [row for row in read(path) if set(row) == set(columns)]
    order = list(dict.fromkeys([*map(name, kept), *new]))
    old = {name(row): row for row in kept}
    with open(path + ".part", "w", newline="") as f:
        writer = csv.DictWriter(f, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(new.get(n) or old[n] for n in order)
    os.replace(path + ".part", path)


def markdown(header, rows):
    """The lines of a table, all columns but the first to the right."""
    yield "| " + " | ".join(header) + " |"
    yield "| --- |" + " ---: |" * (len(header) - 1)
    yield from ("| " + " | ".join(row) + " |" for row in rows)
