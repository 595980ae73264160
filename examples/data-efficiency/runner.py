"""Trains runs, a few at a time: skips what has a line in the table, goes on with what was interrupted."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import table


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
    """`path`: the table to which each finished run adds its line; `look` is called with each run that finished."""

    def __init__(self, frozentl, jobs, path, look, log=sys.stdout):
        self.frozentl, self.jobs, self.path, self.look, self.log = frozentl, jobs, path, look, log
        self.rows = table.read(path)
        self.going = {}  # pid: (run, process, started, processor seconds before)
        self.failed = set()
        self.stopped = False

    def finished(self, run):
        return any(row["run"] == run.name and row["recipe"] == run.digest() for row in self.rows)

    def spent(self, run):
        """Processor seconds of what was interrupted, which are kept beside the run's folder."""
        try:
            with open(run.folder + ".json") as f:
                record = json.load(f)
            return record["cpu_seconds"] if record["recipe"] == run.digest() else None
        except (OSError, ValueError, KeyError):
            return None

    def spend(self, run, seconds):
        with open(run.folder + ".json.part", "w") as f:
            json.dump({"recipe": run.digest(), "cpu_seconds": seconds}, f)
        os.replace(run.folder + ".json.part", run.folder + ".json")

    def start(self, run):
        before = self.spent(run)
        again = before is not None and os.path.exists(os.path.join(run.folder, "state.ftl"))
        if again:
            arguments = ["--resume", run.folder]
        else:
            shutil.rmtree(run.folder, ignore_errors=True)
            before = 0.0
            with open(run.folder + ".yaml", "w") as f:
                f.write(recipe_text(run))
            arguments = [run.folder + ".yaml"]
            self.spend(run, 0.0)
        with open(run.folder + ".log", "ab" if again else "wb") as log:
            # In a session of its own: Ctrl-C reaches this program only, which then asks each run once to save and end.
            process = subprocess.Popen([self.frozentl, "train", *arguments], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, start_new_session=True)  # fmt: skip
        self.going[process.pid] = (run, process, time.time(), before)

    def wait_for_one(self):
        """Waits for a run, and writes its line if it finished."""
        pid, status, usage = os.wait4(-1, 0)
        run, process, started, before = self.going.pop(pid)
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu = before + usage.ru_utime + usage.ru_stime
        self.spend(run, cpu)
        if process.returncode == 0:
            self.rows = table.add(self.path, table.RUNS, table.row_of(run, cpu))
            self.look(run)
        elif not self.stopped:
            self.failed.add(run.name)
        what = "done" if process.returncode == 0 else "interrupted" if self.stopped else \
            f"exit code {process.returncode}, see {run.folder}.log"  # fmt: skip
        print(f"{time.strftime('%H:%M:%S')} {run.name}: {what}; {time.time() - started:.0f} s, {cpu:.0f} of a processor",
              file=self.log, flush=True)  # fmt: skip

    def stop(self):
        """Each run saves its state and ends."""
        self.stopped = True
        for _, process, _, _ in self.going.values():
            process.terminate()

    def train(self, ready):
        """Trains what `ready(rows)` names, which may be more once others are finished; the number of failed runs, and
        130 more after an interrupt, which lets those under way save their state."""
        signal.signal(signal.SIGTERM, interrupt)
        signal.signal(signal.SIGINT, interrupt)
        while True:
            try:
                if not self.stopped:
                    names = self.failed | {run.name for run, *_ in self.going.values()}
                    for run in ready(self.rows):
                        if len(self.going) >= self.jobs:
                            break
                        if run.name not in names and not self.finished(run):
                            self.start(run)
                            names.add(run.name)
                if not self.going:
                    break
                self.wait_for_one()
            except KeyboardInterrupt:
                self.stop()
        return len(self.failed) + (130 if self.stopped else 0)
