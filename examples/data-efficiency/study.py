"""The study of data efficiency: see README.md. `run.sh --help` lists the options."""

import argparse
import fnmatch
import os
import sys

import foundations
import plan
import quick
import report
from checks import Checks
from elastic import Crystals
from runner import Pool


def arguments():
    words = "Trains what has no line in results/runs.csv yet, then makes tables and pictures. Interrupted runs go on."
    parser = argparse.ArgumentParser(prog="run.sh", description=words)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, of a thread each (default 1)")
    parser.add_argument("--only", action="append", metavar="PATTERN", help="runs whose name fits, such as 'mo-100-*-s1'")
    parser.add_argument("--list", action="store_true", help="print names of runs, and which are finished")
    parser.add_argument("--report", action="store_true", help="train nothing; tables and pictures of what is finished")
    parser.add_argument("--quick", action="store_true", help="one point of the curve in few steps, in seconds; nothing "
                        "is written to results/")  # fmt: skip
    parser.add_argument("--frozentl", default=os.path.join(plan.ROOT, "build", "release", "train", "frozentl"))
    parser.add_argument("--python", default=os.path.join(plan.ROOT, "build", "venv", "bin", "python"),
                        help="a Python with ase, spglib and matplotlib, for elastic constants and pictures")  # fmt: skip
    parser.add_argument("--work", default=os.path.join(plan.ROOT, "build", "study"), help="folder of the runs")
    parser.add_argument("--results", default=os.path.join(plan.HERE, "results"), help="folder of tables and pictures")
    return parser.parse_args()


def main():
    args = arguments()
    work, results, frozentl = (os.path.abspath(path) for path in (args.work, args.results, args.frozentl))
    if not os.path.exists(plan.DATA):
        print(f"the data are not there: {plan.DATA}", file=sys.stderr)
        return 77
    if args.quick:
        return quick.compare(frozentl)
    failed = 0
    if not args.report:
        files = foundations.find(frozentl, sorted({*plan.OTHERS.values(), *(target.foundation for target in plan.TARGETS.values())}))
        os.makedirs(work, exist_ok=True)
        checks = None if args.list else Checks(frozentl, results, Crystals(args.python), files)
        pool = Pool(frozentl, args.jobs, os.path.join(results, "runs.csv"), checks.run if checks else None)
        for target in plan.TARGETS:
            if missing := plan.missing(target):
                print(f"{target} is left out: {missing[0]} is not there; published.py says where it is from "
                      "(MLEARN=FOLDER says where it is here)", file=sys.stderr)  # fmt: skip
            else:
                plan.prepare(work, target)
        tasks = [task for task in plan.whole_plan() if not plan.missing(task.target)]

        def ready(rows):
            """What can be trained now: a point of a curve wants the search for its learning rate first."""
            runs = (run for task in tasks for run in task.runs(work, files, rows))
            return [run for run in runs if not args.only or any(fnmatch.fnmatch(run.name, word) for word in args.only)]

        if args.list:
            for name, done in {run.name: pool.finished(run) for run in ready(pool.rows)}.items():
                print(("finished  " if done else "          ") + name)
            return 0
        wanted = {run.options["data"] for run in ready(pool.rows) if not pool.finished(run)}
        for task in tasks:
            if isinstance(task, plan.Chosen) and task.file(work) in wanted:
                task.choose(frozentl, work, files)
        failed = pool.train(ready)
        if failed < 130:
            checks.before_training()
    if failed < 130:
        report.make(frozentl, args.python, results)
    return min(failed, 130)


if __name__ == "__main__":
    sys.exit(main())
