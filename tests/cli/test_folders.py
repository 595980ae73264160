"""The folder of a run: one process works in it, a process that was killed leaves nothing that hinders, and what goes on
is what began: the same settings, and files of the same content, wherever they are by now."""

import os
import shutil
import signal
import socket

import cli_case
import runs_case
from cli_case import PLAIN
from runs_case import DISTILL, FIT

LOCK = "frozentl.lock"


class Folders(runs_case.RunsCase):
    def edit(self, path, old, new):
        with open(path) as f:
            text = f.read()
        self.assertIn(old, text)
        with open(path, "w") as f:
            f.write(text.replace(old, new, 1))

    def refused(self, words, *arguments, code=1):
        err = self.run_it(*arguments, code=code)[1]
        for word in words:
            self.assertIn(word, err)
        return err

    # ---- locks ----

    def test_two_at_once(self):
        for command in (["train", "-d", self.data, *runs_case.BASE, "-e", "2", "-q"], ["fit", "-d", self.data, *FIT],
                        ["distill", *DISTILL]):  # fmt: skip
            run = self.path("run-" + command[0])
            both = [self.start(*command, "-o", run) for _ in range(4)]
            errors = [process.communicate()[1] for process in both]
            codes = [process.returncode for process in both]
            self.assertEqual(sorted(codes), [0, 1, 1, 1], errors)
            for code, err in zip(codes, errors):
                if code:
                    self.assertRegex(err, r"process \d+ on host \S+ works in this folder|holds a run")
            self.assertNotIn(LOCK, os.listdir(run))

    def test_resumed_while_it_runs(self):
        run = self.path("run")
        process = self.start_training(run, "-e", "100000")
        self.wait_for(lambda: os.path.exists(self.in_run(run, "state.ftl")))
        for arguments in (["--resume", run], ["-d", self.data, *runs_case.BASE, "-o", run]):
            self.refused([f"process {process.pid} on host {socket.gethostname()}", "frozentl train"], "train", *arguments)
        before = self.read(run, "recipe.yaml")
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertIn(LOCK, os.listdir(run))
        self.run_it("train", "--resume", run, "-e", "1", "-q")
        self.assertNotIn(LOCK, os.listdir(run))
        self.assertNotEqual(before, self.read(run, "recipe.yaml"))

    def test_locks_that_were_left(self):
        run = self.path("run")
        self.train(run, "-e", "1", "-q")
        text = "frozentl train\nprocess {}\nhost {}\nsince 2026-01-01T00:00:00Z\nborn 0\n"
        # this host: the system says that nobody holds it, even if there is a process of that number
        self.path("run/" + LOCK, text.format(os.getpid(), socket.gethostname()))
        err = self.run_it("train", "--resume", run, "-e", "2", "-q")[1]
        self.assertNotIn("process", err)
        # another one: it has died, and that is said
        self.path("run/" + LOCK, text.format(4711, "elsewhere"))
        err = self.run_it("train", "--resume", run, "-e", "3", "-q")[1]
        self.assertIn("process 4711 on host elsewhere", err)
        for content in ("", "rubbish\n", text[:40]):
            self.path("run/" + LOCK, content)
            self.run_it("train", "--resume", run, "-e", str(4 + len(content)), "-q")
        os.mkfifo(self.in_run(run, LOCK))
        self.refused([LOCK, "no regular file"], "train", "--resume", run, "-e", "99")
        os.remove(self.in_run(run, LOCK))
        os.mkdir(self.in_run(run, LOCK))
        self.refused(["cannot be written"], "train", "--resume", run, "-e", "99", code=3)

    def test_temporary_files_that_were_left(self):
        run = self.path("run")
        self.train(run, "-e", "1", "-q")
        left = ["model.ftl.4711.tmp", "state.ftl.aB3xYz.tmp", "errors.csv.aB3xYz.tmp", "log.csv.12.tmp"]
        kept = ["notes.aB3xYz.tmp", "model.ftl.tmp", "mymodel.ftl.1.tmp", "model.ftl.old"]
        for name in left + kept:
            self.path("run/" + name, "x")
        self.run_it("train", "--resume", run, "-e", "2", "-q")
        for name in left:
            self.assertNotIn(name, os.listdir(run))
        for name in kept:
            self.assertIn(name, os.listdir(run))

    def test_folder_that_cannot_be_written(self):
        if os.geteuid() == 0:
            self.skipTest("root writes everywhere")
        run = self.path("run")
        self.train(run, "-e", "1", "-q")
        os.chmod(run, 0o555)
        self.addCleanup(os.chmod, run, 0o755)
        self.refused(["cannot be written"], "train", "--resume", run, "-e", "2", code=3)

    def test_folder_that_vanishes(self):
        run = self.path("run")
        process = self.start_training(run, "-e", "100000")
        self.wait_for(lambda: os.path.exists(self.in_run(run, "state.ftl")))
        os.rename(run, self.path("moved"))
        err = process.communicate()[1]
        self.assertEqual(process.returncode, 3, err)
        self.assertIn("run/", err)
        self.run_it("train", "--resume", self.path("moved"), "-e", "1", "-q")

    # ---- what goes on is what began ----

    def test_settings(self):
        run, whole = self.path("run"), self.path("whole")
        self.train(run, "-e", "2", "-q")
        self.train(whole, "-e", "4", "-q")
        recipe = self.in_run(run, "recipe.yaml")
        kept = self.read(run, "recipe.yaml")
        for old, new, words in (("seed: 1", "seed: 2", ["seed is 2 (it was 1)"]),
                                ("  lr: 0.001", "  lr: 0.01", ["optimiser.lr is 0.01 (it was 0.001)"]),
                                ("seed: 1", "seed: 1\nfreeze: [f5]", ["freeze is f5 (it was not set)"]),
                                ("batch_size: 4\n", "", ["batch_size is not set (it was 4)"]),
                                ("precision: double", "precision: mixed", ["precision is mixed (it was double)"]),
                                ("valid_fraction: 0.2", "valid_fraction: 0.3", ["valid_fraction"]),
                                ("data:", "test: [x.xyz]\ndata:", ["test names another number"])):  # fmt: skip
            self.edit(recipe, old, new)
            before = self.sums(run)
            self.refused([*words], "train", "--resume", run, "-e", "4")
            self.assertEqual(self.sums(run), before)
            self.path("run/recipe.yaml", kept)
        # several at once are all named
        self.edit(recipe, "seed: 1", "seed: 3")
        self.edit(recipe, "precision: double", "precision: mixed")
        self.refused(["seed is 3", "precision is mixed"], "train", "--resume", run, "-e", "4")
        self.path("run/recipe.yaml", kept)
        for flag in (["--seed", "2"], ["--freeze", "f5"], ["--lr", "0.1"], ["-o", self.path("x")],
                     ["--set", "loss.energy=2"]):  # fmt: skip
            self.refused(["--resume goes on as"], "train", "--resume", run, *flag, code=2)
        # how long and how may change, in the file or by flag, and is said
        self.edit(recipe, "epochs: 2", "epochs: 4\npatience: 3\nsave_every: 2")
        self.edit(recipe, "cache_mb: 2000", "cache_mb: 100")
        out = self.run_it("train", "--resume", run, "--threads", "2")[0]
        self.assertIn("epochs is 4 (it was 2)", out)
        self.assertIn("patience is 3 (it was not set)", out)
        self.same_run(whole, run)

    def test_model_of_a_distillation_that_moved(self):
        run, model = self.path("run"), shutil.copy(PLAIN, self.path("m.model"))
        arguments = ["-m", model, *DISTILL[2:]]
        self.run_it("distill", *arguments, "-o", run, "-q")
        os.mkdir(self.path("elsewhere"))
        shutil.move(run, self.path("elsewhere/run"))
        shutil.move(model, self.path("elsewhere/m.model"))
        run = self.path("elsewhere/run")
        self.assertIn("changed since: model is", self.run_it("distill", "--resume", run)[0])
        with open(self.path("elsewhere/m.model"), "ab") as f:
            f.write(b" ")
        self.refused(["m.model", "changed since the run began"], "distill", "--resume", run)
        self.run_it("distill", "--resume", run, "-q", "-m", PLAIN)

    def test_settings_of_distillations(self):
        run = self.path("run")
        self.run_it("distill", *DISTILL, "-o", run, "-q")
        model = self.read(run, "model.yace")
        recipe = self.in_run(run, "recipe.yaml")
        kept = self.read(run, "recipe.yaml")
        for old, new, words in (("seed: 1", "seed: 2", ["seed is 2"]), ("steps: 10", "steps: 12", ["sample.steps is 12"]),
                                ("kind: evidence", "kind: ard", ["solver.kind is ard"])):  # fmt: skip
            self.edit(recipe, old, new)
            self.refused(words, "distill", "--resume", run)
            self.path("run/recipe.yaml", kept)
        self.run_it("distill", "--resume", run, "--threads", "2", "-q")
        self.assertEqual(self.read(run, "model.yace"), model)
        for name in ("state.json", "sampling/sampling.json"):
            content = self.read(run, name)
            for broken in (content[: len(content) // 2], b"", b"[]"):
                self.path("run/" + name, broken)
                self.refused([name], "distill", "--resume", run)
            os.remove(self.in_run(run, name))
            os.mkfifo(self.in_run(run, name))
            self.refused([name, "no regular file"], "distill", "--resume", run)
            os.remove(self.in_run(run, name))
            self.path("run/" + name, content)
        self.run_it("distill", "--resume", run, "-q")

    def test_files_that_moved(self):
        """The run, its foundation and its data are found where they are now, by content."""
        os.mkdir(self.path("first"))
        data = shutil.copy(self.data, self.path("first/d.xyz"))
        model = shutil.copy(PLAIN, self.path("first/f.model"))
        arguments = ["-d", data, "-f", model, *runs_case.BASE[2:], "-q", "-o"]
        whole = self.path("first/whole")
        self.run_it("train", *arguments, whole, "-e", "8")
        run = self.path("first/run")
        self.run_it("train", *arguments, run, "-e", "2")
        # the run goes elsewhere, what it reads stays
        os.makedirs(self.path("a/b"))
        shutil.move(run, self.path("a/b/run"))
        run = self.path("a/b/run")
        self.run_it("train", "--resume", run, "-e", "3", "-q")
        # they go next to it
        shutil.move(data, self.path("a/b/d.xyz"))
        shutil.move(model, self.path("a/b/f.model"))
        self.assertIn("changed since: foundation is", self.run_it("train", "--resume", run, "-e", "4")[0])
        # to a folder of FROZENTL_PATH
        os.mkdir(self.path("store"))
        for name in ("d.xyz", "f.model"):
            shutil.move(self.path("a/b/" + name), self.path("store/" + name))
        self.refused(["FROZENTL_PATH", "SHA-256"], "train", "--resume", run, "-e", "5")
        os.environ["FROZENTL_PATH"] = self.path("store")
        self.addCleanup(os.environ.pop, "FROZENTL_PATH", None)
        self.run_it("train", "--resume", run, "-e", "5", "-q")
        del os.environ["FROZENTL_PATH"]
        # under another name, which a flag says
        os.rename(self.path("store"), self.path("last"))
        os.rename(self.path("last/d.xyz"), self.path("last/other.xyz"))
        self.run_it("train", "--resume", run, "-e", "6", "-q", "-d", self.path("last/other.xyz"), "--foundation",
                    self.path("last/f.model"))  # fmt: skip
        # another content is refused, by name
        self.refused(["data.xyz", "changed since the run began"], "train", "--resume", run, "-e", "8", "-d",
                     self.path("data.xyz", "x"))  # fmt: skip
        with open(self.path("last/f.model"), "ab") as f:
            f.write(b" ")
        self.refused(["f.model", "changed since the run began"], "train", "--resume", run, "-e", "8")
        self.run_it("train", "--resume", run, "-e", "7", "-q", "--foundation", PLAIN)
        shutil.copy(PLAIN, self.path("last/f.model"))
        self.run_it("train", "--resume", run, "-e", "8", "-q", "--foundation", self.path("last/f.model"))
        self.same_run(run, whole)

    # ---- states and logs ----

    def test_states_that_are_none(self):
        run = self.path("run")
        self.train(run, "-e", "1", "-q")
        content = self.read(run, "state.ftl")
        state = self.in_run(run, "state.ftl")
        changed = bytearray(content)
        changed[len(changed) // 2] ^= 1
        for broken in (b"", content[:8], content[:-3], content + b"x", b"rubbish" * 1000, bytes(changed),
                       self.read(run, "model.ftl"), content.replace(b'"format_version":"1"', b'"format_version":"7"')):
            self.path("run/state.ftl", broken)
            self.refused(["state.ftl"], "train", "--resume", run, "-e", "2")
        # of another recipe: refused for what differs
        other = self.path("other")
        self.train(other, "-e", "1", "-q", "--freeze", "f5", "--seed", "7")
        shutil.copy(self.in_run(other, "state.ftl"), state)
        self.refused(["seed", "freeze"], "train", "--resume", run, "-e", "2")
        os.remove(state)
        for make in (os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)):
            make(state)
            self.refused(["state.ftl", "no regular file"], "train", "--resume", run, "-e", "2")
            os.rmdir(state) if os.path.isdir(state) else os.remove(state)
        os.symlink("nowhere", state)
        self.refused(["state.ftl", "No such file"], "train", "--resume", run, "-e", "2")

    def test_logs(self):
        whole, first = self.path("whole"), self.path("first")
        self.train(whole, "-e", "4", "-q")
        self.train(first, "-e", "2", "-q")

        def resumed(*changes):
            run = self.path("run")
            shutil.rmtree(run, ignore_errors=True)
            shutil.copytree(first, run)
            for change in changes:
                change(run)
            err = self.run_it("train", "--resume", run, "-e", "4", "-q")[1]
            self.assertEqual(self.read(run, "model.ftl"), self.read(whole, "model.ftl"))
            lines = self.read(run, "log.csv").decode().splitlines()
            self.assertEqual(lines[0].split(",")[0], "epoch")
            self.run_it("plot", run)
            return err, [int(line.split(",")[0]) for line in lines[1:]]

        def remove(name):
            return lambda run: os.remove(self.in_run(run, name))

        def append(text):
            def change(run):
                with open(self.in_run(run, "log.csv"), "a") as f:
                    f.write(text)

            return change

        def write(text):
            return lambda run: self.path("run/log.csv", text)

        err, epochs = resumed(remove("log.csv"))
        self.assertIn("log.csv is missing", err)
        self.assertEqual(epochs, [3, 4])
        self.assertIn("log.jsonl is missing", resumed(remove("log.jsonl"))[0])
        self.assertEqual(resumed(append("3,9,1,1,1,1,1,1,1,1,0,1\n4,9,1,1"))[1], [0, 1, 2, 3, 4])
        err, epochs = resumed(write("this is mine\n1,2,3\n"))
        self.assertIn("log.csv.old", err)
        self.assertEqual(epochs, [3, 4])
        self.assertEqual(self.read(self.path("run"), "log.csv.old"), b"this is mine\n1,2,3\n")
        self.assertEqual(resumed(write(""))[1], [3, 4])
        shutil.rmtree(self.path("run"))
        shutil.copytree(first, self.path("run"))
        os.remove(self.path("run/log.csv"))
        os.mkfifo(self.path("run/log.csv"))
        self.refused(["log.csv", "no regular file"], "train", "--resume", self.path("run"), "-e", "4")

    def test_killed_before_the_first_state(self):
        run = self.path("run")
        whole = self.path("whole")
        self.train(whole, "-e", "2", "-q")
        self.train(run, "-e", "2", "-q")
        for name in os.listdir(run):
            if name not in ("recipe.yaml", "log.csv"):
                os.remove(self.in_run(run, name))
        self.run_it("train", "--resume", run, "-q")
        self.same_run(whole, run)


if __name__ == "__main__":
    cli_case.main()
