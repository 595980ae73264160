"""No command writes over what it reads, over another output, a foundation, or the run of another command, whatever
name the file is given under. What is there keeps its bytes."""

import os
import shutil
import subprocess

import cli_case
import runs_case
from cli_case import PLAIN
from runs_case import DISTILL, FIT


class SameFile(runs_case.RunsCase):
    def keeps(self, words, *arguments, code=None):
        """It is refused with these words, and every file keeps its bytes."""
        before = self.sums(self.folder)
        code = code or (1 if arguments[0] in ("train", "fit", "distill") else 3)
        err = self.run_it(*arguments, code=code)[1]
        for word in words:
            self.assertIn(word, err)
        self.assertEqual(self.sums(self.folder), before)

    def names_of(self, path):
        """The file under other names: a relative one, a symbolic link, a hard link, a linked folder."""
        folder, name = os.path.split(path)
        link, hard, other = path + ".link", path + ".hard", os.path.join(folder, "linked")
        os.symlink(name, link)
        os.link(path, hard)
        if not os.path.lexists(other):
            os.symlink(".", other)
        return [path, os.path.join(folder, ".", name), os.path.join(other, name), link, hard]

    def test_eval(self):
        model = shutil.copy(PLAIN, self.path("m.model"))
        for name in self.names_of(model):
            self.keeps(["would overwrite", "MODEL"], "eval", model, self.data, "-q", "--json", name)
        self.keeps(["would overwrite", "DATA"], "eval", model, self.data, "-q", "-o", self.path("./data.xyz"))
        out, again = self.path("new"), self.path("linked/new")  # not there yet
        for other in (out, again):
            self.keeps(["--output and --json"], "eval", model, self.data, "-q", "-o", out, "--json", other)
        self.run_it("eval", model, self.data, "-q", "-o", "/dev/null", "--json", "/dev/null")
        # standard output that goes to such a file
        for file, code in ((out, 3), (self.data, 3), (self.path("told"), 0)):
            with open(file, "a") as stream:
                done = subprocess.run([cli_case.FROZENTL, "eval", model, self.data, "-o", out], stdout=stream,
                                      stderr=subprocess.PIPE, text=True)  # fmt: skip
            self.assertEqual(done.returncode, code, done.stderr)
        with open(self.path("told"), "w") as stream:
            subprocess.run([cli_case.FROZENTL, "eval", model, self.data, "-q", "-o", "/dev/stdout"], stdout=stream,
                           check=True)  # fmt: skip
        self.run_it("eval", model, self.data, "-q", "-o", out, "--json", self.path("other"))
        self.run_it("eval", model, self.data, "-q", "-o", out)  # an earlier output is replaced

    def test_models(self):
        run = self.path("run")
        foundation = shutil.copy(PLAIN, self.path("plain.model"))
        self.run_it("train", "-d", self.data, "-o", run, *runs_case.BASE[2:], "-f", foundation, "-e", "1", "--checkpoint",
                    "delta", "-q", "--freeze", "f5")  # fmt: skip
        delta = shutil.copy(self.in_run(run, "model.ftl"), self.path("delta.ftl"))
        ftl = self.path("plain.ftl")
        self.run_it("convert", foundation, ftl)
        for name in self.names_of(ftl):
            if name.endswith(".ftl"):
                self.keeps(["would overwrite"], "convert", "--force", ftl, name)
        # a delta's foundation is read too, wherever it is found
        self.keeps(["would overwrite", "foundation"], "merge", "--force", delta, "-o", foundation)
        self.keeps(["would overwrite", "foundation"], "eval", delta, self.data, "-q", "-o", foundation)
        self.keeps(["would overwrite"], "merge", "--force", delta, "-o", delta)
        # a file of a run
        self.keeps(["belongs to the run"], "merge", "--force", delta, "-o", self.in_run(run, "model.ftl"))
        self.keeps(["belongs to the run"], "eval", PLAIN, self.data, "-q", "-o", self.in_run(run, "log.csv"))
        self.run_it("merge", delta, "-o", self.in_run(run, "full.ftl"))

    def test_plot(self):
        table = self.path("t.csv", "mode,structures,energy_rmse_meV_atom,force_rmse_meV_A\na,10,1,2\na,20,0.5,1\n")
        for name in self.names_of(table):
            self.keeps(["would overwrite"], "plot", "--curve", table, "-o", name)
        run = self.path("run")
        self.train(run, "-e", "1", "-q")
        os.mkdir(self.in_run(run, "plots"))
        os.symlink("../log.csv", self.in_run(run, "plots/history.svg"))
        self.keeps(["would overwrite"], "plot", run)

    def test_runs(self):
        def place(name, source):
            folder = self.path("f-" + name.replace(".", "-"))
            os.makedirs(folder, exist_ok=True)
            return folder, shutil.copy(source, os.path.join(folder, name))

        for name, source, flag in (("model.ftl", PLAIN, "-f"), ("log.csv", self.data, "-d"),
                                   ("errors.csv", self.data, "--valid"), ("state.ftl", self.data, "--test"),
                                   ("predictions-test.csv", self.data, "--replay")):  # fmt: skip
            folder, file = place(name, source)
            given = ["-d", self.data, *runs_case.BASE] if flag != "-f" else ["-d", self.data, *runs_case.BASE[2:]]
            given = given[2:] if flag == "-d" else given
            given = [x for x in given if x != "--set" and not x.startswith("valid_fraction")]
            self.keeps(["would overwrite", name], "train", *given, flag, file, "-o", folder)
        folder, file = place("report.json", self.data)
        self.keeps(["would overwrite", "report.json"], "fit", "-d", file, "-o", folder, *FIT)
        folder, file = place("sampled.xyz", self.data)
        self.keeps(["would overwrite", "sampled.xyz"], "distill", "-m", PLAIN, "--starts", file, "-o", folder, *FIT)
        folder, file = place("recipe.yaml", self.path("r.yaml", f"data: {self.data}\nfoundation: {PLAIN}\n"))
        self.keeps(["would overwrite", "settings"], "train", file, "-o", folder)
        # files of these names that nobody's run wrote
        folder, file = place("model.yace", self.data)
        self.keeps(["has a file model.yace"], "fit", "-d", self.data, "-o", folder, *FIT)
        self.keeps(["is no folder"], "train", "-d", self.data, *runs_case.BASE, "-o", self.data)
        # and files of other names do not matter
        os.mkdir(self.path("busy"))
        self.path("busy/slurm-1.out", "x")
        self.train(self.path("busy"), "-e", "1", "-q")

    def test_runs_of_other_commands(self):
        train, fit, distill = self.path("train"), self.path("fit"), self.path("distill")
        self.train(train, "-e", "1", "-q")
        self.run_it("fit", "-d", self.data, "-o", fit, *FIT, "-q")
        self.run_it("distill", *DISTILL, "-o", distill, "-q")
        for folder, name in ((train, "train"), (fit, "fit"), (distill, "distill")):
            for command in (["train", "-d", self.data, *runs_case.BASE], ["fit", "-d", self.data, *FIT],
                            ["distill", *DISTILL]):  # fmt: skip
                word = "holds a run" if command[0] == name else f"holds a run of frozentl {name}"
                self.keeps([word], *command, "-o", folder)
        self.keeps(["belongs to the run"], "eval", PLAIN, self.data, "-q", "-o",
                   self.in_run(distill, "sampling/candidates.xyz"))  # fmt: skip
        self.keeps(["a run of frozentl train"], "distill", "--resume", train)
        self.keeps(["a run of frozentl distill"], "train", "--resume", distill)
        self.keeps(["a run of frozentl fit"], "train", "--resume", fit)


if __name__ == "__main__":
    cli_case.main()
