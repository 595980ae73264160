#!/usr/bin/env python3
"""Processor seconds of tests, which real time on a shared machine says nothing of: of each test with all its children, one
after the other, and the sum of each label (docs/design.md, "The time of the tests").

    scripts/test_seconds.py BUILD_DIR [REGEX] [--csv FILE]
"""
import argparse
import collections
import csv
import json
import os
import re
import subprocess
import sys


def environment(properties):
    variables = dict(os.environ)
    for item in properties.get("ENVIRONMENT", []):
        name, _, value = item.partition("=")
        variables[name] = value
    for item in properties.get("ENVIRONMENT_MODIFICATION", []):  # only set: is used
        name, _, value = item.partition("=")
        variables[name] = value.removeprefix("set:")
    return variables


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("regex", nargs="?", default="")
    parser.add_argument("--csv")
    given = parser.parse_args()
    listed = subprocess.run(["ctest", "--test-dir", given.build, "--show-only=json-v1"], check=True, stdout=subprocess.PIPE)
    rows, labels = [], collections.Counter()
    for test in json.loads(listed.stdout)["tests"]:
        if not re.search(given.regex, test["name"]):
            continue
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        before = os.times()
        code = subprocess.run(test["command"], cwd=properties["WORKING_DIRECTORY"], env=environment(properties),
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode  # fmt: skip
        now = os.times()
        seconds = now.children_user + now.children_system - before.children_user - before.children_system
        rows.append((test["name"], properties["LABELS"][0], round(seconds, 2), code))
        labels[rows[-1][1]] += seconds
        print(f"{seconds:8.2f}  {test['name']}{f'  (exit code {code})' if code else ''}", flush=True)
    for label, seconds in sorted(labels.items()):
        print(f"{seconds:8.1f}  {label}")
    print(f"{sum(labels.values()):8.1f}  all")
    if given.csv:
        with open(given.csv, "w", newline="") as f:
            csv.writer(f, lineterminator="\n").writerows([("test", "label", "processor_seconds", "code"), *rows])


if __name__ == "__main__":
    sys.exit(main())
