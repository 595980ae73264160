"""A signal ends every phase of train, fit and distill within seconds, with what was done kept and a word on how to go
on; a process that is killed at any point goes on to the same bits; with ranks too."""

import os
import random
import re
import shutil
import signal
import subprocess
import time

import cli_case
import runs_case
import test_train
from runs_case import DISTILL, FIT

MPIRUN = os.environ.get("FTL_MPIRUN") or shutil.which("mpirun")
SECONDS = 8  # of a processor that a phase may take to end; the phases here would take minutes. Not of a clock: it is busy


def big(text, times, scale=1):
    """The first structure, scaled and repeated along each vector, with labels repeated too."""
    lines = text.splitlines()
    n = int(lines[0])
    a = scale * float(re.search(r'Lattice="(\S+)', lines[1])[1])
    rows = [line.split() for line in lines[2 : 2 + n]]
    cells = [(i, j, k) for i in range(times) for j in range(times) for k in range(times)]
    out = [" ".join([r[0], *(f"{scale * float(x) + s * a:.8f}" for x, s in zip(r[1:4], cell)), *r[4:]])
           for cell in cells for r in rows]  # fmt: skip
    lattice = f'Lattice="{a * times} 0 0 0 {a * times} 0 0 0 {a * times}"'
    comment = re.sub(r'Lattice="[^"]*"', lattice, lines[1])
    energy = float(re.search(r"REF_energy=(\S+)", comment)[1])
    comment = re.sub(r"REF_energy=\S+", f"REF_energy={energy * len(cells)}", comment)
    return f"{n * len(cells)}\n{comment}\n" + "\n".join(out) + "\n"


def processor_seconds(pid):
    """That a process has used until now."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Signals(runs_case.RunsCase):
    def large(self, name, frames, times):
        """So much that computing it takes a minute, while reading does not. No two are alike: copies would not be divided
        into sets."""
        with open(self.data) as f:
            text = f.read()
        return self.path(name, "".join(big(text, times, 1 + 0.001 * k) for k in range(frames)))

    def ends(self, process, number=signal.SIGTERM, codes=(6,)):
        """The sentence that it ends with."""
        self.assertIsNone(process.poll(), process.communicate() if process.poll() is not None else "")
        before = processor_seconds(process.pid) + cli_case.children_seconds()
        process.send_signal(number)
        err = process.communicate(timeout=600)[1]
        self.assertIn(process.returncode, codes, err)
        self.assertLess(cli_case.children_seconds() - before, SECONDS)
        return err

    def events(self, run):
        try:
            return self.read(run, "log.csv").count(b"\n")
        except FileNotFoundError:
            return 0

    # ---- train ----

    def test_before_the_first_step(self):
        """Reading, E0 and the first validation: nothing is lost, and nothing is left that hinders."""
        large, run = self.large("large.xyz", 40, 9), self.path("runs/run")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process = self.start("train", "-d", large, "-o", run, *runs_case.BASE, "--e0", "fit")
            self.wait_for(lambda: os.path.exists(self.in_run(run, "frozentl.lock")))
            time.sleep(0.3 * random.random())
            self.assertIn("nothing was written", self.ends(process, number))
            self.assertFalse(os.path.exists(self.path("runs")), os.path.exists(run) and os.listdir(run))
        process = self.start("train", "-d", large, "-o", run, *runs_case.BASE, "--e0", "keep")
        self.wait_for(lambda: self.events(run) > 0)  # it is being validated
        self.assertIn("before the first step; begin again with: frozentl train --resume", self.ends(process))
        self.assertEqual(sorted(os.listdir(run)), ["log.csv", "log.jsonl", "recipe.yaml"])

    def test_steps_and_validation_of_large_structures(self):
        """The step or the validation under way is left, what was before it is kept, and it goes on to the same bits."""
        whole, cut = self.path("whole"), self.path("cut")
        large = self.large("large.xyz", 2, 4)
        arguments = ["-d", large, "--valid", large, *runs_case.BASE[:-2], "--threads", "1", "-e", "4", "--swa", "2",
                     "--set", "swa.energy=10", "--ema", "0.9", "--set", "save_every=1"]  # fmt: skip
        arguments = [x for x in arguments if not x.startswith("valid_fraction")]
        arguments.remove("--set")
        arguments[arguments.index("--batch-size") + 1] = "1"
        began = time.monotonic()
        self.run_it("train", *arguments, "-q", "-o", whole)
        duration = time.monotonic() - began
        command, rng, stops = [*arguments, "-o", cut], random.Random(5), 0
        for k in range(40):
            process = self.start("train", *command, "-q")
            try:
                process.wait(duration * (0.2 + 0.25 * rng.random()) if k < 12 else None)
            except subprocess.TimeoutExpired:
                self.ends(process, codes=(0, 6))  # 0: it was at its end
                stops += process.returncode == 6
            if process.poll() == 0:
                break
            if os.path.exists(self.in_run(cut, "recipe.yaml")):
                command = ["--resume", cut]
        self.assertEqual(process.returncode, 0)
        self.assertGreater(stops, 0)
        self.same_run(whole, cut)

    def test_one_step_that_takes_minutes(self):
        run = self.path("run")
        self.train(run, "-e", "2", "-q")
        large = self.large("large.xyz", 1, 24)  # 69,120 atoms
        os.rename(run, self.path("small"))
        process = self.start("train", "-d", large, "--valid", self.data, *runs_case.BASE[:8], "--set", "cache_mb=0", "-o",
                             run, "--threads", "1")  # fmt: skip
        self.wait_for(lambda: os.path.exists(self.in_run(run, "state.ftl")))
        time.sleep(0.5)
        self.assertIn(f"go on with: frozentl train --resume {run}", self.ends(process))

    def test_nobody_reads_it(self):
        """`| head`, or `| tee` that the same Ctrl-C ends: the state is saved."""
        run = self.path("run")
        process = self.start_training(run, "-e", "100000")
        self.wait_for(lambda: self.events(run) > 2)
        process.stdout.close()
        self.assertEqual(process.wait(timeout=60), 6)
        self.assertIn("--resume", process.stderr.read())
        self.assertNotIn("frozentl.lock", os.listdir(run))

    def test_second_signal(self):
        run = self.path("run")
        process = self.start_training(run, "-e", "100000")
        self.wait_for(lambda: self.events(run) > 3)
        process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        process.communicate()
        self.assertIn(process.returncode, (6, -signal.SIGINT, -signal.SIGTERM))
        self.assertNotIn("frozentl.lock", os.listdir(run))

    def test_final_evaluation(self):
        """The model is there; --resume makes what is missing, and no more."""
        run, whole, large = self.path("run"), self.path("whole"), self.large("large.xyz", 30, 8)
        arguments = ["train", "-d", self.data, *runs_case.BASE, "-e", "1", "-q"]
        process = self.start(*arguments, "--test", large, "-o", run)
        self.wait_for(lambda: b'"epoch":1' in self.read(run, "log.jsonl") if self.events(run) else False)
        time.sleep(0.5)
        err = self.ends(process)
        self.assertIn("only its errors", err)
        self.assertIn(f"frozentl train --resume {run}", err)
        for name in ("model.ftl", "state.ftl"):
            self.assertIn(name, os.listdir(run))
        self.assertNotIn("errors.csv", os.listdir(run))
        self.assertNotIn("frozentl.lock", os.listdir(run))
        # and one that is made in seconds
        small, cut = self.large("small.xyz", 2, 4), self.path("cut")
        self.run_it(*arguments, "--test", small, "-o", whole)
        process = self.start(*arguments, "--test", small, "-o", cut)
        self.wait_for(lambda: b'"epoch":1' in self.read(cut, "log.jsonl") if self.events(cut) else False)
        self.ends(process)
        self.run_it("train", "--resume", cut, "-q")
        self.same_run(whole, cut)
        self.assertEqual(self.read(cut, "predictions-test.csv"), self.read(whole, "predictions-test.csv"))

    def test_killed_anywhere(self):
        """kill -9 at many points, temporary files and locks included."""
        settings = ["-e", "12", "--swa", "8", "--ema", "0.9", "--set", "save_every=2", "-q"]
        whole, cut = self.path("whole"), self.path("cut")
        began = time.monotonic()
        self.train(whole, *settings)
        duration = time.monotonic() - began
        command, rng = ["-d", self.data, *runs_case.BASE, *settings, "-o", cut], random.Random()
        for k in range(60):
            process = self.start("train", *command)
            try:
                process.wait(duration * (0.1 + 0.6 * rng.random()) if k < 25 else None)
            except subprocess.TimeoutExpired:
                process.kill()
            err = process.communicate()[1]
            code = process.returncode
            if code == 0 or "the run is finished" in err:  # it was killed when all was written
                break
            self.assertEqual(code, -signal.SIGKILL, err)
            if os.path.exists(self.in_run(cut, "recipe.yaml")):
                command = ["--resume", cut, "-q"]
        self.same_run(whole, cut)
        if code == 0:
            self.assertEqual(sorted(os.listdir(cut)), sorted(os.listdir(whole)))

    # ---- fit and distill ----

    def test_fit(self):
        large, run = self.large("large.xyz", 40, 7), self.path("run")
        for wait in (lambda: os.path.exists(self.in_run(run, "frozentl.lock")),
                     lambda: os.path.exists(self.in_run(run, "recipe.yaml"))):  # fmt: skip
            process = self.start("fit", "-d", large, "-o", run, *FIT)
            self.wait_for(wait, process)
            time.sleep(0.3)
            self.assertIn("nothing was written", self.ends(process))
            self.assertNotIn("model.ftl", os.listdir(run) if os.path.isdir(run) else [])
        self.run_it("fit", "-d", self.data, "-o", run, *FIT, "-q")  # and begins again there

    def test_fit_that_solves(self):
        """Decompositions of a large basis are one call of LAPACK each."""
        run = self.path("run")
        basis = ["--n", "10/6/3", "--l", "4/3", "--cutoff", "4", "--threads", "1", "--solver", "ard"]
        process = self.start("fit", "-d", self.data, "-o", run, *basis)
        self.wait_for(lambda: os.path.exists(self.in_run(run, "recipe.yaml")), process)
        time.sleep(1.5)
        self.assertIn("nothing was written", self.ends(process))
        self.assertEqual(os.listdir(run), ["recipe.yaml"])

    def test_distill(self):
        whole, cut = self.path("whole"), self.path("cut")
        options = [*DISTILL, "--steps", "60", "--set", "sample.repeats=6", "-q"]
        began = time.monotonic()
        self.run_it("distill", *options, "-o", whole)
        duration = time.monotonic() - began
        command, rng = [*options, "-o", cut], random.Random()
        for k in range(40):
            process = self.start("distill", *command)
            try:
                process.wait(duration * (0.2 + 0.5 * rng.random()) if k < 8 else None)
            except subprocess.TimeoutExpired:
                if k % 2:
                    process.kill()
                else:
                    process.send_signal((signal.SIGTERM, signal.SIGINT, signal.SIGHUP)[k // 2 % 3])
            code, err = process.wait(), process.communicate()[1]
            if code == 0:
                break
            self.assertIn(code, (6, -signal.SIGKILL), err)
            if os.path.exists(self.in_run(cut, "recipe.yaml")):
                if code == 6:
                    self.assertIn("frozentl distill --resume", err)
                command = ["--resume", cut, "-q"]
        self.assertEqual(code, 0)
        for name in ("model.ftl", "model.yace", "sampled.xyz"):
            self.assertEqual(self.read(cut, name), self.read(whole, name), name)
        self.assertEqual(sorted(self.sums(cut)), sorted(self.sums(whole)))

    # ---- ranks ----

    def test_ranks(self):
        if not MPIRUN:
            self.skipTest("there is no mpirun")
        run = self.path("run")
        process = self.start("train", "-d", self.data, *runs_case.BASE, "-o", run, "-e", "100000",
                             command=(MPIRUN, "-n", "2"))  # fmt: skip
        self.wait_for(lambda: self.events(run) > 3 or process.poll() is not None)
        if process.poll() == 1:
            self.skipTest(process.communicate()[1])
        # one rank alone gets it: all end together
        children = subprocess.run(["pgrep", "-f", f"frozentl train -d {self.data}"], stdout=subprocess.PIPE, text=True)
        ranks = [int(x) for x in children.stdout.split() if int(x) != process.pid]
        before = sum(map(processor_seconds, [process.pid, *ranks])) + cli_case.children_seconds()
        os.kill(ranks[-1], signal.SIGTERM)
        process.communicate(timeout=600)
        self.assertLess(cli_case.children_seconds() - before, SECONDS)
        self.assertNotEqual(process.returncode, 0)
        self.assertNotIn("frozentl.lock", os.listdir(run))
        self.run_it("train", "--resume", run, "-e", "1", "-q")
        # a second start is refused by the rank that holds the folder, and does not hang
        self.assertIn("errors.csv", os.listdir(run))


if __name__ == "__main__":
    cli_case.main()
