"""frozentl train: small runs on the twins. The loss falls, what is frozen keeps its bits, a run that was killed and
resumed is the same as one that was not, threads and ranks agree, and mistakes are told in a sentence.

Structures are made here; labels are what another twin answers, so that there is something to learn.
"""

import json
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import time

import cli_case
from cli_case import HEADS, PLAIN, TWINS

TEACHER = os.path.join(TWINS, "t-plain-residual.model")

BASE = ["--lr", "0.001", "--batch-size", "4", "--set", "valid_fraction=0.2", "--schedule", "plateau", "--ema", "0",
        "--set", "loss.energy=1", "--set", "loss.stress=1", "--quiet"]  # fmt: skip
SCRATCH = ["scratch.hidden=4x0e+4x1o", "scratch.max_ell=1", "scratch.r_max=3.5", "scratch.correlation=2",
           "scratch.basis=4", "scratch.radial_mlp=8", "scratch.readout=4x0e"]  # fmt: skip
MPIRUN = os.environ.get("FTL_MPIRUN") or shutil.which("mpirun")


def structures(n, elements=("Cu", "H"), seed=3):
    rng = random.Random(seed)
    frames = []
    for s in range(n):
        a = 4.2 + 0.3 * rng.random()
        sites = [(0, 0, 0), (a / 2, a / 2, 0), (a / 2, 0, a / 2), (0, a / 2, a / 2), (a / 2 + 0.2, a / 2, a / 2)]
        sites = sites[: 5 - s % 2] if s % 3 else sites
        atoms = [f"{elements[k == 4]} " + " ".join(f"{x + rng.gauss(0, 0.12):.8f}" for x in p)
                 for k, p in enumerate(sites)]  # fmt: skip
        config = "bulk" if s % 3 else "odd"
        frames.append(
            f'{len(atoms)}\nLattice="{a} 0 0 0 {a} 0 0 0 {a}" Properties=species:S:1:pos:R:3 pbc="T T T" '
            f"config_type={config}\n" + "\n".join(atoms) + "\n"
        )
    return "".join(frames)


def tensors(ftl):
    """{name: bytes} of a safetensors file."""
    with open(ftl, "rb") as f:
        content = f.read()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__")
    return {name: content[8 + length + t["data_offsets"][0] : 8 + length + t["data_offsets"][1]]
            for name, t in header.items()}  # fmt: skip


class Train(cli_case.CliCase):
    def setUp(self):
        super().setUp()
        self.data = self.labelled("data.xyz", structures(20))
        self.run_number = 0

    def labelled(self, name, text):
        """Frames with the teacher's energies (raised), forces and stresses as labels."""
        raw, answered = self.path("raw-" + name, text), self.path("answered-" + name)
        self.run_it("eval", TEACHER, raw, "--quiet", "-o", answered)
        with open(answered) as f:
            text = f.read()
        text = re.sub(r"\benergy=(\S+)", lambda m: f"REF_energy={float(m[1]) + 0.5!r}", text)
        return self.path(name, text.replace(" stress=", " REF_stress=").replace(":forces:", ":REF_forces:"))

    def train(self, *arguments, code=0, run=None):
        self.run_number += 1
        run = run or self.path(f"run{self.run_number}")
        e0 = ["--e0", "keep"] if "-f" in arguments else []
        self.run_it("train", "-d", self.data, "-o", run, *BASE, *e0, *arguments, code=code)
        return run

    def column(self, run, name):
        with open(os.path.join(run, "log.csv")) as f:
            lines = [line.rstrip("\n").split(",") for line in f]
        return [float(line[lines[0].index(name)] or "nan") for line in lines[1:]]

    def read(self, run, name="model.ftl"):
        with open(os.path.join(run, name), "rb") as f:
            return f.read()

    def same_run(self, a, b):
        for name in ("model.ftl", "errors.csv", "predictions-valid.csv"):
            self.assertEqual(self.read(a, name), self.read(b, name), name)
        for name in ("epoch", "step", "lr", "train_loss", "valid_loss", "gradient_norm", "best"):
            self.assertEqual(self.column(a, name)[1:], self.column(b, name)[1:])

    def test_loss_falls_and_model_is_kept(self):
        run = self.train("-f", PLAIN, "-e", "15", "--test", self.data)
        loss = self.column(run, "valid_loss")
        self.assertEqual(len(loss), 16)
        self.assertLess(min(loss), 0.3 * loss[0])
        # errors.csv is what eval says of model.ftl
        out, _ = self.run_it("eval", os.path.join(run, "model.ftl"), self.data, "--labels", "REF_")
        total = [line for line in self.read(run, "errors.csv").decode().split("\n") if line.startswith("test,total")]
        rmse = 1000 * float(total[0].split(",")[4])
        self.assertIn(f"{rmse:.3f}", out)
        self.assertRegex(self.run_it("info", os.path.join(run, "model.ftl"))[0], r"trained: \d+ steps on 16 structures")
        for name in ("recipe.yaml", "state.ftl", "log.jsonl", "predictions-valid.csv", "predictions-test.csv"):
            self.assertTrue(os.path.exists(os.path.join(run, name)), name)
        # the settings in the folder repeat the run
        again = self.path("again")
        self.run_it("train", os.path.join(run, "recipe.yaml"), "-o", again, "--quiet")
        self.same_run(run, again)

    def test_frozen_keeps_its_bits(self):
        before = self.path("before.ftl")
        self.run_it("convert", PLAIN, before)
        run = self.train("-f", PLAIN, "-e", "2", "--freeze", "f5,layer1.product.linear")
        have, want = tensors(os.path.join(run, "model.ftl")), tensors(before)
        self.assertEqual(sorted(have), sorted(want))
        changed = {name for name in want if have[name] != want[name]}
        self.assertIn("products.0.linear.weight", changed)
        self.assertTrue(all(name.startswith(("products.", "readouts.")) for name in changed), changed)
        self.assertNotIn("products.1.linear.weight", changed)

    def test_delta(self):
        full = self.train("-f", PLAIN, "-e", "4", "--freeze", "f5", "--e0", "fit")
        delta = self.train("-f", PLAIN, "-e", "4", "--freeze", "f5", "--e0", "fit", "--checkpoint", "delta")
        self.assertLess(len(self.read(delta)), len(self.read(full)))
        a = self.eval_json(os.path.join(full, "model.ftl"), self.data)
        b = self.eval_json(os.path.join(delta, "model.ftl"), self.data, "--foundation", PLAIN)
        self.assertEqual([x["energy"] for x in a], [x["energy"] for x in b])

    def test_killed_and_resumed(self):
        settings = ["-f", PLAIN, "-e", "40", "--e0", "keep", "--ema", "0.9", "--swa", "30", "--set", "swa.energy=10", "--set",
                    "save_every=3", "--threads", "1"]  # fmt: skip
        began = time.monotonic()
        whole = self.train(*settings)
        duration = time.monotonic() - began
        rng = random.Random()
        cut = self.path("cut")
        arguments = ["-d", self.data, "-o", cut, *BASE, *settings]
        history = []
        for k in range(20):
            process = subprocess.Popen([cli_case.FROZENTL, "train", *arguments], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True)  # fmt: skip
            if k < 6:
                time.sleep(duration * (0.1 + 0.4 * rng.random()))
                process.send_signal(signal.SIGKILL if k % 2 else signal.SIGTERM)
            err = process.communicate()[1]
            before = history[-1][0] if history else None
            history.append((process.returncode, err))
            if process.returncode == 0:
                break
            # killed after its last act, the state that says "finished", and before it could say 0: nothing was lost
            if before == -signal.SIGKILL and "the run is finished" in err:
                break
            self.assertIn(process.returncode, (6, -signal.SIGKILL, -signal.SIGTERM), history)
            if os.path.exists(os.path.join(cut, "recipe.yaml")):
                arguments = ["--resume", cut, "--quiet"]
        else:
            self.fail(history)
        self.same_run(whole, cut)
        self.refuse(1, ["finished"], "train", "--resume", cut)

    def test_signal_after_the_last_file(self):
        """When the state says "finished" it is too late to say "interrupted": --resume would refuse."""
        for k in range(3):
            run = self.path(f"run{k}")
            log, state = os.path.join(run, "log.jsonl"), os.path.join(run, "state.ftl")
            process = subprocess.Popen([cli_case.FROZENTL, "train", "-d", self.data, "-o", run, *BASE, "-f", PLAIN, "--e0",
                                        "keep", "-e", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                       text=True)  # fmt: skip
            while process.poll() is None:  # until the end is logged, and then until the last state is in place
                if os.path.exists(log) and b'"end"' in self.read(run, "log.jsonl"):
                    before = os.stat(state).st_ino
                    while process.poll() is None and os.stat(state).st_ino == before:
                        pass
                    process.send_signal(signal.SIGTERM)
                    break
            err = process.communicate()[1]
            if process.returncode == 6:  # before the last state
                self.run_it("train", "--resume", run, "--quiet")
            else:
                self.assertEqual(process.returncode, 0, err)
                self.refuse(1, ["finished"], "train", "--resume", run)

    def test_resumed_with_more_epochs(self):
        whole = self.train("-f", PLAIN, "-e", "8")
        part = self.train("-f", PLAIN, "-e", "3")
        self.run_it("train", "--resume", part, "-e", "8", "--quiet")
        self.same_run(whole, part)

    def test_what_is_kept_changes_nothing(self):
        """Frozen layers are computed once and kept; without memory for it, and resumed, the bits are the same."""
        settings = ["-f", PLAIN, "--freeze", "f5", "--train", "layer1.skip"]
        whole = self.train(*settings, "-e", "6")
        self.same_run(whole, self.train(*settings, "-e", "6", "--cache-mb", "0"))
        part = self.train(*settings, "-e", "2")
        self.run_it("train", "--resume", part, "-e", "6", "--quiet")
        self.same_run(whole, part)

    def test_when_it_is_written_changes_nothing(self):
        """State and best model after each epoch, or at the end only; and so when resumed."""
        whole = self.train("-f", PLAIN, "-e", "6", "--save-seconds", "0")
        self.same_run(whole, self.train("-f", PLAIN, "-e", "6", "--save-seconds", "1e6"))
        part = self.train("-f", PLAIN, "-e", "2", "--save-seconds", "1e6")
        self.run_it("train", "--resume", part, "-e", "6", "--quiet")
        self.same_run(whole, part)

    def test_resume_refuses_other_data(self):
        run = self.train("-f", PLAIN, "-e", "2")
        with open(self.data, "a") as f:
            f.write("\n")
        self.refuse(1, ["changed since the run began"], "train", "--resume", run, "-e", "4")

    def test_threads_and_ranks(self):
        settings = ["-f", PLAIN, "-e", "4", "--e0", "fit"]
        one = self.train(*settings, "--threads", "1")
        two = self.train(*settings, "--threads", "2")
        self.same_run(one, two)
        if not MPIRUN:
            self.skipTest("there is no mpirun")
        ranks = self.path("ranks")
        done = subprocess.run([MPIRUN, "-n", "2", cli_case.FROZENTL, "train", "-d", self.data, "-o", ranks, *BASE,
                               *settings, "--threads", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True)  # fmt: skip
        if done.returncode == 1 and "MPI" in done.stderr:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_close(self.column(ranks, "valid_loss"), self.column(one, "valid_loss"), 1e-9)
        self.assertEqual(done.stdout.count("trained 927 of"), 1)

    def test_from_scratch(self):
        settings = [x for key in SCRATCH for x in ("--set", key)]
        run = self.train(*settings, "-e", "10", "--lr", "0.01")
        loss = self.column(run, "train_loss")[1:]
        self.assertLess(loss[-1], 0.7 * loss[0])
        out, _ = self.run_it("info", os.path.join(run, "model.ftl"))
        self.assertIn("4x0e+4x1o", out)
        self.same_run(run, self.train(*settings, "-e", "10", "--lr", "0.01"))

    def test_elements(self):
        niobium = self.labelled("niobium.xyz", structures(10))
        with open(niobium) as f:
            text = re.sub(r"^H ", "Nb ", f.read(), flags=re.M)
        self.data = self.path("nb.xyz", text)
        self.refuse(1, ["Nb", "add_elements", "frame 0"], "train", "-d", self.data, "-f", PLAIN, "-o", self.path("no"))
        run = self.train("-f", PLAIN, "-e", "2", "--add-elements", "Nb=H", "--elements", "data")
        out, _ = self.run_it("info", os.path.join(run, "model.ftl"))
        self.assertRegex(out, r"elements +2: Cu Nb")

    def test_decay_of_absent_elements_is_told(self):
        # their product weights have no gradient but the decay, which Adam makes into whole steps
        def warnings(*arguments):
            self.run_number += 1
            run = self.path(f"decay{self.run_number}")
            return self.run_it("train", "-d", copper, "-f", PLAIN, "-o", run, "-e", "1", *BASE, *arguments)[1]

        copper = self.labelled("copper.xyz", structures(10, elements=("Cu", "Cu")))
        self.assertRegex(warnings("--elements", "all"), r"weight decay will destroy .* [0-9]+ elements that train lacks")
        for cure in (["--set", "optimiser.weight_decay=0"], ["--train", "linear"], ["--optimiser", "adamw"]):
            self.assertNotIn("decay", warnings("--elements", "all", *cure))
        self.assertNotIn("decay", warnings("--elements", "data"))
        self.assertNotIn("decay", warnings())

    def test_replay(self):
        raw = self.path("raw.xyz", structures(8, seed=9))
        run = self.train("-f", PLAIN, "-e", "6", "--replay", raw, "--set", "replay.frames=4", "--e0", "fit")
        errors = self.read(run, "errors.csv").decode()
        self.assertRegex(errors, r"replay,total,8,")
        self.assertEqual(self.column(run, "step")[1], 5)  # 16 structures and 4 of replay, 4 at a time
        start = json.loads(self.read(run, "log.jsonl").decode().splitlines()[0])
        self.assertEqual((start["train_frames"], start["replay_frames"]), (16, 8))

    def test_replay_with_a_head_of_its_own(self):
        raw = self.path("raw.xyz", structures(8, seed=9))
        settings = ["--replay", raw, "--set", "replay.head=separate"]
        # a new head answers as the foundation, as long as nothing moves
        for model, head in ((PLAIN, []), (HEADS, ["--head", "oc20"])):
            run = self.train("-f", model, *head, *settings, "-e", "1", "--lr", "1e-12")
            want = self.eval_json(model, raw, *head)
            have = self.eval_json(os.path.join(run, "model.ftl"), raw, "--head", "all")
            for name in ("Default", "oc20" if head else "pt_head"):
                own = [x for x in have if x["head"] == name]
                for key in ("energy", "forces"):
                    self.assert_close([x[key] for x in own], [x[key] for x in want], 1e-5)
        # and then each learns its own
        run = self.train("-f", PLAIN, *settings, "-e", "12", "--e0", "fit", "--batch-size", "2")
        have = self.eval_json(os.path.join(run, "model.ftl"), self.data, "--head", "all")
        energies = {name: [x["energy"] for x in have if x["head"] == name] for name in ("Default", "pt_head")}
        self.assertGreater(min(abs(a - b) for a, b in zip(energies["Default"], energies["pt_head"])), 0.1)

    def test_sampled_replay(self):
        """Structures that the program makes itself keep the foundation from forgetting; they depend on the seed alone."""
        self.data = self.path("few.xyz", "".join(self.frames_of(self.data)[:10]))
        foreign = self.path("foreign.xyz", structures(12, elements=("H", "Cu"), seed=31))
        want = [x["forces"] for x in self.eval_json(PLAIN, foreign)]
        settings = ["-f", PLAIN, "-e", "20", "--batch-size", "2", "--lr", "0.005", "--set", "valid_fraction=0.2"]
        sample = ["--replay-sample", "40", "--set", "replay.frames=8", "--set", "replay.temperature=600", "--set",
                  "replay.steps=5"]  # fmt: skip
        forgotten = []
        for more in ([], sample):
            run = self.train(*settings, *more)
            have = [x["forces"] for x in self.eval_json(os.path.join(run, "model.ftl"), foreign)]
            forgotten.append(sum((a - b) ** 2 for a, b in zip(cli_case.flat(have), cli_case.flat(want))) ** 0.5)
        self.assertLess(forgotten[1], 0.7 * forgotten[0])
        self.assertRegex(self.read(run, "errors.csv").decode(), "replay,sampled,40,")
        self.assertIn("(sampled), frames 40, set replay", self.run_it("info", os.path.join(run, "model.ftl"))[0])
        # other threads, and an interruption, change no bit
        part = self.train(*settings, *sample, "--threads", "2", "-e", "4")
        self.run_it("train", "--resume", part, "-e", "20", "--quiet")
        self.same_run(run, part)
        # with files, whose labels stay theirs, and a head of its own
        run = self.train(*settings, "--replay-sample", "10", "--replay", self.data, "--set", "replay.head=separate",
                         "--set", "replay.labels=data", "-e", "1")  # fmt: skip
        self.assertRegex(self.read(run, "errors.csv").decode(), "replay,total,20,")
        out = ["-o", self.path("no"), "-d", self.data, "-f", PLAIN]
        self.refuse(1, ["replay.rattle", "replay.sample"], "train", *out, "--set", "replay.rattle=0.2")
        self.refuse(1, ["replay.frames", "replay.data|replay.sample"], "train", *out, "--set", "replay.frames=2")
        self.refuse(1, ["replay.steps", "replay.temperature"], "train", *out, *sample[:2], "--set", "replay.steps=2")
        self.refuse(1, ["replay.sample", "fit for use", "max_force"], "train", *out, *sample[:2], "--set",
                    "replay.max_force=0.001", "--set", "valid_fraction=0.4", "--set", "loss.energy=0")  # fmt: skip

    def test_model_says_what_it_was_trained_on(self):
        run = self.train("-f", PLAIN, "-e", "1", "--frames", "8")
        metadata = json.loads(self.run_it("info", "--json", os.path.join(run, "model.ftl"))[0])["origin"]
        files = [(x["name"], x["set"], x["frames"]) for x in metadata["dataset"]["files"]]
        self.assertEqual(files, [("data.xyz", "train", 8), ("data.xyz", "valid", 4)])

    def test_pictures_of_runs(self):
        """frozentl plot takes what a run leaves: interrupted, finished, and resumed with more epochs."""
        names = ["history", "parity-valid", "parity-test", "errors"]
        run = self.path("run")
        arguments = ["-d", self.data, "-o", run, *BASE, "-f", PLAIN, "-e", "4000", "--test", self.data]
        process = subprocess.Popen([cli_case.FROZENTL, "train", *arguments], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)  # fmt: skip
        while not os.path.exists(os.path.join(run, "state.ftl")) or len(self.column(run, "epoch")) < 3:
            time.sleep(0.02)
        self.run_it("plot", run, "-o", self.path("running"))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(), 6)
        self.assertEqual(self.pictures(run), names[:1])
        done = int(self.column(run, "epoch")[-1])
        self.run_it("train", "--resume", run, "-e", str(done + 2), "--quiet")
        self.assertEqual(self.pictures(run), names)
        with open(os.path.join(run, "plots", "history.svg")) as f:
            self.assertIn("epoch", f.read())
        # when it goes on, what it was before does not pass for what it is
        done = subprocess.run([cli_case.FROZENTL, "train", "--resume", run, "-e", str(done + 4000), "--quiet"],
                              timeout=None, stdout=subprocess.DEVNULL, preexec_fn=lambda: signal.alarm(1))  # fmt: skip
        self.assertEqual(done.returncode, -signal.SIGALRM)
        self.assertEqual(self.pictures(run), names[:1])

    def pictures(self, run):
        out, _ = self.run_it("plot", run)
        return re.findall(r"(\S+)\.svg: [0-9.]+ kB", out.replace(os.path.join(run, "plots") + "/", ""))

    def frames_of(self, path):
        with open(path) as f:
            lines = f.read().splitlines(keepends=True)
        frames = []
        while lines:
            n = 2 + int(lines[0])
            frames.append("".join(lines[:n]))
            lines = lines[n:]
        return frames

    def test_lora(self):
        before = self.path("before.ftl")
        self.run_it("convert", PLAIN, before)
        run = self.train("-f", PLAIN, "-e", "12", "--lora", "1", "--train", "readout", "--lr", "0.01")
        loss = self.column(run, "valid_loss")
        self.assertLess(min(loss), 0.5 * loss[0])
        have, want = tensors(os.path.join(run, "model.ftl")), tensors(before)
        changed = {name for name in want if have[name] != want[name]}
        self.assertNotIn("node_embedding.linear.weight", changed)
        self.assertIn("readouts.0.linear.weight", changed)
        # the change of a matrix has rank 1: its minors of order 2 vanish
        name = "products.0.linear.weight"
        new, old = (struct.unpack(f"<{len(t[name]) // 4}f", t[name]) for t in (have, want))
        change = [a - b for a, b in zip(new, old)]
        rows = [change[k : k + 5] for k in range(0, len(change), 5)]
        largest = max(abs(x) for x in change)
        self.assertGreater(largest, 1e-3)
        minors = [a[i] * b[j] - a[j] * b[i] for a in rows for b in rows for i in range(5) for j in range(5)]
        self.assertLess(max(abs(x) for x in minors), 1e-4 * largest**2)
        # and it is resumed to the bit
        part = self.train("-f", PLAIN, "-e", "5", "--lora", "1", "--train", "readout", "--lr", "0.01")
        self.run_it("train", "--resume", part, "-e", "12", "--quiet")
        self.same_run(run, part)

    def test_lora_as_a_delta(self):
        """A delta holds the factors; it is the model that a full file has, and its own errors.csv says so."""
        foundation = self.path("wide.ftl")
        self.run_it("convert", "--dtype", "float64", PLAIN, foundation)
        settings = ["-e", "6", "--lora", "2", "--train", "readout", "--lr", "0.01", "--ema", "0.9", "--swa", "5",
                    "--test", self.data]  # fmt: skip
        for model, relative in ((foundation, 1e-12), (PLAIN, 1e-6)):
            full = self.train("-f", model, *settings)
            run = self.train("-f", model, *settings, "--checkpoint", "delta")
            have = tensors(os.path.join(run, "model.ftl"))
            pairs = [name for name in have if name.endswith(".lora_A")]
            self.assertGreater(len(pairs), 3)
            for name in pairs:
                self.assertIn(name[:-1] + "B", have)
                self.assertNotIn(name[:-7], have)
            self.assertIn("readouts.0.linear.weight", have)
            self.assertLess(len(self.read(run)), 0.8 * len(self.read(full)))
            merged = self.path("merged.ftl")
            self.run_it("merge", "--force", os.path.join(run, "model.ftl"), "-F", model, "-o", merged)
            want = self.eval_json(os.path.join(full, "model.ftl"), self.data)
            for have in (self.eval_json(merged, self.data),
                         self.eval_json(os.path.join(run, "model.ftl"), self.data, "-F", model)):  # fmt: skip
                for key, factor in (("energy", 1), ("forces", 10)):
                    self.assert_close([x[key] for x in have], [x[key] for x in want], factor * relative)
            out, _ = self.run_it("info", os.path.join(run, "model.ftl"), "-F", model)
            self.assertIn(f"{len(pairs)} tensors change by low-rank products", out)
            self.assertIn("lora rank 2, alpha 4: radial", out)
        # the predictions at the end are those of the file, whose factors are rounded
        rows = [line.split(",") for line in self.read(run, "predictions-test.csv").decode().split("\n")[1:-1]]
        forces = [float(x[4]) for x in rows if x[2] == "force"]
        self.assert_close(forces, cli_case.flat([x["forces"] for x in have]), 1e-9)
        part = self.train("-f", PLAIN, *settings, "--checkpoint", "delta", "-e", "5")
        self.run_it("train", "--resume", part, "-e", "6", "--quiet")
        self.same_run(run, part)

    def test_heads(self):
        self.refuse(1, ["several heads", "omat, oc20"], "train", "-d", self.data, "-f", HEADS, "-o", self.path("no"))
        run = self.train("-f", HEADS, "--head", "oc20", "-e", "2", "--loss", "universal")
        self.assertEqual(self.run_it("info", os.path.join(run, "model.ftl"))[0].count("\nhead "), 1)

    def test_divergence_is_told(self):
        with open(self.data) as f:
            text = f.read().split("\n")
        text[1] = re.sub(r"REF_energy=\S+", "config_weight=1e308 REF_energy=1e5", text[1])
        self.data = self.path("huge.xyz", "\n".join(text))
        run = self.path("diverged")
        _, err = self.run_it("train", "-d", self.data, "-f", PLAIN, "-o", run, *BASE, "--e0", "keep", "--set", "seed=3",
                             "--checks", "warn", code=5)  # fmt: skip
        self.assertIn("huge.xyz, line 1, frame 0", err)
        self.assertTrue(os.path.exists(os.path.join(run, "model.ftl")))

    def test_finite_divergence_is_told(self):
        """With an absurd learning rate numbers stay finite, but the loss has left all bounds; a normal one is let be,
        through warm-up and the beginning of stage two."""
        run = self.path("absurd")
        _, err = self.run_it("train", "-d", self.data, "-f", PLAIN, "-o", run, *BASE, "--lr", "3", "-e", "50",
                             code=5)  # fmt: skip
        self.assertRegex(err, r"data\.xyz, line \d+, frame \d+: training diverged: the mean loss of 4 steps")
        self.assertIn("1000 times the smallest", err)
        self.assertLess(len(self.column(run, "epoch")), 50)
        end = json.loads(self.read(run, "log.jsonl").decode().splitlines()[-1])
        self.assertEqual((end["event"], end["reason"]), ("end", "diverged"))
        best = self.column(run, "valid_loss")[end["best_epoch"]]
        self.assertEqual(best, min(self.column(run, "valid_loss")))
        self.eval_json(os.path.join(run, "model.ftl"), self.data)
        self.train("-f", PLAIN, "-e", "12", "--swa", "6", "--set", "schedule.warmup=8", "--set", "swa.energy=100000")

    def test_mistakes(self):
        out = ["-o", self.path("no")]
        self.refuse(1, ["lerning_rate", "nearest"], "train", "-d", self.data, *out, "--set", "lerning_rate=1")
        self.refuse(1, ["absent.xyz"], "train", "-d", self.path("absent.xyz"), "-f", PLAIN, *out)
        self.refuse(1, ["no structure"], "train", "-d", self.path("empty.xyz", ""), "-f", PLAIN, *out)
        self.refuse(1, ["no structure"], "train", "-d", self.data, "-f", PLAIN, *out, "--valid", self.path("empty.xyz"))
        self.refuse(1, ["nothing is left", "train"], "train", "-d", self.data, "-f", PLAIN, *out, "--freeze", "f7")
        self.refuse(1, ["radail", "radial"], "train", "-d", self.data, "-f", PLAIN, *out, "--freeze", "radail")
        self.refuse(1, ["label"], "train", "-d", self.path("raw-data.xyz"), "-f", PLAIN, *out)
        with open(self.data) as f:
            text = f.read()
        nan = self.path("nan.xyz", re.sub(r"REF_energy=\S+", "REF_energy=inf", text, count=1))
        self.refuse(1, ["nan.xyz, line 2", "not a finite number"], "train", "-d", nan, "-f", PLAIN, *out)
        self.refuse(3, ["cannot be made"], "train", "-d", self.data, "-f", PLAIN, "-o", self.path("empty.xyz/a/b"))
        self.refuse(1, ["no run to go on with"], "train", "--resume", self.folder)
        self.refuse(2, ["--resume"], "train", "--resume", self.folder, "--lr", "1")
        # folders above the run's are made, and a run that ends before it wrote anything leaves none of them
        self.refuse(1, ["radail"], "train", "-d", self.data, "-f", PLAIN, "-o", self.path("runs/x//y/"), "--freeze", "radail")
        self.assertNotIn("runs", os.listdir(self.folder))
        run = self.train("-f", PLAIN, "-e", "1", run=self.path("runs/x//y/"))
        self.refuse(1, ["holds a run"], "train", "-d", self.data, "-f", PLAIN, "-o", run)

    def test_no_space(self):
        """A limit on the size of files stands for a full disk: the state does not fit, the old one stays."""
        run = self.train("-f", PLAIN, "-e", "1")
        state = self.read(run, "state.ftl")

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(state) // 2, len(state) // 2))

        done = subprocess.run([cli_case.FROZENTL, "train", "--resume", run, "-e", "3", "--quiet"], preexec_fn=limit,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("state.ftl", done.stderr)
        self.assertEqual(self.read(run, "state.ftl"), state)
        self.assertFalse([name for name in os.listdir(run) if name.endswith(".tmp")])
        self.run_it("train", "--resume", run, "-e", "3", "--quiet")

    def test_manual_has_the_table(self):
        with open(os.path.join(os.path.dirname(os.path.dirname(cli_case.HERE)), "docs", "training.md")) as f:
            manual = f.read()
        table, _ = self.run_it("train", "--document")
        self.assertTrue(manual.endswith(table), "docs/training.md must end with what frozentl train --document prints")

    def test_proposed_recipe(self):
        recipe = self.path("recipe.yaml")
        self.run_it("train", "--init", recipe, "-d", self.data, "-f", PLAIN)
        with open(recipe) as f:
            text = f.read()
        self.assertIn("20 structures of 4 to 5 atoms, elements H Cu", text)
        self.refuse(3, ["exists"], "train", "--init", recipe, "-d", self.data)
        run = self.path("proposed")
        self.run_it("train", recipe, "-e", "1", "-o", run, "--quiet")
        self.assertIn("cosine", self.read(run, "recipe.yaml").decode())


if __name__ == "__main__":
    cli_case.main()
