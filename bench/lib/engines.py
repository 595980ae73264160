"""How programs/inference runs each program: pinned to some cores, a number of steps at a time. Standard library only.

Every engine has name, precision, neighbours (what happens to its neighbour list), first() -> seconds of a first step,
kept as first_step, run(n) -> seconds per step, after which busy is the part of the wall time that it had a processor for, memory(seconds per step) -> peak resident kB while it steps (what
opening a model takes and gives back is not counted), and close(). own_bytes is the program's own count of memory per
atom, where it gives one. All are started before any is timed, so that rounds can alternate between them."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from machine import LIB, ROOT

RELEASE = os.environ.get("FTL_BUILD") or os.path.join(ROOT, "build", "release")
VENV = os.path.join(ROOT, "build", "venv", "bin")


# ace-jax on one core
ONE_THREAD = dict(
    JAX_PLATFORMS="cpu",
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    XLA_FLAGS="--xla_cpu_multi_thread_eigen=false",
)


class Unavailable(Exception):
    pass


def environment(**more):
    """OPENBLAS_CORETYPE would decide which kernels a rival's BLAS runs: everyone gets the CPU's own."""
    e = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OMP_NUM_THREADS", "LAMMPS_PLUGIN_PATH")}
    e.update(more)
    return e


def pinned(cores, command):
    return ["taskset", "-c", ",".join(map(str, cores)), *map(str, command)]


def steps_for(seconds, budget):
    return max(1, min(1000, int(budget / max(seconds, 1e-6))))


def steps_past_opening(wall, step):
    """Steps that take longer than everything before them, so that the second half of the time is stepping; `wall` is what
    a process with few steps takes."""
    return max(3, math.ceil(1.5 * (wall + 1.0) / max(step, 1e-6)))


def run_to_end(command, env, cwd=None, watched=False):
    """Standard output, and, if watched, the memory of the process and its descendants in kB (see Watch): while stepping, or
    with "whole" from start to end."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env, cwd=cwd)
        watch = Watch(process.pid) if watched else None
        process.wait()
        kb = watch.stop(watched == "whole") if watch else 0
        out.seek(0)
        text = out.read()
    if process.returncode != 0:
        raise Unavailable(f"{' '.join(command[3:6])}...: exit code {process.returncode}: {text[-400:].strip()}")
    return text, kb


class Watch(threading.Thread):
    """Peak resident memory of a process and its descendants, once it is under way: the peak of each 0.1 s (VmHWM, reset
    through /proc/PID/clear_refs), and of those the largest of the second half of the time."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.samples, self.over = pid, [], threading.Event()
        self.start()

    def family(self):
        children, found, queue = {}, [], [self.pid]
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat") as f:
                    children.setdefault(int(f.read().rpartition(")")[2].split()[1]), []).append(int(name))
            except OSError:
                pass  # it ended
        while queue:
            found.append(queue.pop())
            queue += children.get(found[-1], [])
        return found

    def run(self):
        while not self.over.wait(0.1):
            total = 0
            for pid in self.family():
                try:
                    with open(f"/proc/{pid}/status") as f:
                        total += sum(int(line.split()[1]) for line in f if line.startswith("VmHWM"))
                    with open(f"/proc/{pid}/clear_refs", "w") as f:
                        f.write("5")
                except OSError:
                    pass
            if total:
                self.samples.append(total)

    def stop(self, whole=False):
        self.over.set()
        self.join()
        late = self.samples[len(self.samples) // 2 : -1]  # the last one may be of a process that is ending
        return max(self.samples if whole or not late else late, default=0)


class Engine:
    def first(self):
        self.first_step = self.run(1)
        return self.first_step

    def close(self):
        pass


class Eval(Engine):
    """`frozentl eval --repeat`: ftl_compute, its neighbour list made anew in every step. After run(), `processor` has the
    seconds of processor time that the process took, with opening and one step more than asked for."""

    name, neighbours = "frozentl eval", "every step"

    def __init__(self, model, structure, precision, cores):
        self.precision = precision
        self.command = pinned(cores, [os.path.join(RELEASE, "train", "frozentl"), "eval", model["file"], structure["xyz"],
                                      "--precision", precision, "--threads", len(cores), "--repeat"])  # fmt: skip
        if not os.access(self.command[3], os.X_OK):
            raise Unavailable("build/release/train/frozentl is not built")

    def memory(self, step):
        n = steps_past_opening(self.wall, step)
        return run_to_end(self.command + [str(n)], environment(), watched=True)[1]

    def run(self, n, watched=False):
        began, cpu = time.perf_counter(), os.times()
        text, self.peak_kb = run_to_end(self.command + [str(n)], environment(), watched=watched)
        used = os.times()
        self.processor = used.children_user + used.children_system - cpu.children_user - cpu.children_system
        rows = [line.split() for line in text.splitlines()]
        header = next((r for r in rows if r[:1] == ["frame"]), None)
        if header is None:
            raise Unavailable("frozentl eval --repeat printed no table: " + text[-300:])
        row = rows[rows.index(header) + 1]
        step, wall = float(row[header.index("ms/step")]) / 1e3, time.perf_counter() - began
        self.wall, self.busy = max(wall - n * step, 0.0), min(self.processor / wall, 1.0)
        self.own_bytes = float(row[header.index("bytes/atom")])
        return step


class Lammps(Engine):
    """LAMMPS with pair_style frozentl: NVE at 300 K, loop time; more cores are MPI ranks. Its list has a 1 Angstrom skin.
    structure["replicate"] repeats the crystal. After run(), `ghosts` has the mean number of ghost atoms of a rank, and `comm` the
    part of the time that LAMMPS spent in its own exchange of positions and forces."""

    name, neighbours, own_bytes = "frozentl in LAMMPS", "skin 1, reused", 0

    settings = {}  # environment variables besides

    def __init__(self, model, structure, precision, cores):
        self.precision = precision
        self.lmp = os.environ.get("FTL_LMP") or os.path.join(VENV, "lmp")
        mpirun = os.environ.get("FTL_MPIRUN") or os.path.join(VENV, "mpirun")
        self.plugin = os.path.join(RELEASE, "pair_style")
        if not os.path.exists(os.path.join(self.plugin, "frozentlplugin.so")):
            raise Unavailable("build/release/pair_style/frozentlplugin.so is not built")
        if not os.path.exists(self.lmp):
            raise Unavailable(f"no LAMMPS at {self.lmp}")
        launch = [mpirun, "-np", len(cores)] if len(cores) > 1 else []
        self.folder = tempfile.mkdtemp(prefix="frozentl-bench-")
        self.command = pinned(cores, launch + [self.lmp, "-in", "in.bench", "-log", "log.bench", "-screen", "none"])
        self.script = f"""units metal
atom_style atomic
newton on
neighbor 1.0 bin
neigh_modify every 1 delay 0 check yes
read_data {structure["data"]}
replicate {structure.get("replicate", "1 1 1")}
pair_style frozentl precision {precision} threads 1
pair_coeff * * {model["file"]} {" ".join(structure["types"])}
velocity all create 300 7
timestep 0.0005
fix 1 all nve
thermo 1000000
run 1
run %d
"""

    def lammps(self, n, watched):
        with open(os.path.join(self.folder, "in.bench"), "w") as f:
            f.write(self.script % n)
        env = environment(OMP_NUM_THREADS="1", LAMMPS_PLUGIN_PATH=self.plugin, **self.settings)
        return run_to_end(self.command, env, cwd=self.folder, watched=watched)[1]

    def memory(self, step):
        return self.lammps(steps_past_opening(self.wall, step), True)

    def run(self, n):
        began = time.perf_counter()
        self.lammps(n, False)
        with open(os.path.join(self.folder, "log.bench")) as f:
            log = f.read()
        step = float(re.findall(r"Loop time of ([0-9.e+-]+) on \d+ procs for \d+ steps", log)[-1]) / n
        self.ghosts = float(re.findall(r"^Nghost: +([0-9.]+) ave", log, re.M)[-1])
        self.busy = min(float(re.findall(r"^([0-9.]+)% CPU use", log, re.M)[-1]) / 100, 1.0)
        self.comm = float(re.findall(r"^Comm .*\| *([0-9.]+)$", log, re.M)[-1]) / 100
        self.wall = max(time.perf_counter() - began - n * step, 0.0)
        return step

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Rival(Engine):
    """mace-torch, symmetrix or sevenn (bench/lib/rival.py): the process stays, and sleeps while others are timed."""

    def __init__(self, kind, model, structure, precision, cores, python):
        self.name, self.precision, self.own_bytes = kind, precision, 0
        self.neighbours = {"mace-torch": "excluded", "symmetrix": "skin 0.5, reused", "sevenn": "every step"}[kind]
        file = model["json"] if kind == "symmetrix" else model["file"]
        command = [python, os.path.join(LIB, "rival.py"), kind, file, structure["xyz"], precision, len(cores)]
        env = environment(SYMMETRIX_JIT_CACHE=os.path.join(ROOT, "build", "bench", "jit"))
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(pinned(cores, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, env=env, text=True)  # fmt: skip
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise Unavailable(f"{self.name} {self.precision}: {self.log.read()[-400:].strip()}")
        return json.loads(line)

    def run(self, n):
        self.process.stdin.write(f"{n}\n")
        self.process.stdin.flush()
        steps = sorted(self.read()["seconds"])  # wall, processor
        wall, processor = steps[len(steps) // 2]
        self.busy = min(processor / wall, 1.0)
        return wall

    def first(self):
        watch = Watch(self.process.pid)
        super().first()
        self.first_peak = watch.stop()
        return self.first_step

    def memory(self, step):
        if step > 1:
            return self.first_peak
        watch = Watch(self.process.pid)
        self.run(math.ceil(1.0 / step))
        return watch.stop()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.log.close()


def engines(model, structure, cores, rivals):
    """Starts every engine that this machine has; says which it has not. `rivals`: [(kind, its Python)]."""
    wanted = [lambda p=p: Eval(model, structure, p, cores) for p in ("double", "mixed")]
    wanted += [lambda p=p: Lammps(model, structure, p, cores) for p in ("double", "mixed")]
    for kind, python in rivals:
        wanted += [lambda k=kind, py=python, p=p: Rival(k, model, structure, p, cores, py) for p in ("float64", "float32")]
    started = []
    for start in wanted:
        try:
            started.append(start())
        except Unavailable as e:
            print(f"left out: {e}", file=sys.stderr)
    return started


def first_steps(started):
    """engine -> seconds of its first step; one that fails in it is closed, and said to be left out."""
    took = {}
    for e in started:
        try:
            took[e] = e.first()
        except Unavailable as why:
            print(f"left out: {e.name}, {e.precision}: {why}", file=sys.stderr)
            e.close()
    return took
