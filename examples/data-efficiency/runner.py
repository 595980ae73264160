"""Trains a list of runs, a few at a time: skips what is finished, goes on with what was interrupted."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def recipe_text(run):
    def word(value):
        return f"'{value}'" if isinstance(value, str) else f"{value}"

    sections, lines = {}, []
    for key, value in {"output": run.folder, **run.options}.items():
        section, _, name = key.rpartition(".")
        if key in ("data", "valid", "test", "replay.data"):
            value = f"['{value}']"
        elif key in ("freeze", "train"):
            value = "[" + ", ".join(f"'{part}'" for part in value.split(",")) + "]"
        elif value not in ("true", "false"):
            value = word(value)
        if section:
            sections.setdefault(section, []).append(f"  {name}: {value}")
        else:
            lines.append(f"{name}: {value}")
    for section, inside in sections.items():
        lines += [f"{section}:"] + inside
    return "\n".join(lines) + "\n"


def interrupt(*_):
    raise KeyboardInterrupt


class Pool:
    def __init__(self, frozentl, jobs, log=sys.stdout):
        self.frozentl, self.jobs, self.log = frozentl, jobs, log
        self.going = {}  # pid: (run, process, started, seconds before)
        self.stopped = False

    def key(self, run):
        """What a finished run must have been made with to be kept."""
        foundation = run.options.get("foundation")
        return recipe_text(run) + (f"# foundation {sha256(foundation)}\n" if foundation else "")

    def record(self, run):
        return run.folder + ".json"

    def read(self, run):
        try:
            with open(self.record(run)) as f:
                return json.load(f)
        except (OSError, ValueError):
            return {}

    def write(self, run, key, cpu, done):
        with open(self.record(run) + ".part", "w") as f:
            json.dump({"key": key, "cpu_seconds": cpu, "done": done}, f)
        os.replace(self.record(run) + ".part", self.record(run))

    def finished(self, run):
        record = self.read(run)
        return bool(record.get("done")) and record["key"] == self.key(run)

    def start(self, run):
        key, record = self.key(run), self.read(run)
        again = record.get("key") == key and os.path.exists(os.path.join(run.folder, "state.ftl"))
        if again:
            arguments, before = ["--resume", run.folder], record["cpu_seconds"]
        else:
            shutil.rmtree(run.folder, ignore_errors=True)
            before = 0.0
            with open(run.folder + ".yaml", "w") as f:
                f.write(recipe_text(run))
            arguments = [run.folder + ".yaml"]
            self.write(run, key, 0.0, False)
        with open(run.folder + ".log", "ab" if again else "wb") as log:
            # In a session of its own: Ctrl-C reaches this program only, which then asks each run once to save and end.
            process = subprocess.Popen([self.frozentl, "train", *arguments], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, start_new_session=True)  # fmt: skip
        self.going[process.pid] = (run, process, time.time(), before)

    def wait_for_one(self):
        """Waits for a run; true if it finished."""
        pid, status, usage = os.wait4(-1, 0)
        run, process, started, before = self.going.pop(pid)
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu = before + usage.ru_utime + usage.ru_stime
        good = process.returncode == 0
        self.write(run, self.read(run)["key"], cpu, good)
        if not good and not self.stopped:
            print(f"{run.name}: exit code {process.returncode}, see {run.folder}.log", file=self.log, flush=True)
        return good, run, time.time() - started

    def stop(self):
        """Each run saves its state and ends."""
        self.stopped = True
        for _, process, _, _ in self.going.values():
            process.terminate()

    def train(self, runs):
        """All of them; the number of those that failed. An interrupt lets those under way save their state."""
        signal.signal(signal.SIGTERM, interrupt)
        signal.signal(signal.SIGINT, interrupt)
        todo = [run for run in runs if not self.finished(run)]
        print(f"{len(runs) - len(todo)} of {len(runs)} runs are finished, {len(todo)} to go", file=self.log, flush=True)
        started, steps, failed = time.time(), 0, 0
        left = sum(run.steps for run in todo)
        queue = list(todo)
        while queue or self.going:
            try:
                while queue and len(self.going) < self.jobs and not self.stopped:
                    self.start(queue.pop(0))
                if not self.going:
                    break
                good, run, seconds = self.wait_for_one()
            except KeyboardInterrupt:
                self.stop()
                continue
            if self.stopped:
                continue
            failed += not good
            steps, left = steps + run.steps, left - run.steps
            rest = (time.time() - started) / steps * left
            todo = len(queue) + len(self.going)
            print(f"{time.strftime('%H:%M:%S')} {run.name}: {'done' if good else 'failed'} in {seconds:.0f} s; "
                  f"{todo} to go, about {rest / 60:.0f} min", file=self.log, flush=True)  # fmt: skip
        return failed + (130 if self.stopped else 0)
