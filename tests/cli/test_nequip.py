"""frozentl on models of the NequIP family: training, freezing, low rank, deltas, heads, resuming, and what info, convert and
merge make of them. The engine of inference (eval) answers for what the trainer's sweeps say.

Foundations are random twins of ../shared/reference/sevennet; skipped without them. Labels are what a MACE twin answers.
"""

import json
import os
import unittest

import cli_case
import runs_case
import test_train
from test_train import tensors

SHARED = os.environ.get("FTL_SHARED") or os.path.join(os.path.dirname(cli_case.HERE), "..", "..", "shared")
SEVENNET = os.path.join(SHARED, "reference", "sevennet")
PLAIN = os.path.join(SEVENNET, "sev0-like.pth")  # three layers, XPLOR, linear self-connections, no modalities
MODAL = os.path.join(SEVENNET, "modal-all.pth")  # PBE and R2SCAN; odd features, self-connections by element

BASE = ["--lr", "0.001", "--schedule", "constant", "--batch-size", "4", "--set", "valid_fraction=0.25", "--ema", "0",
        "--set", "loss.energy=1", "--set", "loss.stress=1", "--threads", "1", "--quiet"]  # fmt: skip


@unittest.skipUnless(os.path.exists(PLAIN), f"skipped: there is no {PLAIN}; set FTL_SHARED")
class Nequip(runs_case.RunsCase):
    def setUp(self):
        super().setUp()
        self.data = self.labelled("data.xyz", test_train.structures(8))

    def train(self, name, *arguments, code=0, foundation=PLAIN):
        run = self.path(name)
        out, err = self.run_it("train", "-f", foundation, "-d", self.data, "-o", run, *BASE, *arguments, code=code)
        return run if code == 0 else out + err

    def losses(self, run):
        with open(os.path.join(run, "log.csv")) as f:
            rows = [line.rstrip("\n").split(",") for line in f]
        return [float(row[rows[0].index("valid_loss")]) for row in rows[1:]]

    def energies(self, model, *options):
        frames = self.eval_json(model, self.data, *options)
        return [x["energy"] for x in frames]

    def test_training_is_what_the_engine_says(self):
        run = self.train("run", "--epochs", "8", "--test", self.data)
        self.assertLess(min(self.losses(run)), 0.9 * self.losses(run)[0])
        out, _ = self.run_it("eval", os.path.join(run, "model.ftl"), self.data, "--labels", "REF_")
        errors = self.read(run, "errors.csv").decode().split("\n")
        total = [line for line in errors if line.startswith("test,total")]
        self.assertIn(f"{1000 * float(total[0].split(',')[4]):.3f}", out)
        again = self.train("again", "--epochs", "8", "--test", self.data, "--threads", "2")
        self.same_run(run, again)

    def test_what_freezing_leaves(self):
        before = self.path("before.ftl")
        self.run_it("convert", PLAIN, before)
        want = tensors(before)
        e0 = "atomic_energies_fn.atomic_energies"
        for freeze, starts in cli_case.kinds([
            ("f3", ("interactions.2.", "readouts.")),
            ("layer0,layer2,radial,embedding", ("interactions.1.", "readouts.")),
        ]):
            run = self.train("run-" + freeze[:2], "--epochs", "1", "--elements", "all", "--freeze", freeze)
            have = tensors(os.path.join(run, "model.ftl"))
            changed = {name for name in want if have.get(name) != want[name]}
            self.assertTrue(all(name.startswith(starts) or name == e0 for name in changed), changed)
            self.assertIn("readouts.0.linear_2.weight", changed)
            self.assertNotIn("scale_shift.scale", changed)
        everything = tensors(os.path.join(self.train("all", "--epochs", "1", "--elements", "all"), "model.ftl"))
        changed = {name for name in want if everything.get(name) != want[name]}
        self.assertIn("radial_embedding.bessel_fn.bessel_weights", changed)
        self.assertNotIn("interactions.0.denominator", changed)

    def test_resumed_is_the_same_to_the_bit(self):
        for name, options in cli_case.kinds([("low", ["--lora", "2"]), ("whole", [])]):
            straight = self.train(name, "--epochs", "4", *options)
            broken = self.train(name + "-2", "--epochs", "2", *options)
            self.run_it("train", "--resume", broken, "--epochs", "4", "--quiet")
            self.same_run(straight, broken)

    def test_deltas_and_low_rank(self):
        delta = os.path.join(self.train("delta", "--epochs", "1", "--freeze", "f4", "--set", "checkpoint=delta"), "model.ftl")
        held = set(tensors(delta))
        self.assertLessEqual(held, {"readouts.0.linear_1.weight", "readouts.0.linear_2.weight",
                                    "atomic_energies_fn.atomic_energies"})  # fmt: skip
        low = os.path.join(self.train("low", "--epochs", "1", "--lora", "2", "--set", "checkpoint=delta"), "model.ftl")
        self.assertIn("interactions.1.linear.weight.lora_A", tensors(low))
        for k, file in enumerate((delta, low)):
            merged = self.path(f"merged{k}.ftl")
            self.run_it("merge", file, "--foundation", PLAIN, "-o", merged)
            self.assert_close(self.energies(file, "--foundation", PLAIN), self.energies(merged), 1e-14)
            self.assertNotEqual(self.energies(merged), self.energies(PLAIN))
        out, _ = self.run_it("diff", PLAIN, delta, "--foundation", PLAIN, code=7)
        self.assertIn("readouts.0.linear_2.weight", out)

    def test_heads(self):
        words = self.train("none", code=1, foundation=MODAL)
        self.assertIn("choose with head the one to train: PBE, R2SCAN", words)
        still = ["--epochs", "1", "--lr", "1e-12", "--e0", "keep", "--replay", self.data, "--set", "replay.head=separate"]
        for k, (foundation, head) in enumerate(cli_case.kinds([(PLAIN, []), (MODAL, ["--head", "PBE"])])):
            # a new head begins as a copy of the foundation's, whether or not that has modalities
            model = os.path.join(self.train(f"still{k}", *still, *head, foundation=foundation), "model.ftl")
            want = self.energies(foundation, *head)
            for name in ("Default", "pt_head" if foundation == PLAIN else "PBE"):
                self.assert_close(self.energies(model, "--head", name), want, 1e-9)
            # and learns something else
            model = os.path.join(self.train(f"moves{k}", *still, *head, "--lr", "0.01", "--epochs", "3",
                                            foundation=foundation), "model.ftl")  # fmt: skip
            rows = tensors(model)["interactions.1.linear.heads"]
            self.assertNotEqual(rows[: len(rows) // 2], rows[len(rows) // 2 :])
            one = self.path(f"one{k}.ftl")
            self.run_it("convert", model, one, "--head", "Default")
            self.assert_close(self.energies(one), self.energies(model, "--head", "Default"), 1e-13)

    def test_cut(self):
        for k, (foundation, head) in enumerate(cli_case.kinds([(MODAL, ["--head", "R2SCAN"]), (PLAIN, [])])):
            cut = self.path(f"cut{k}.ftl")
            self.run_it("convert", foundation, cut, "--elements", "H,Cu", *head)
            self.assert_close(self.energies(cut), self.energies(foundation, *head), 1e-13)
            self.assertEqual(json.loads(self.run_it("info", "--json", cut)[0])["elements"], ["Cu", "H"])

    def test_info(self):
        info = json.loads(self.run_it("info", "--json", MODAL)[0])
        self.assertEqual((info["class"], len(info["layers"]), len(info["heads"])), ("NequIP", 3, 2))
        self.assertEqual(info["radial"]["cutoff_p"], 6)
        self.assertEqual(info["layers"][1]["self_connection"], "by element")
        self.assertEqual(info["layers"][1]["denominator"], 5.5)
        self.assertAlmostEqual(info["heads"][0]["scale"]["Cu"], 0.9927466511726379)
        text, _ = self.run_it("info", PLAIN)
        for words in ("NequIP", "XPLOR cutoff from 4.5", "self-connection linear", "scalars silu, odd ones tanh", "layer2.skip"):
            self.assertIn(words, text)

    def test_shifts_are_not_energies_of_single_atoms(self):
        with open(self.data, "a") as f:
            for symbol in ("Cu", "H"):
                f.write(f'1\nProperties=species:S:1:pos:R:3 REF_energy=-77 pbc="F F F"\n{symbol} 0 0 0\n')
        run = self.path("run")
        _, err = self.run_it("train", "-f", PLAIN, "-d", self.data, "-o", run, *BASE, "--epochs", "1", "--checks", "warn")
        self.assertIn("the isolated atoms of data do not count", err)
        e0 = json.loads(self.run_it("info", "--json", os.path.join(run, "model.ftl"))[0])["heads"][0]["E0"]
        self.assertTrue(all(abs(x + 77) > 10 for x in e0.values()), e0)

    def test_refusals(self):
        for words, options in (
            ("its shift is fitted with e0, its scale is kept", ["--scale-shift", "fit"]),
            ("it has a shift for each element", ["--e0", "given", "--set", "e0.values=H=-1,Cu=-2"]),
            ("'product.weights' names nothing in this model", ["--freeze", "product.weights"]),
            ("scratch.interaction is one of residual|density|nonlinear", ["--set", "scratch.interaction=nequip"]),
        ):
            self.assertIn(words, self.train("refused", *options, code=1))


if __name__ == "__main__":
    cli_case.main()
