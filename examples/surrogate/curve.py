"""Accuracy against cost: students of all kinds, fitted to the same data and tested on the same structures.

    examples/surrogate/run.sh curve.py                                      # all data sets, some hours of processor time
    examples/surrogate/run.sh curve.py --only h2cu
    examples/surrogate/run.sh curve.py --only tialv tialv:teacher=FILE.ftl  # more potentials of a set: SET:LABEL=FILE
    examples/surrogate/run.sh curve.py --only h2cu --add --networks 16x0e   # this one beside the recorded points of the set

Linear ACE of growing basis, ACE with a second density, MACE of one and two layers, and teachers. A set is labelled by its teacher, all of
train; errors are those against the reference all the same. The knee of each set, where more time begins to buy less, is named in words, at the end of
cost.md too. Where `make bench` has timed one of the further potentials by ML-PACE too, that point is drawn as well.
The error is the RMSE of all force components on the test set (answers of `frozentl eval`). The cost is the processor time
of one thread per atom and step, neighbour list included: what `frozentl eval --repeat` takes more for some repeats more,
the least of several tries. Teachers are timed the same way. Fits and trainings that are there already are kept.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys

import errors
import knee
from panels import style
from report import HERE, ROOT, add_out, make_out, progress, shipped, split

DATA = os.path.join(ROOT, "..", "shared", "data")
# The prior that the recorded points were fitted with (docs/surrogate.md, "The prior"): that of scale data was the default then.
SCALE = "--set smooth.scale=data --set smooth.power=2"
SMOOTH = f"{SCALE} --set smooth.n=0.01 --set smooth.l=0.01"
COMMON = "--set uncertainty.gamma=false --set uncertainty.committee=0"

# Each basis as flags of `frozentl fit`, from pair functions only to what is worth the memory of a small machine, those with a second density
# last; each network as hidden irreps and options of scratch of `frozentl train`, trained as a student of `frozentl distill` is.
NETWORKS = ("16x0e", "32x0e,layers=1")
TRAINING = "--steps 30000 -b 2 -p mixed --ema 0.99 --set loss.energy=500 --set loss.stress=10000 --set trust=false"
SETS = {
    "tialv": {
        "title": "Ti-Al-V", "folder": "tialv", "teacher": shipped("tialv.ftl"), "frames": 2000, "every": 16,
        "bases": [f"--cutoff 5.5 {SCALE} --set smooth.n=0.1 --set smooth.l=0.1 {basis}" for basis in ("--n 8", "--n 6/2/1 --l 2/1", "--n 6/3/1 --l 3/2", "--n 8/4/1 --l 4/2", "--n 8/4/2 --l 4/2")],
    },
    "h2cu": {
        "title": "H2 on Cu", "folder": "h2cu", "teacher": shipped("h2cu.ftl"), "frames": 2000, "every": 8,
        "bases": [
            f"{SMOOTH} --n 10",
            f"{SMOOTH} --n 8/2 --l 2 --block Cu@Cu=8/2:2,H@H=10,H@H-Cu=10/4:3",
            f"{SMOOTH} --n 8/2 --l 2 --block Cu@Cu=10/3/1:3/2,H@H=12,H@H-Cu=12/6/2:4/2,Cu@H-Cu=10/4/1:3/1",
            f"{SMOOTH} --n 8/2 --l 2 --block Cu@Cu=10/4/2:4/2,H@H=14,H@H-Cu=12/6/3:4/3,Cu@H-Cu=12/5/2:4/2",
            f"{SMOOTH} --n 8/2 --l 2 --block Cu@Cu=10/4/2:4/2,H@H=14,H@H-Cu=14/8/3:5/3,Cu@H-Cu=12/5/2:4/2",
        ],
    },
}  # fmt: skip
COLUMNS = ("set", "potential", "functions", "fitted to", "energy RMSE, meV/atom", "force RMSE, meV/Å", "µs/atom/step double",
           "µs/atom/step mixed", "fit, CPU s", "basis")  # fmt: skip


def frames_of(path):
    with open(path) as lines:
        while line := lines.readline():
            yield "".join([line] + [lines.readline() for _ in range(int(line) + 1)])


def processor_time(command):
    """Seconds of user and system time of a program and its standard output."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:2])}: exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime, output


def microseconds(frozentl, potential, frames, atoms, precision, tries=3):
    """Per atom and step, of one thread: what some repeats more take more."""
    def run(repeats):
        return processor_time([frozentl, "eval", potential, frames, "-q", "-t", "1", "-p", precision, "-r", str(repeats)])[0]

    more = 1
    while run(1 + more) - run(1) < 0.25:  # long enough against the clock's resolution
        more *= 4
    least = min(run(1 + more) for _ in range(tries)) - min(run(1) for _ in range(tries))
    return 1e6 * least / (more * atoms)


def data_of(frozentl, work, name, entry):
    """Flags that name what is learnt from: train, with the teacher's labels."""
    data = os.path.join(DATA, entry["folder"], "train.xyz")
    labelled = os.path.join(work, f"{name}-labelled.xyz")
    if not os.path.exists(labelled):
        progress(f"label {name}")
        subprocess.run([frozentl, "eval", entry["teacher"], data, "-q", "-p", "mixed", "-o", labelled + ".part"], check=True)
        os.replace(labelled + ".part", labelled)
    return ["--data", labelled, "--labels", ""]


def fit(frozentl, work, name, entry, data, basis):
    """The folder of a fit; one with the same flags is not repeated."""
    folder = os.path.join(work, name)
    flags = f"--frames {entry['frames']} {COMMON} {basis}"
    note = os.path.join(folder, "flags.txt")
    if not (os.path.exists(note) and read(note).startswith(flags + "\n")):
        shutil.rmtree(folder, ignore_errors=True)
        progress(f"fit {name}")
        seconds, _ = processor_time([frozentl, "fit", "-q", *data, "--threads", "1", *flags.split(), "-o", folder])
        with open(note, "w") as f:
            f.write(f"{flags}\n{seconds:.1f}\n")
    return folder, float(read(note).split("\n")[1])


def read(path):
    with open(path) as f:
        return f.read()


def functions(folder):
    return json.loads(read(os.path.join(folder, "report.json")))["fit"]["functions"]


def train(options, name, entry, data, network):
    """The folder of a network trained on the structures of the fits; one that is there is not trained again, and one that stopped goes on."""
    hidden, *scratch = network.split(",")
    folder = os.path.join(options.work, f"{name}-{network.replace(',', '-').replace('=', '-')}")
    note = os.path.join(folder, "seconds.txt")
    if not os.path.exists(note):
        progress(f"train {name} {network}")
        flags = ["--resume", folder] if os.path.exists(os.path.join(folder, "state.ftl")) else [
            *data, "--set=valid_fraction=0.05", "-o", folder, *TRAINING.split(),
            *(f"--set=scratch.{word}" for word in (f"hidden={hidden}", *scratch))]  # fmt: skip
        seconds, _ = processor_time([options.frozentl, "train", "-q", "--threads", "1", *flags])
        with open(note, "w") as f:
            f.write(f"{seconds:.1f}\n")
    return folder, float(read(note))


def rmse(have, want, quantity):
    squares = [(x - y) ** 2 for a, b in zip(have, want) for x, y in zip(a.values[quantity], b.values[quantity])]
    return 1000 * (sum(squares) / len(squares)) ** 0.5


class Measure:
    """Errors on all of test, times on every so many of its structures."""

    def __init__(self, frozentl, work, name, entry):
        self.frozentl, self.entry, self.name = frozentl, entry, name
        self.test = os.path.join(DATA, entry["folder"], "test.xyz")
        self.want = list(errors.labels(self.test))
        self.some = os.path.join(work, f"{name}-some.xyz")
        frames = list(frames_of(self.test))[:: entry["every"]]
        self.atoms = sum(int(frame.split("\n")[0]) for frame in frames)
        with open(self.some, "w") as f:
            f.write("".join(frames))

    def row(self, label, potential, size="", seconds="", basis=""):
        kinds = [frame.kind for frame in self.want]
        have = errors.answers(self.frozentl, potential, self.test, kinds)
        cost = [microseconds(self.frozentl, potential, self.some, self.atoms, p) for p in ("double", "mixed")]
        row = [self.name, label, size, self.entry["frames"] if basis else "", f"{rmse(have, self.want, 'energy'):.2f}",
               f"{rmse(have, self.want, 'forces'):.1f}", *(f"{x:.1f}" for x in cost), seconds and f"{seconds:.0f}", basis]  # fmt: skip
        progress(", ".join(f"{word}" for word in row[:-1]))
        return row


def by_ml_pace(row, potential):
    """A row for the same potential in ML-PACE (recursive), where `bench/programs/surrogate` has measured both in one run, in LAMMPS with one core: as much
    slower than this one as there. ML-PACE has doubles only."""
    name = os.path.splitext(os.path.basename(potential))[0]
    with open(os.path.join(ROOT, "bench", "results", "surrogate.csv"), newline="") as f:
        ratios = [float(r["times_faster_than_ml_pace"]) for r in csv.DictReader(f)
                  if (r["potential"], r["engine"], r["precision"], r["cores"]) == (name, "frozentl in LAMMPS", "double", "1")]  # fmt: skip
    for ratio in ratios[-1:]:
        yield [row[0], f"{row[1]} by ML-PACE", *row[2:6], f"{ratio * float(row[6]):.1f}", "", "", f"{ratio:g} times {row[1]}: bench/results/surrogate.csv"]


def measure(options, name):
    """Rows of a set; with --add, further potentials and networks alone, among the rows that are there."""
    if not options.add:
        return list(measured(options, name, SETS[name]["bases"]))
    rows = {tuple(row[1:3]): row for row in kept(options.out, name)}
    rows.update({tuple(row[1:3]): row for row in measured(options, name, [])})
    return list(rows.values())


def measured(options, name, bases):
    entry = SETS[name]
    data = data_of(options.frozentl, options.work, name, entry) if bases or options.networks else []
    fits = [fit(options.frozentl, options.work, f"{name}-{k}", entry, data, basis) for k, basis in enumerate(bases, 1)]
    networks = [train(options, name, entry, data, network) for network in options.networks]
    with_what = Measure(options.frozentl, options.work, name, entry)
    if bases:
        yield with_what.row("teacher", entry["teacher"])
    for label, path in options.more.get(name, {}).items():
        row = with_what.row(label, path)
        yield row
        yield from by_ml_pace(row, path)
    for (folder, seconds), basis in zip(fits, bases):
        kind = "ACE, two densities" if "--embedding" in basis else "ACE"
        yield with_what.row(kind, os.path.join(folder, "model.yace"), functions(folder), seconds, basis)
    for (folder, seconds), network in zip(networks, options.networks):
        yield with_what.row(f"MACE {network}", os.path.join(folder, "model.ftl"), "", seconds, network)


def write_tables(rows, out):
    path = os.path.join(out, "cost.csv")
    with open(path + ".part", "w", newline="") as f:
        csv.writer(f, lineterminator="\n").writerows([COLUMNS, *rows])
    os.replace(path + ".part", path)
    shown = range(len(COLUMNS) - 1)
    lines = ["| " + " | ".join(COLUMNS[k] for k in shown) + " |", "| " + " | ".join("---" if k < 2 else "---:" for k in shown) + " |"]
    lines += ["| " + " | ".join(f"{row[k]}" for k in shown) + " |" for row in rows]
    lines += [""] + [sentence for name in SETS if (sentence := knee_of(rows, name))]
    with open(os.path.join(out, "cost.md"), "w") as f:
        f.write("\n".join(lines) + "\n")
    print("\n".join(lines))


def beside(frame, points, colour):
    """The number of functions at each point, on the side where the curve leaves room; of points too close for that, one."""
    last = None
    for k, (x, y, _, size) in enumerate(points):
        at = frame.transData.transform((x, y))
        if last is not None and abs(at[0] - last[0]) + abs(at[1] - last[1]) < 55:  # dots of the picture, 300 an inch
            continue
        last, above = at, k % 2 == 0
        frame.annotate(f"{int(size):,}", (x, y), (4, 4) if above else (-4, -4), textcoords="offset points", fontsize=style.SMALL, color=colour,
                       ha="left" if above else "right", va="bottom" if above else "top")  # fmt: skip


def knee_of(rows, name):
    """Where more time begins to buy less, in words."""
    points = [knee.Point(float(row[6]), float(row[5]), f"{row[1]} of {int(row[2]):,} functions" if row[2] else row[1]) for row in rows if row[0] == name]
    words = knee.sentence(points, "\u00b5s per atom and step", "meV/\u00c5")
    return words and f"* {SETS[name]['title']}: {words}"


def others(frame, points):
    """Potentials that are no linear ACE, a mark for each kind."""
    for k, label in enumerate(dict.fromkeys(p[2] for p in points)):
        of = [p for p in points if p[2] == label]
        frame.plot([p[0] for p in of], [p[1] for p in of], style.marker(k + 1), ls="none", color=style.colour(k + 1), ms=5, label=label)


def draw(rows, path):
    names = [name for name in SETS if any(row[0] == name for row in rows)]
    made, axes = style.figure(1, len(names), width=max(style.SINGLE, style.DOUBLE * min(len(names), 2) / 2), height=7)
    for frame, name in zip(axes[0], names):
        points = [(float(row[6]), float(row[5]), row[1], row[2]) for row in rows if row[0] == name]
        surrogates = [p for p in points if p[2] == "ACE"]
        frame.set_title(SETS[name]["title"], loc="left")
        style.logarithmic(frame.xaxis, [p[0] for p in points])
        style.logarithmic(frame.yaxis, [p[1] for p in points])
        frame.set(xlabel="processor time (\u00b5s per atom and step, one thread)", ylabel="RMSE of forces, test (meV/\u00c5)")
        frame.plot([p[0] for p in surrogates], [p[1] for p in surrogates], "o-", color=style.BLUE, label="surrogate (ACE); number of functions")
        others(frame, [p for p in points if p[2] != "ACE"])
        made.draw_without_rendering()
        beside(frame, surrogates, style.BLUE)
        frame.legend(loc="center right", bbox_to_anchor=(1, 0.58))
    style.letters(axes[0])
    style.save(made, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=list(SETS), help="one data set; the rows of the other stay as they are")
    add_out(parser, HERE)
    parser.add_argument("--work", default=os.path.join(ROOT, "build", "surrogate-curve"), help="folder of the fits")
    parser.add_argument("--frozentl", default=os.path.join(ROOT, "build", "release", "train", "frozentl"), help="the program")
    parser.add_argument("--networks", nargs="*", metavar="IRREPS[,KEY=VALUE]", help=f"MACE that are trained, behind the potentials (default: {' '.join(NETWORKS)}, with --add none; no name: none)")
    parser.add_argument("--add", action="store_true", help="measure further potentials and networks alone; the other rows stay as they are")
    parser.add_argument("potentials", nargs="*", metavar="SET:LABEL=FILE", help="further potentials of a set, such as teachers")
    options = parser.parse_args()
    options.more = further(parser, options.potentials)
    if options.networks is None:
        options.networks = () if options.add else NETWORKS
    os.makedirs(options.work, exist_ok=True)
    make_out(parser, options, HERE)
    rows = []
    for name in SETS:
        rows += kept(options.out, name) if options.only not in (None, name) else measure(options, name)
    write_tables(rows, options.out)
    draw(rows, os.path.join(options.out, "cost.svg"))


def further(parser, words):
    found = {}
    for word in words:
        name, colon, rest = word.partition(":")
        if not colon or name not in SETS:
            parser.error(f"{word}: expected SET:LABEL=FILE, SET one of {', '.join(SETS)}")
        label, path = split(parser, rest)
        found.setdefault(name, {})[label] = path
    return found


def kept(out, name):
    path = os.path.join(out, "cost.csv")
    if not os.path.exists(path):
        return []
    with open(path, newline="") as f:
        return [row for row in csv.reader(f) if row[0] == name]


if __name__ == "__main__":
    sys.exit(main())
