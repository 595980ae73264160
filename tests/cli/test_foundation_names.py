"""A foundation's name in place of a path: every command, recipes, deltas."""

import hashlib
import os
import shutil

import cli_case
import runs_case
from cli_case import PLAIN, xyz_of
from foundation_case import FILE, NAME, FoundationCase


class Names(FoundationCase, runs_case.RunsCase):
    """sevennet-0 itself is not needed: a twin takes the place of a MACE model, for which no digest is published."""

    def setUp(self):
        super().setUp()
        self.file = self.have(PLAIN)

    def test_every_command(self):
        for command in (["info", "@"], ["eval", "@", xyz_of(PLAIN), "--quiet"], ["diff", "@", PLAIN], ["diff", PLAIN, "@"],
                        ["info", "@", "--json"]):  # fmt: skip
            by_name = self.run_it(*[NAME if word == "@" else word for word in command])
            by_path = self.run_it(*[self.file if word == "@" else word for word in command])
            self.assertEqual([text.replace(NAME, self.file) if "diff" in command else text for text in by_name], list(by_path))
        self.run_it("convert", NAME, self.path("out.ftl"))
        self.run_it("estimate", NAME, xyz_of(PLAIN), "--atoms", "100")

    def test_not_fetched(self):
        words = ["mace-mp-0-large: ", "frozentl foundation mace-mp-0-large", "mace-mp-0-large.model", self.cache]
        for command in (["info", "@"], ["eval", "@", xyz_of(PLAIN)], ["convert", "@", self.path("x.ftl")], ["diff", PLAIN, "@"],
                        ["train", "-f", "@", "-d", self.data, "-o", self.path("run")],
                        ["distill", "-m", "@", "--starts", self.data, "-o", self.path("run")]):  # fmt: skip
            self.refuse(1, words, *["mace-mp-0-large" if word == "@" else word for word in command])

    def test_name_and_file(self):
        """Neither is taken in silence."""
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        program, cli_case.FROZENTL = cli_case.FROZENTL, os.path.abspath(cli_case.FROZENTL)
        self.addCleanup(setattr, cli_case, "FROZENTL", program)
        os.chdir(self.folder)
        os.mkdir(NAME)  # a run's folder, say, is no file
        self.run_it("info", NAME)
        os.rmdir(NAME)
        shutil.copy(cli_case.HEADS, NAME)
        self.refuse(1, ["the name of a foundation, and a file here", f"./{NAME}"], "info", NAME)
        self.assertIn("omat", self.run_it("info", "./" + NAME)[0])

    def test_recipe(self):
        """A name is not relative to the recipe's folder; nor is it in a recipe that --init writes."""
        os.mkdir(self.path("recipes"))
        recipe = self.path("recipes/r.yaml")
        self.run_it("train", "--init", recipe, "-f", NAME, "-d", self.data)
        with open(recipe) as f:
            self.assertIn(f"\nfoundation: {NAME}\n", f.read())
        run = self.path("run")
        self.run_it("train", recipe, "-o", run, "-e", "1", "--quiet")
        self.assertIn(FILE, self.run_it("info", run + "/model.ftl")[0])
        self.run_it("train", "--resume", run, "-e", "2", "--quiet")
        os.makedirs(self.path("store"))
        os.rename(self.file, self.path("store/" + FILE))  # a run finds it by its SHA-256
        os.environ["FROZENTL_PATH"] = self.path("store")
        self.run_it("train", "--resume", run, "-e", "3", "--quiet")

    def test_delta(self):
        run = self.path("run")
        self.run_it("train", "-d", self.data, "-o", run, *runs_case.BASE[2:], "-f", NAME, "-e", "1", "--quiet", "--set",
                    "checkpoint=delta")  # fmt: skip
        delta = run + "/model.ftl"
        want = self.run_it("eval", delta, self.data, "--quiet")
        self.assertEqual(self.run_it("eval", delta, self.data, "--quiet", "--foundation", NAME), want)
        self.run_it("merge", delta, "-o", self.path("full.ftl"), "--foundation", NAME)
        os.remove(self.file)
        self.refuse(1, [f"its foundation {FILE}", f"frozentl foundation {NAME}"], "info", delta)

    def test_no_output_over_it(self):
        os.environ["FROZENTL_PATH"] = self.cache
        self.refuse(3, ["would overwrite"], "eval", NAME, xyz_of(PLAIN), "-o", self.file)

    def test_distil(self):
        run = self.path("run")
        self.run_it("distill", *runs_case.DISTILL[2:], "-m", NAME, "-o", run, "--quiet")
        with open(PLAIN, "rb") as f:
            self.assertIn(hashlib.sha256(f.read()).hexdigest(), self.run_it("info", run + "/model.ftl")[0])


if __name__ == "__main__":
    cli_case.main()
