"""`frozentl train --from-mace`: a command line of mace_run_train becomes the recipe that trains as mace-torch would, and says what has no
counterpart. Guards the table against mace-torch's own parser, where build/bench/venv or FTL_MACE_PARSER (its arg_parser.py) is there."""

import ast
import glob
import os
import re
import unittest

import cli_case
import runs_case

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def parser_file():
    """mace-torch's arg_parser.py, or None."""
    found = glob.glob(os.path.join(ROOT, "build", "bench", "venv", "lib", "python3*", "site-packages", "mace", "tools", "arg_parser.py"))
    return os.environ.get("FTL_MACE_PARSER") or (found[0] if found else None)


def flags_of(path):
    """The flags of build_default_arg_parser with their defaults (None: none, or no literal), read without running it."""
    with open(path) as file:
        tree = ast.parse(file.read())
    body = next(f for f in tree.body if isinstance(f, ast.FunctionDef) and f.name == "build_default_arg_parser")
    flags = {}
    for call in ast.walk(body):
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") in ("add_argument", "add"):
            default = {k.arg: k.value for k in call.keywords}.get("default")
            for word in call.args:
                flags[word.value.lstrip("-")] = ast.literal_eval(default) if isinstance(default, ast.Constant) else None
    return flags


class FromMace(runs_case.RunsCase):
    def recipe(self, command, *flags):
        return self.written_recipe("train", "--from-mace", command, *flags)

    def test_new_model(self):
        got, err = self.recipe(f"mace_run_train --name=x --train_file {self.data} --valid_fraction=0.25 --E0s='{{1: -1.5, 29: 2}}' "
                               "--hidden_irreps='32x0e + 32x1o' --radial_MLP='[16, 8]' --r_max=4.5 --swa --ema --ema_decay=0.9 --max_num_epochs 100 "
                               "--loss stress --stress_weight=7 --stage_two_lr=0.002 --default_dtype=float32 --device=cuda --wandb")  # fmt: skip
        want = {"valid_fraction": "0.25", "e0.kind": "given", "e0.values": "{H: -1.5, Cu: 2}", "scratch.hidden": "32x0e+32x1o",
                "scratch.radial_mlp": "[16, 8]", "scratch.r_max": "4.5", "swa.start": "75", "swa.lr": "0.002", "ema": "0.9", "loss.energy": "1",
                "loss.stress": "7", "precision": "mixed", "optimiser.lr": "0.01", "schedule.kind": "plateau", "epochs": "100", "seed": "123",
                "batch_size": "10", "swa.energy": "1000", "swa.stress": "10"}  # fmt: skip
        self.assertEqual({key: got.get(key) for key in want}, want)
        for flag in ("--name", "--device", "--wandb"):
            self.assertIn(flag, err)

    def test_foundation(self):
        got, err = self.recipe(f"--train_file={self.data} --foundation_model={cli_case.PLAIN} --freeze=5 --lr_params_factors=\"{{'products_lr_factor': 0.5}}\" "
                               "--scaling no_scaling --r_max 7 --E0s=foundation --scheduler ExponentialLR", "--lr", "0.003")  # fmt: skip
        want = {"freeze": "[f5]", "rates": '{"products.*": 0.5}', "e0.kind": "keep", "schedule.kind": "exponential", "optimiser.lr": "0.003",
                "elements": "[data]", "loss.stress": "0"}  # fmt: skip
        self.assertEqual({key: got.get(key) for key in want}, want)
        self.assertIn("--multiheads_finetuning has no counterpart", err)
        self.assertIn("without effect here: --scaling, --r_max", err)

    def test_trains(self):
        run = self.path("run")
        self.run_it("train", "--from-mace", f"mace_run_train --train_file={self.data} --foundation_model={cli_case.PLAIN} --multiheads_finetuning=False "
                    "--max_num_epochs=2 --lr=1e-4", "-o", run, "--quiet")  # fmt: skip
        self.assertTrue(os.path.exists(os.path.join(run, "model.ftl")))

    def test_refused(self):
        for command, words in (
            ("mace_run_train --nonsense 3", ["no flag --nonsense"]),
            ("--train_file x --model BOTNet", ["--model of mace_run_train", "BOTNet"]),
            ("--train_file $(ls)", ["not executed"]),
            ("--train_file 'x", ["quotation mark"]),
            ("--train_file x --optimizer schedulefree", ["--optimizer", "one of adam, adamw"]),
            ("--lr 0.1", ["--train_file", "missing"]),
            ("--train_file x --E0s '{1: a}'", ["--E0s", "dictionary"]),
            ("--train_file x --E0s E0s.json", ["--E0s", "is a file"]),
            ("--train_file x --compute_atomic_dipole True", ["dipoles"]),
            ("--train_file x --max_L 5", ["--max_L"]),
            ("--train_file x --freeze -1 --foundation_model y", ["--freeze"]),
            ("--train_file", ["--train_file has no value"]),
        ):
            with self.subTest(command):
                self.refuse(1, words, "train", "--from-mace", command)
        self.refuse(2, ["--from-mace goes with"], "train", "recipe.yaml", "--from-mace", "--train_file x")

    def test_table(self):
        self.check_translation("train", "mace", r"^\| `--([A-Za-z0-9_]+)`", "from-mace.md")

    @unittest.skipUnless(parser_file(), "mace-torch is not there: bench/setup_rivals.sh installs it, or FTL_MACE_PARSER names its arg_parser.py")
    def test_parser_of_mace_torch(self):
        out, _ = self.run_it("train", "--document-from-mace")
        ours = dict(re.findall(r"^\| `--([A-Za-z0-9_]+)` \| (.*?) \|", out, re.M))
        theirs = flags_of(parser_file())
        second = {name for name in theirs if "stage_two" in name}
        self.assertEqual(sorted(set(theirs) - set(ours) - second), [])
        self.assertEqual(sorted(set(ours) - set(theirs)), [])
        for name, default in theirs.items():
            if ours.get(name) and default is not None:
                try:
                    same = float(ours[name]) == float(default)
                except ValueError:
                    same = ours[name] == str(default)
                self.assertTrue(same, f"{name}: {ours[name]} here, {default} in mace-torch")


if __name__ == "__main__":
    cli_case.main()
