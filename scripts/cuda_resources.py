#!/usr/bin/env python3
"""Prints what each CUDA kernel of core/kokkos takes on each architecture, from what ptxas said (`-Xptxas -v`).

    scripts/cuda_resources.py [--spills|--stages] LOG...      logs that `make kokkos-cuda` leaves in build/release/kokkos-cuda

One line a kernel: registers per thread, stack and spilled bytes per thread, static shared memory per block. Shared memory
that Kokkos asks for when it starts a kernel (team scratch) is not in the compiler's output. --spills: only kernels that
spill. --stages: a line for each stage, with the smallest and largest number of registers of its instances, of stages with
loops of their own (the rest is copying). Standard library only, and c++filt of binutils."""
import re
import subprocess
import sys


def kernels(text):
    """(mangled name, architecture, {registers, stack, spill, shared}) of one log."""
    name = arch = None
    entry = re.compile(r"Compiling entry function '(\w+)' for '(\w+)'")
    stack = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
    found = {}
    for line in text.splitlines():
        if match := entry.search(line):
            name, arch = match.groups()
        elif name and (match := stack.search(line)):
            found = {"stack": int(match[1]), "spill": int(match[2]) + int(match[3])}
        elif name and "Used " in line and " registers" in line:
            found["registers"] = int(re.search(r"Used (\d+) registers", line)[1])
            shared = re.search(r"(\d+) bytes smem", line)
            found["shared"] = int(shared[1]) if shared else 0
            yield name, arch, found
            name = None


def demangled(names):
    done = subprocess.run(["c++filt"], input="\n".join(names), stdout=subprocess.PIPE, text=True, check=True)
    return dict(zip(names, done.stdout.splitlines()))


def stage(signature):
    """frozentl::mace_stages::Contract<Kokkos::Cuda, double> of a kernel's signature; None: a kernel of Kokkos' own."""
    start = signature.find("frozentl::")
    if start < 0:
        return None
    depth, k = 0, start
    while k < len(signature):  # to the end of its template arguments
        c = signature[k]
        if c == "<":
            depth += 1
        elif c == ">":
            if depth == 0:
                break
            depth -= 1
            if depth == 0:
                k += 1
                break
        elif c in ",)" and depth == 0:
            break
        k += 1
    text = signature[start:k]
    for word in ("frozentl::", "Kokkos::", "(anonymous namespace)::"):
        text = text.replace(word, "")
    text = re.sub(r"^ItemLoop<Cuda, (.*)>$", r"\1", text)
    return text + (" (reduce)" if "ParallelReduce" in signature else " (scan)" if "ParallelScan" in signature else "")


def print_stages(rows):
    columns = [(arch, real) for real in ("double", "float") for arch in sorted({arch for _, arch in rows})]
    cells, stacks, spilled = {}, {}, {}
    for (what, arch), r in rows.items():
        match = re.fullmatch(r"(?:\w+::)?(\w+)<Cuda, (double|float|true|false)(?:, \d+)*> ?", what)
        if not match:
            continue
        name, real = match[1], match[2]
        # a stage in double precision whatever the model's: its template argument is no number type
        for column in [(arch, real)] if real in ("double", "float") else [(arch, "double"), (arch, "float")]:
            cells.setdefault(name, {}).setdefault(column, []).append(r["registers"])
        stacks.setdefault(name, []).append(r["stack"])
        spilled[name] = max(spilled.get(name, 0), r["spill"])
    print("| stage | " + " | ".join(f"{arch}, {'double' if real == 'double' else 'mixed'}" for arch, real in columns), end="")
    print(" | stack, bytes | spilled, bytes |\n| --- |" + " ---: |" * (len(columns) + 2))
    shown = lambda values: f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"
    for name in sorted(cells):
        registers = [shown(cells[name][column]) if column in cells[name] else "-" for column in columns]
        print(f"| `{name}` | " + " | ".join([*registers, shown(stacks[name]), str(spilled[name])]) + " |")


def main():
    arguments = sys.argv[1:]
    spills, stages = "--spills" in arguments, "--stages" in arguments
    logs = [a for a in arguments if a not in ("--spills", "--stages")]
    if not logs or (spills and stages):
        sys.exit(__doc__)
    rows = {}
    for path in logs:
        with open(path, errors="replace") as f:
            listed = list(kernels(f.read()))
        names = demangled([name for name, _, _ in listed])
        for name, arch, found in listed:
            what = stage(names[name])
            if what:
                rows[what, arch] = found
    if not rows:
        sys.exit("no kernels of frozentl in " + " ".join(logs))
    if stages:
        return print_stages(rows)
    print("| kernel | architecture | registers | stack, bytes | spilled, bytes | shared, bytes |\n| --- | --- | --- | --- | --- | --- |")
    for (what, arch), r in sorted(rows.items()):
        if r["spill"] or not spills:
            print(f"| `{what}` | {arch} | {r['registers']} | {r['stack']} | {r['spill']} | {r['shared']} |")


main()
