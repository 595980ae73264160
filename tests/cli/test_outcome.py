"""frozentl train: what is said about the success of a run. One that makes errors larger than they were says so while it
goes on and at its end, in every way of training; the model that is kept is named; flags and --init have the same defaults;
which structures are trained on does not depend on their order in the file."""

import json
import os
import random
import re

import cli_case
import test_train
from cli_case import PLAIN

SHORT = ["--batch-size", "4", "--epochs", "8", "--e0", "keep", "--threads", "1", "--quiet"]
# every way of training, and the options that its advice names
WAYS = {"plain": ([], "--lr"), "no average": (["--ema", "0"], "--lr"), "huber": (["--loss", "huber"], "--lr"),
        "frozen": (["--freeze", "f5"], "--lr"), "lora": (["--lora", "2", "--train", "readout"], "--lr"),
        "replay": (["--replay-sample", "8"], "--lr"),
        "two stages": (["--swa", "3", "--set", "swa.lr=0.02", "--set", "swa.energy=1e-6"], "swa.lr")}  # fmt: skip


class Outcome(test_train.Train):
    """Its helpers only; tests of the other file are not repeated."""

    def own(self, name, energies, forces):
        """Structures with energies of one model and forces of another as labels."""
        raw = self.path("raw-" + name, test_train.structures(20))
        answers = [self.eval_json(model, raw) for model in (energies, forces)]
        frames = self.frames_of(raw)
        text = ""
        for frame, e, f in zip(frames, *answers):
            lines = frame.splitlines()
            head = lines[1].replace("pos:R:3", "pos:R:3:REF_forces:R:3") + f" REF_energy={e['energy']!r}"
            atoms = [line + " " + " ".join(repr(x) for x in force) for line, force in zip(lines[2:], f["forces"])]
            text += "\n".join([lines[0], head, *atoms]) + "\n"
        return self.path(name, text)

    def warnings(self, *arguments, code=0):
        self.run_number += 1
        run = self.path(f"outcome{self.run_number}")
        _, err = self.run_it("train", "-o", run, *arguments, code=code)
        return run, err

    def test_energies_that_get_worse_are_told(self):
        data = self.own("mixed.xyz", PLAIN, test_train.TEACHER)  # energies are right from the beginning
        for way, (options, cure) in WAYS.items():
            with self.subTest(way):
                light = ["--set", "loss.energy=1e-6", "--lr", "0.02"]
                run, err = self.warnings("-d", data, "-f", PLAIN, *SHORT, *light, *options)
                early = re.findall(r"warning: epoch (\d+): errors on valid are larger than before training: (.*)", err)
                self.assertEqual(len(early), 1, err)  # once
                self.assertRegex(early[0][1], r"energy [\d.]+ -> [\d.]+ meV/atom")
                self.assertNotIn("forces", early[0][1].split(";")[0])
                last = re.findall(r"warning: model.ftl \(epoch (\d+)\) .* worse than before training in energy", err)
                self.assertEqual(len(last), 1, err)
                self.assertIn(cure, err.splitlines()[-1])
                events = [json.loads(line) for line in self.read(run, "log.jsonl").decode().splitlines()]
                self.assertEqual(events[-1]["best_epoch"], int(last[0]))
                self.assertEqual(sum("larger than before" in e.get("text", "") for e in events), 1)

    def test_it_is_told_once_when_resumed(self):
        data = self.own("mixed.xyz", PLAIN, test_train.TEACHER)
        light = ["--set", "loss.energy=1e-6", "--lr", "0.02", "--schedule", "constant"]
        run, err = self.warnings("-d", data, "-f", PLAIN, *SHORT, *light, "--epochs", "4")
        self.assertIn("errors on valid are larger", err)
        _, err = self.run_it("train", "--resume", run, "--epochs", "8", "--quiet")
        self.assertNotIn("errors on valid are larger", err)
        self.assertIn("worse than before training in energy", err)

    def test_nothing_gained_is_told(self):
        data = self.own("perfect.xyz", PLAIN, PLAIN)
        run, err = self.warnings("-d", data, "-f", PLAIN, *SHORT, "--lr", "0.02")
        self.assertIn("training brought nothing", err)
        self.assertIn("--lr", err)
        self.assertEqual(len(re.findall("larger than before training", err)), 1)
        self.assertEqual(self.column(run, "best"), [1] + 8 * [0])
        have, want = (self.eval_json(model, data) for model in (os.path.join(run, "model.ftl"), PLAIN))
        self.assert_close([x["energy"] for x in have], [x["energy"] for x in want], 1e-6)
        # stage two does not replace a better model of stage one
        run, err = self.warnings("-d", data, "-f", PLAIN, *SHORT, "--lr", "0.02", "--swa", "4")
        self.assertIn("training brought nothing", err)
        have = self.eval_json(os.path.join(run, "model.ftl"), data)
        self.assert_close([x["energy"] for x in have], [x["energy"] for x in want], 1e-6)

    def test_a_good_run_is_not_blamed(self):
        run, err = self.warnings("-d", self.data, "-f", PLAIN, "--batch-size", "4", "--epochs", "10", "--quiet")
        self.assertNotRegex(err, "(larger|worse) than before training.*(energy|forces)")
        out, _ = self.run_it("train", "-d", self.data, "-f", PLAIN, "--epochs", "2", "-o", self.path("loud"))
        self.assertRegex(out, r"best epoch [12], loss on valid \S+ \(before training \S+\): its model is \S+/model.ftl")
        self.assertRegex(out, r"valid, before training -> model.ftl: energy \S+ -> \S+ meV/atom, forces .*, stress ")

    def test_defaults_are_the_same_everywhere(self):
        for name, foundation in (("tuned", ["-f", PLAIN]), ("scratch", [])):
            small = [x for key in test_train.SCRATCH for x in ("--set", key)] if not foundation else []
            flags = ["-d", self.data, *foundation, *small, "--steps", "2", "--seed", "4"]
            recipe, run, again = self.path(name + ".yaml"), self.path(name), self.path(name + "-again")
            self.run_it("train", "--init", recipe, *flags)
            self.run_it("train", *flags, "-o", run, "--quiet")
            self.run_it("train", recipe, "-o", again, "--quiet")
            texts = [self.read(folder, "recipe.yaml").decode().splitlines()[1:] for folder in (run, again)]
            self.assertEqual(*texts)  # but for the first line, output
            self.same_run(run, again)

    def test_order_of_the_file_does_not_count(self):
        frames = self.frames_of(self.data)
        random.Random(5).shuffle(frames)
        other = self.path("shuffled.xyz", "".join(frames))
        for options in ([], ["--frames", "9"], ["--fraction", "0.4"], ["--set", "valid_fraction=0.4"]):
            first = []
            for data in (self.data, other):
                run, _ = self.warnings("-d", data, "-f", PLAIN, "--epochs", "1", "--quiet", "--e0", "keep", *options)
                errors = self.read(run, "errors.csv").decode()
                parts = sorted(re.findall(r"(?m)^(\w+,\w+,\d+,\d+),", errors))
                first.append((self.column(run, "valid_loss")[0], parts))
            self.assertAlmostEqual(first[0][0], first[1][0], delta=1e-9 * first[0][0])
            self.assertEqual(first[0][1], first[1][1])

    def test_small_sets_and_missing_types_are_told(self):
        frames = self.frames_of(self.data)
        rare = self.path("rare.xyz", "".join(frames[:1]).replace("odd", "rare") + "".join(frames[1:]))
        base = ["-f", PLAIN, "--epochs", "1", "--quiet"]
        self.assertIn("no structure of config_type rare (1)", self.warnings("-d", rare, *base)[1])
        self.assertIn("no structure of config_type bulk",
                      self.warnings("-d", self.data, "--valid", self.path("odd.xyz", frames[0]), *base)[1])  # fmt: skip
        few = self.path("few.xyz", "".join(frames[:6]))
        self.assertIn("valid has 1 structure only", self.warnings("-d", few, *base)[1])
        said = self.warnings("-d", self.data, *base, "--set", "valid_fraction=0.01")[1]
        self.assertIn("0.01 of 20 structures would be 0 to validate on; 4 are taken", said)
        self.refuse(1, ["one structure"], "train", "-d", self.path("one.xyz", frames[0]), *base, "-o", self.path("no"))
        self.refuse(1, ["copies"], "train", "-d", self.path("same.xyz", 5 * frames[0]), *base, "-o", self.path("no"))
        self.refuse(1, ["frames is 17", "16 structures"], "train", "-d", self.data, *base, "--frames", "17", "-o",
                    self.path("no"))  # fmt: skip


def load_tests(loader, standard, pattern):
    names = [name for name in vars(Outcome) if name.startswith("test_")]
    return loader.suiteClass(Outcome(name) for name in names)


if __name__ == "__main__":
    cli_case.main()
