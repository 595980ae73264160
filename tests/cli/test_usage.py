"""Help, version, wrong command lines, exit codes."""

import os
import re
import subprocess

import cli_case

COMPLETION = os.path.join(os.path.dirname(os.path.dirname(cli_case.HERE)), "train", "cli", "frozentl.bash-completion")
COMMANDS = ("info", "convert", "eval", "estimate", "doctor", "plot")


class Usage(cli_case.CliCase):
    def test_help(self):
        out, err = self.run_it("--help")
        self.assertEqual(err, "")
        for command in COMMANDS:
            self.assertIn(command, out)
        self.assertIn("Exit codes", out)
        for command in COMMANDS:
            out, err = self.run_it(command, "--help")
            self.assertEqual(err, "")
            self.assertTrue(out.startswith(f"Usage: frozentl {command}"), out)
            self.assertIn("Example", out)

    def test_every_command_has_help(self):
        """Man pages and the site's reference are made of these."""
        names = re.findall(r"^  (\w+) +\S", self.run_it("--help")[0].split("Commands:")[1].split("\n\n")[0], re.M)
        self.assertLess(set(COMMANDS), set(names))
        for name in names:
            self.assertTrue(self.run_it(name, "--help")[0].startswith(f"Usage: frozentl {name}"), name)

    def complete(self, *words):
        """What bash offers for the last word."""
        script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _frozentl; printf "%s\\n" "${COMPREPLY[@]}"'
        command = ["bash", "-c", script, "bash", COMPLETION, cli_case.FROZENTL, *words]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_completion(self):
        self.assertEqual(self.complete("e"), ["eval", "estimate"])
        self.assertIn("distill", self.complete(""))
        self.assertEqual(self.complete("train", "--free"), ["--freeze"])
        self.assertEqual(self.complete("eval", "-p", "m"), ["mixed"])
        self.assertEqual(self.complete("foundation", "sevennet-m"), ["sevennet-mf-0"])
        self.path("one.xyz", "")
        self.assertEqual(self.complete("eval", "on"), ["one.xyz"])

    def test_version(self):
        version, _ = self.run_it("--version")
        self.assertRegex(version, r"^frozentl \d+\.\d+\.\d+\n$")
        for command in COMMANDS:
            self.assertEqual(self.run_it(command, "--version")[0], version)

    def test_no_or_unknown_command(self):
        self.refuse(2, ["Usage: frozentl COMMAND"])
        self.refuse(2, ["'evaluate' is not a command", "eval", "--help"], "evaluate")

    def test_unknown_option(self):
        for command in COMMANDS:
            self.refuse(2, ["--colour", f"frozentl {command} --help"], command, "--colour", "a", "b")

    def test_missing_and_extra_files(self):
        self.refuse(2, ["which FILE"], "info")
        self.refuse(2, ["'b'"], "info", "a", "b")
        self.refuse(2, ["MODEL and DATA.xyz"], "eval", "a")
        self.refuse(2, ["'c'"], "eval", "a", "b", "c")
        self.refuse(2, ["IN and OUT.ftl"], "convert", "a")
        self.refuse(2, [".ftl"], "convert", "a", "b.model")

    def test_wrong_values(self):
        for threads in ("0", "-1", "two", "1.5", "99999999999999999999", ""):
            self.refuse(2, ["--threads"], "eval", "a", "b", "--threads", threads)
        self.refuse(2, ["--precision", "'single'"], "eval", "a", "b", "--precision", "single")
        self.refuse(2, ["--repeat"], "eval", "a", "b", "--repeat", "0")
        self.refuse(2, ["--dtype", "'float16'"], "convert", "a", "b.ftl", "--dtype", "float16")
        self.refuse(2, ["--dtype is one of float32|float64", "'double'"], "convert", "a", "b.ftl", "--dtype", "double")
        self.refuse(2, ["--timestep takes a number", "'0'"], "estimate", "a", "b", "--timestep", "0")
        self.refuse(2, ["--foundation has no value"], "info", "a", "--foundation", "")
        self.refuse(2, ["'Xx'"], "convert", "a", "b.ftl", "--elements", "H,Xx")
        self.refuse(2, ["H twice"], "convert", "a", "b.ftl", "--elements", "H,H")
        self.refuse(2, ["''"], "convert", "a", "b.ftl", "--elements", "H,")

    def test_full_standard_output(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([cli_case.FROZENTL, "--help"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 3)
        self.assertIn("standard output", done.stderr)


if __name__ == "__main__":
    cli_case.main()
