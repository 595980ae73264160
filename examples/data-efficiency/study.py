"""The study of data efficiency: see README.md. `run.sh --help` lists the options."""

import argparse
import fnmatch
import os
import sys

import plan
import quick
import report
from runner import Pool


def arguments():
    words = "Trains what is not trained yet, then writes results/ and the tables of README.md. Interrupted runs go on."
    parser = argparse.ArgumentParser(prog="run.sh", description=words)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (default 1)")
    parser.add_argument("--only", action="append", metavar="PATTERN", help="runs whose name fits, such as 'h2cu-20-*'")
    parser.add_argument("--list", action="store_true", help="print names of runs, and which are finished")
    parser.add_argument("--report", action="store_true", help="train nothing; write results from what is finished")
    parser.add_argument("--quick", action="store_true", help="one point of the curve in few steps, a minute; "
                        "nothing is written to results/")  # fmt: skip
    parser.add_argument("--foundation", default=os.path.join(plan.ROOT, "potentials", "ftl-metals-0.ftl"))
    parser.add_argument("--frozentl", default=os.path.join(plan.ROOT, "build", "release", "train", "frozentl"))
    parser.add_argument("--work", default=os.path.join(plan.ROOT, "build", "study"), help="folder of the runs")
    return parser.parse_args()


def main():
    args = arguments()
    work, foundation, frozentl = (os.path.abspath(path) for path in (args.work, args.foundation, args.frozentl))
    if not os.path.exists(plan.DATA):
        print(f"the data are not there: {plan.DATA}", file=sys.stderr)
        return 77
    pool = Pool(frozentl, args.jobs)
    if args.quick:
        return quick.compare(pool, foundation)
    os.makedirs(work, exist_ok=True)
    plan.prepare(work)
    runs = plan.all_runs(work, foundation)
    chosen = [run for run in runs if not args.only or any(fnmatch.fnmatch(run.name, word) for word in args.only)]
    if args.list:
        for run in chosen:
            print(("finished  " if pool.finished(run) else "          ") + run.name)
        return 0
    failed = 0 if args.report else pool.train(chosen)
    if failed < 130:
        report.collect(pool, runs, foundation)
        report.draw(frozentl, work)
        report.fill_readme()
    return min(failed, 130)


if __name__ == "__main__":
    sys.exit(main())
