"""frozentl train --method linear: the last layer and E0 solved for, with random features; what it writes, and what it refuses."""

import json
import os
import random
import re

import cli_case
from cli_case import HERE, PLAIN, structures
from test_checkpoints import read_safetensors

SEVENNET = os.path.join(os.path.dirname(HERE), "parity", "sevennet-twins", "s-parity-l3.pth")
STEPS = {"freeze": "f5", "train": "readout", "rates": "radial=0.1", "lora.rank": "2", "loss.kind": "huber", "optimiser.lr": "0.1", "schedule.kind": "constant",
         "ema": "0.9", "swa.start": "2", "epochs": "3", "steps": "3", "batch_size": "2", "patience": "2", "save_every": "1"}  # fmt: skip


class Linear(cli_case.CliCase):
    def labelled(self, name, n, seed, model=PLAIN):
        """Structures with the model's own answers, each element's energies shifted, forces and stress too large by a tenth."""
        bare, out = self.path("bare.xyz", structures(n, seed=seed)), self.path("answers.xyz")
        self.run_it("eval", model, bare, "--quiet", "-o", out)
        rng, lines = random.Random(seed), []
        with open(out) as f:
            for line in f:
                if "energy=" in line:
                    line = re.sub(r"\benergy=(\S+)", lambda m: f"REF_energy={1.1 * float(m[1]) + 0.02 * rng.gauss(0, 1)!r}", line)
                    line = re.sub(r'\bstress="([^"]*)"', lambda m: 'REF_stress="' + " ".join(f"{1.1 * float(x)!r}" for x in m[1].split()) + '"', line)
                    line = line.replace(":forces:", ":REF_forces:")
                elif len(line.split()) >= 7:
                    words = line.split()
                    line = " ".join(words[:4] + [f"{1.1 * float(x) + 0.01 * rng.gauss(0, 1):.8f}" for x in words[4:7]] + words[7:]) + "\n"
                lines.append(line)
        return self.path(name, "".join(lines))

    def train(self, run, model, data, *options, code=0):
        return self.run_it("train", "-f", model, "-d", data, "-o", self.path(run), "--method", "linear", *options, code=code)

    def log(self, run):
        with open(os.path.join(self.path(run), "log.jsonl")) as f:
            return [json.loads(line) for line in f]

    def test_run(self):
        """Both families, with and without random features: valid gets better, what is frozen keeps its bytes, any number of threads gives
        the same file, a delta is small and is the whole model, and the model tells its errors afterwards."""
        for model, features in ((PLAIN, ()), (SEVENNET, ("--random-features", "16"))):
            data = self.labelled("data.xyz", 14, 1, model)
            test = self.labelled("test.xyz", 3, 2, model)
            for folder in ("full", "threads", "delta"):
                self.run_it("train", "-f", model, "-d", data, "--test", test, "-o", self.path(folder + str(len(features))), "--method", "linear", "--quiet",
                            "-t", "3" if folder == "threads" else "1", *features, *(("--checkpoint", "delta", "--set", "trust=true") if folder == "delta" else ()))  # fmt: skip
            full, threads, delta = (self.path(f"{folder}{len(features)}/model.ftl") for folder in ("full", "threads", "delta"))
            log = self.log(f"full{len(features)}")
            solutions = [event for event in log if event["event"] == "epoch"]
            self.assertEqual([event["epoch"] for event in solutions], list(range(len(solutions))))
            self.assertEqual(log[-1]["reason"], "solved")
            self.assertGreater(min(event["strength"] for event in solutions[1:]), 0)
            self.assertLess(min(event["valid_loss"] for event in solutions), 0.5 * solutions[0]["valid_loss"])
            with open(full, "rb") as f, open(threads, "rb") as g:
                self.assertEqual(f.read(), g.read())
            info, _ = self.run_it("info", "-v", full)
            self.assertRegex(info, r"trained: linear, on \d+ structures")
            # only the last maps and E0
            whole, changed = read_safetensors(full)[1], read_safetensors(delta)[1]
            names = [name for name in changed if not name.startswith("trust.")]
            allowed = r"(readouts\.\d\.(linear|linear_1|linear_2|layer\d)\.weight|atomic_energies_fn\.atomic_energies|scale_shift\.(scale|shift))$"
            for name in names:
                self.assertRegex(name, allowed)
                self.assertEqual(changed[name], whole[name], name)
            self.assertLess(os.path.getsize(delta), 60e3)
            at = self.path("whole.ftl")
            os.path.exists(at) and os.remove(at)
            foundation = ("--foundation", model)
            self.run_it("merge", delta, "-o", at, *foundation)
            answers = self.eval_json(full, test)
            for told, plain in zip(self.eval_json(delta, test, "--trust", *foundation), answers):
                self.assertEqual(told["forces"], plain["forces"])
                self.assertGreater(min(told["force_deviation"]), 0)
            self.assertEqual([a["energy"] for a in self.eval_json(at, test)], [a["energy"] for a in answers])
            # a fine-tuning of its own goes on from it, and its random features are not added twice
            if features:
                _, said = self.train("again", full, data, *features, code=1)
                self.assertIn("random features already", said)
                self.run_it("train", "-f", full, "-d", data, "-o", self.path("tuned"), "-e", "1", "--lr", "1e-9", "--quiet")

    def test_finished_and_resumed(self):
        data = self.labelled("data.xyz", 8, 1)
        self.train("run", PLAIN, data, "--quiet", "--set", "linear.rows=4")
        _, said = self.run_it("train", "--resume", self.path("run"), code=1)
        self.assertIn("the run is finished", said)
        os.remove(self.path("run/state.ftl"))  # as if it had been interrupted before the first one
        with open(self.path("run/model.ftl"), "rb") as f:
            before = f.read()
        self.run_it("train", "--resume", self.path("run"), "--quiet")
        with open(self.path("run/model.ftl"), "rb") as f:
            self.assertEqual(f.read(), before)

    def test_single_atoms(self):
        """With the foundation's E0 kept, an atom that nothing is near has them still, random features or not; a delta learns to tell its
        errors as well."""
        data, atom = self.labelled("data.xyz", 8, 1), self.path("atom.xyz", '1\nProperties=species:S:1:pos:R:3 pbc="F F F"\nCu 0 0 0\n')
        self.train("run", PLAIN, data, "--quiet", "--e0", "keep", "--random-features", "24", "--checkpoint", "delta")
        delta, foundation = self.path("run/model.ftl"), ("--foundation", PLAIN)
        (before,), (after,) = self.eval_json(PLAIN, atom), self.eval_json(delta, atom, *foundation)
        self.assertAlmostEqual(after["energy"], before["energy"], delta=1e-9 * abs(before["energy"]))
        plain = self.eval_json(delta, data, *foundation)
        self.run_it("trust", delta, data, *foundation, "--rows", "2", "-o", self.path("taught.ftl"))
        taught = self.eval_json(self.path("taught.ftl"), data, "--trust", *foundation)
        self.assertEqual([a["forces"] for a in taught], [a["forces"] for a in plain])

    def test_refused(self):
        data = self.labelled("data.xyz", 6, 1)
        for key, value in STEPS.items():
            _, said = self.train("refused", PLAIN, data, "--set", f"{key}={value}", code=1)
            self.assertRegex(said, rf"{re.escape(key)} applies only with method gradient, and method is linear")
        _, said = self.run_it("train", "-f", PLAIN, "-d", data, "-o", self.path("refused"), "--random-features", "8", code=1)
        self.assertIn("random_features applies only with method linear", said)
        _, said = self.run_it("train", "-d", data, "-o", self.path("refused"), "--method", "linear", code=1)
        self.assertIn("linear needs a foundation", said)


if __name__ == "__main__":
    cli_case.main()
