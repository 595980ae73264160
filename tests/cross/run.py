#!/usr/bin/env python3
"""The stages on processors that this machine does not have, in an emulator (qemu-user), against the generic build here.

    tests/cross/run.py BUILD_DIR MAKE_DUMP ANSWERS

AArch64: the stages are cross-compiled (tests/cross/CMakeLists.txt) into BUILD_DIR/cross. x86-64: ANSWERS itself runs on
CPUs without AVX and without AVX-512, which must find the build that fits them. Energies, forces and virials of the small
models in tests/parity/twins agree to rounding, in double and in mixed precision; the environment variable FROZENTL_ISA
takes what there is and says what it is when asked for something else. Skipped (77) without the tools, which
`scripts/setup.sh cross` installs.
"""
import glob
import os
import platform
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PRECISIONS = ("double", "mixed")
TOOLS = ("aarch64-linux-gnu-gcc", "qemu-aarch64", "qemu-x86_64", "cmake", "ninja")


def run(command, **options):
    done = subprocess.run(command, capture_output=True, **options)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def must(command, **options):
    code, out, err = run(command, **options)
    if code:
        sys.exit(f"{' '.join(command)}: exit code {code}\n{out.decode(errors='replace')[-2000:]}{err[-2000:]}")
    return out


def environment(isa):
    """Threads that wait do not spin: in an emulator, on a busy machine, that takes minutes."""
    kept = {**{k: v for k, v in os.environ.items() if k != "FROZENTL_ISA"}, "OMP_WAIT_POLICY": "passive"}
    return {**kept, "FROZENTL_ISA": isa} if isa else kept


def answers(program, dump, precision, isa=None):
    """(kernels, numbers)"""
    lines = must([*program, precision], input=dump, env=environment(isa)).decode().split()
    return lines[0], [float(x) for x in lines[1:]]


def difference(a, b):
    """Energies after the total, then forces and virial; each group by its largest."""
    worst = abs(a[0] - b[0]) / abs(b[0])
    for first, last in ((1, 28), (28, 109), (109, 115)):
        largest = max(abs(x) for x in b[first:last])
        worst = max([worst] + [abs(x - y) / largest for x, y in zip(a[first:last], b[first:last])])
    return worst if all(x == x for x in a) and len(a) == len(b) == 115 else float("inf")


def refused(program, dump, isa, words):
    code, _, err = run([*program, "double"], input=dump, env=environment(isa))
    good = code == 1 and all(w in err for w in words)
    print(f"FROZENTL_ISA={isa}: {err.strip()}{'' if good else '   FAILED'}")
    return good


def cross_compile(build):
    folder = os.path.join(build, "cross")
    must(["cmake", "-S", os.path.join(ROOT, "tests", "cross"), "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
          "-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
          "-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc"])  # fmt: skip
    must(["cmake", "--build", folder])
    program = os.path.join(folder, "answers")
    code = must(["aarch64-linux-gnu-objdump", "-d", program]).decode()
    vectors = len(re.findall(r"\bfmla\s+v\d+\.(?:2d|4s)", code))
    print(f"AArch64: {vectors} fused multiply-adds of whole NEON registers in the program")
    return program, vectors > 1000


def main():
    build, make_dump, here = sys.argv[1:]
    missing = [t for t in TOOLS if not shutil.which(t)]
    if missing or platform.machine() not in ("x86_64", "AMD64"):
        print(f"skipped: {', '.join(missing) + ' missing (scripts/setup.sh cross)' if missing else 'not an x86-64 machine'}")
        return 77
    arm, good = cross_compile(build)
    # which program, what it must choose by itself, and how far it may be off in double. The tables of radial functions
    # are made by the compiler's and the C library's code for the processor: on AArch64 their slopes, which make forces,
    # differ by what the tables err.
    machines = {
        "AArch64": (["qemu-aarch64", arm], "neon", 1e-10),
        "x86-64 without AVX": (["qemu-x86_64", "-cpu", "Nehalem", here], "generic", 1e-12),
        "x86-64 with AVX2": (["qemu-x86_64", "-cpu", "Haswell", here], "avx2", 1e-12),
    }
    worst = {(m, p): 0.0 for m in machines for p in PRECISIONS}
    for model in sorted(glob.glob(os.path.join(ROOT, "tests", "parity", "twins", "*.model"))):
        dump = must([make_dump, model])
        for precision in PRECISIONS:
            _, want = answers([here], dump, precision, "generic")
            for name, (program, isa, _) in machines.items():
                chosen, got = answers(program, dump, precision)
                if chosen != isa:
                    print(f"{name} chose the kernels {chosen}, not {isa}   FAILED")
                    good = False
                worst[name, precision] = max(worst[name, precision], difference(got, want))
    for (name, precision), d in worst.items():
        tolerance = machines[name][2] if precision == "double" else 2e-5
        bad = not d < tolerance
        good = good and not bad
        print(f"{name}, {precision}: largest difference {d:.1e}; tolerance {tolerance:.0e}{'   FAILED' if bad else ''}")
    (arm, _, _), (old, _, _), _ = machines.values()
    good = refused(arm, dump, "avx2", ["'avx2'", "neon"]) and good
    good = refused(old, dump, "avx512", ["this CPU cannot run the avx512 kernels"]) and good
    good = refused(old, dump, "neon", ["'neon'", "generic"]) and good
    return 0 if good else 1


sys.exit(main())
