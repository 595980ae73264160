"""Options that could have no effect are refused before anything is done, by a sentence that names the option and why;
their harmless neighbours are taken. Every command that has options of its own."""

import os

import cli_case
import test_train
from cli_case import HEADS, PLAIN, xyz_of

ROOT = os.path.dirname(os.path.dirname(cli_case.HERE))
ACE = os.path.join(ROOT, "potentials", "h2cu-ace.ftl")


def sets(*keys):
    return [x for key in keys for x in ("--set", key)]


# (words of the message, options); the data have no stress, 20 structures, 16 of them to train on in 4 steps an epoch
TUNED = [
    (["swa.start is 10", "epoch 2"], ["-e", "2", "--swa", "10"]),
    (["swa.start is 9", "epoch 5"], ["--steps", "20", "--swa", "9"]),
    (["swa.lr", "swa.start"], sets("swa.lr=0.1")),
    (["swa.energy", "swa.start"], sets("swa.energy=3")),
    (["patience is 5", "epoch 5"], ["-e", "5", "--patience", "5"]),
    (["schedule.patience is 7"], ["-e", "3", "--schedule", "plateau", *sets("schedule.patience=7")]),
    (["schedule.patience", "schedule.kind is cosine"], sets("schedule.patience=7")),
    (["schedule.gamma", "schedule.kind is constant"], ["--schedule", "constant", *sets("schedule.gamma=0.9")]),
    (["schedule.min_lr is 0.1", "optimiser.lr"], ["--lr", "0.01", *sets("schedule.min_lr=0.1")]),
    (["epochs", "steps"], ["--steps", "4", "-e", "2"]),
    (["fraction", "frames"], ["--frames", "4", "--fraction", "0.5"]),
    (["valid_fraction", "valid"], ["--valid", "DATA", *sets("valid_fraction=0.2")]),
    (["loss.huber_delta", "loss.kind"], sets("loss.huber_delta=1")),
    (["e0.values", "e0.kind"], sets("e0.values=H=-1")),
    (["lora.alpha", "lora.rank"], sets("lora.alpha=2")),
    (["lora.groups", "lora.rank"], sets("lora.groups=radial")),
    (["freeze", "lora.rank"], ["--lora", "2", "--freeze", "f5"]),
    (["replay.frames", "replay.data"], sets("replay.frames=2")),
    (["replay.weight", "replay.data"], sets("replay.weight=2")),
    (["replay.head", "replay.data"], sets("replay.head=separate")),
    (["replay.labels", "replay.data"], ["--replay-sample", "4", *sets("replay.labels=data")]),
    (["replay.weight is 0"], ["--replay", "DATA", *sets("replay.weight=0")]),
    (["replay.frames is 99", "20 structures"], ["--replay", "DATA", *sets("replay.frames=99")]),
    (["scratch.layers", "foundation"], sets("scratch.layers=1")),
    (["'product.weights' is trained anyway"], ["--freeze", "radial", "--train", "product.weights"]),
    (["'radial' has the rate 0.1", "trained"], ["--freeze", "f5", "--rates", "radial=0.1"]),
    (["weight_decay has no effect"], ["--train", "radial", *sets("optimiser.weight_decay=1e-6")]),
    (['no head "other"', "Default"], ["--head", "other"]),
    (["has the element Cu already"], ["--add-elements", "Cu=H"]),
    (["nothing is left to train"], ["--freeze", "f7"]),
]
SCRATCH = [
    (["head", "foundation"], ["--head", "Default"]),
    (["freeze", "foundation"], ["--freeze", "f5"]),
    (["train", "foundation"], ["--train", "radial"]),
    (["lora.rank", "foundation"], ["--lora", "2"]),
    (["replay.data", "foundation"], ["--replay", "DATA"]),
    (["add_elements", "foundation"], ["--add-elements", "Nb"]),
    (["elements", "all elements of a foundation"], ["--elements", "all"]),
    (["checkpoint", "foundation"], ["--checkpoint", "delta"]),
]
TAKEN = [["-e", "2", "--swa", "2"], ["-e", "3", "--patience", "2"], ["--steps", "8", "--swa", "2"], ["-e", "1", "--freeze", "f0"],
         ["-e", "1", "--freeze", "f5", "--train", "radial"], ["-e", "1", "--elements", "all"], ["-e", "1", "--train", "radial"],
         ["-e", "2", "--schedule", "plateau"], ["-e", "1", "--replay-sample", "4"], ["-e", "1", "--lora", "2"]]  # fmt: skip
FIT = [
    (["basis.l", "l is given for 3 ranks (4/3/2)", "n (5/3)"], ["--n", "5/3", "--l", "4/3/2"]),
    (["basis.l", "l is given for 1 rank"], ["--n", "5", "--l", "2"]),
    (["basis.blocks", "l is given for 2 ranks"], ["--block", "Cu=5/3:2/1"]),
    (["basis.degree_l", "basis.degree"], sets("basis.degree_l=2")),
    (["basis.lambda", "basis.radial is bessel"], sets("basis.lambda=2")),
    (["smooth.power", "smooth.n"], sets("smooth.n=0", "smooth.l=0", "smooth.power=1")),
    (["smooth.scale", "solver.kind"], sets("smooth.scale=data", "solver.kind=ard")),
    (["solver.folds", "solver.kind"], sets("solver.folds=3")),
    (["solver.lambda", "solver.kind"], sets("solver.lambda=1e-5")),
    (["solver.max_ratio", "solver.kind"], sets("solver.max_ratio=1e5")),
    (["solver.functions", "solver.kind"], sets("solver.functions=50")),
    (["frames is 99"], ["--frames", "99"]),
    (["Ti", "elements"], ["--cutoffs", "Ti-Cu=3"]),
    (["same pair"], ["--cutoffs", "H-Cu=3,Cu-H=2.5"]),
    (["'Cu@H-Cu=4/2:1' has no effect"], ["--block", "H-Cu=5/3:2,Cu@H-Cu=4/2:1"]),
    (["'Cu-H=4' has no effect"], ["--block", "H-Cu=5/3:2,Cu-H=4"]),
]
CRYSTAL = ["--crystal", "fcc:3.6:Cu:2x2x2"]
DISTILL = [
    (["max_force", "data"], ["--max-force", "50"]),
    (["labels", "data"], ["--labels", "dft_"]),
    (["frames", "data"], ["--frames", "5"]),
    (["weights.data", "data"], sets("weights.data=2")),
    (["sample.n_starts", "sample.starts|data"], ["--n-starts", "3"]),
    (["sample.steps", "sample.jobs"], ["--jobs", "rattle", "--steps", "5"]),
    (["sample.temperatures", "sample.jobs"], ["--jobs", "rattle,dimer", "--temperatures", "300"]),
    (["sample.rattle", "sample.jobs"], ["--jobs", "bulk", *sets("sample.rattle=0.1")]),
    (["sample.volume", "sample.jobs"], ["--jobs", "bulk", *sets("sample.volume=0.1")]),
    (["sample.vacancies", "sample.jobs"], ["--jobs", "bulk", *sets("sample.vacancies=2")]),
    (["sample.vacuum", "sample.jobs"], ["--jobs", "bulk", *sets("sample.vacuum=20")]),
    (["sample.surfaces", "sample.layers"], ["--jobs", "surface", *sets("sample.layers=0", "sample.surfaces=1_1_1")]),
    (["sample.molecule", "sample.jobs"], ["--jobs", "bulk", *sets("sample.molecule=H-H")]),
    (["sample.bond", "one atom"], ["--jobs", "adsorbate", *sets("sample.molecule=H", "sample.bond=0.7")]),
    (["sample.lammps_elements", "sample.lammps"], sets("sample.lammps_elements=Cu")),
    (["no delta"], ["--foundation", PLAIN]),
]
# commands that take a model, and --foundation for deltas only
NO_DELTA = [["eval", "MODEL", "DATA"], ["estimate", "MODEL", "DATA"], ["info", "MODEL"], ["convert", "MODEL", "OUT.ftl"],
            ["diff", "MODEL", "MODEL"]]  # fmt: skip


class NoEffect(cli_case.CliCase):
    def setUp(self):
        super().setUp()
        raw = self.path("raw.xyz", test_train.structures(20))
        answered = self.path("answered.xyz")
        self.run_it("eval", test_train.TEACHER, raw, "--quiet", "-o", answered)
        with open(answered) as f:
            text = f.read().replace(" energy=", " REF_energy=").replace(":forces:", ":REF_forces:")
        self.data = self.path("data.xyz", text.replace(" stress=", " other="))

    def told(self, words, *arguments, out="no"):
        """Refused with exit code 1, whatever is warned of before, and no folder is left."""
        arguments = [self.data if x == "DATA" else x for x in arguments]
        _, err = self.run_it(*arguments, "-o", self.path(out), code=1)
        for word in words:
            self.assertIn(word, err.splitlines()[-1])
        self.assertFalse(os.path.exists(self.path(out)))

    def test_train(self):
        for foundation, table in ((["-f", PLAIN], TUNED), ([], SCRATCH)):
            for words, options in table:
                with self.subTest(options):
                    self.told(words, "train", "-d", self.data, *foundation, "--batch-size", "4", "--set", "seed=2", "-q",
                              *options)  # fmt: skip

    def test_train_takes_what_acts(self):
        for k, options in enumerate(TAKEN):
            with self.subTest(options):
                run = self.path(f"run{k}")
                self.run_it("train", "-d", self.data, "-f", PLAIN, "--batch-size", "8", "-q", "-o", run, *options)
                # the settings it writes give every option, defaults too
                self.run_it("train", os.path.join(run, "recipe.yaml"), "-q", "-o", run + "-again")

    def test_fit_takes_its_own_settings(self):
        for k, options in enumerate((["--n", "4"], ["--n", "4/2"], sets("smooth.n=0", "smooth.l=0", "basis.n=4"))):
            run = self.path(f"run{k}")
            self.run_it("fit", "-d", self.data, "-q", "-o", run, "--threads", "1", *options)
            _, err = self.run_it("fit", os.path.join(run, "recipe.yaml"), "-q", "-o", run + "-again")
            self.assertNotIn("no effect", err)

    def test_weights_without_labels_are_said(self):
        _, err = self.run_it("train", "-d", self.data, "-f", PLAIN, "-e", "1", "-q", "-o", self.path("run"),
                             *sets("loss.stress=10"))  # fmt: skip
        self.assertIn("no structure has a stress", err)

        _, err = self.run_it("fit", "-d", self.data, "-q", "-o", self.path("fitted"), "--n", "4", "--threads", "1",
                             *sets("weights.stress=3", "weights.configs=liquid=2", "weights.forces=2"))  # fmt: skip
        self.assertIn("weights.stress has no effect", err)
        self.assertIn("weight for liquid", err)
        self.assertNotIn("weights.forces", err)

    def test_init_checks_too(self):
        for command, options in (("train", ["-d", self.data, "--set", "swa.lr=0.1"]), ("fit", sets("solver.folds=3")),
                                 ("distill", ["--jobs", "bulk", *sets("sample.rattle=0.1")])):  # fmt: skip
            self.refuse(1, [options[-1].split("=")[0]], command, "--init", self.path("r.yaml"), *options)

    def test_fit(self):
        for words, options in FIT:
            with self.subTest(options):
                self.told(words, "fit", "-d", self.data, "-q", *options)

    def test_distill(self):
        for words, options in DISTILL:
            with self.subTest(options):
                self.told(words, "distill", "-m", PLAIN, "-q", *CRYSTAL, *options)

    def test_foundations_are_of_deltas(self):
        for model in (PLAIN, ACE):
            for command in NO_DELTA:
                if model == ACE and command[0] == "diff":
                    continue  # it takes no surrogates
                with self.subTest(command):
                    words = {"MODEL": model, "DATA": self.data, "OUT.ftl": self.path("OUT.ftl")}
                    given = [words.get(x, x) for x in command]
                    if model == ACE and command[0] == "convert":
                        given[-1] = self.path("OUT.yace")
                    _, err = self.run_it(*given, "--foundation", PLAIN, code=1)
                    self.assertRegex(err, "no delta|--foundation")

    def test_heads_are_the_models_own(self):
        for model in (PLAIN, HEADS):
            for command in (["eval", model, xyz_of(model)], ["estimate", model, xyz_of(model)],
                            ["convert", model, self.path("out.ftl")]):  # fmt: skip
                _, err = self.run_it(*command, "--head", "nobody", code=1)
                self.assertIn("nobody", err)

    def test_more_threads_than_cores_are_said(self):
        many = str(4 * (os.cpu_count() or 1) + 4)
        for command in (["eval", PLAIN, self.data], ["estimate", PLAIN, self.data],
                        ["train", "-d", self.data, "-f", PLAIN, "-e", "1", "-o", self.path("threads")]):  # fmt: skip
            _, err = self.run_it(*command, "--threads", many)
            self.assertIn("threads is " + many, err)


if __name__ == "__main__":
    cli_case.main()
