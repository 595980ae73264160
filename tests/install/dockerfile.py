#!/usr/bin/env python3
"""Does what the Dockerfile says, line by line, where there is no container engine: in folders that debootstrap fills, by chroot. Then runs
what docs/cluster.md runs in the image. As root, on a Debian with debootstrap and the network.

    tests/install/dockerfile.py [FOLDER]      FOLDER (new; default: a temporary one) keeps the stages and a copy of Debian's base

Known are FROM debian:SUITE-slim [AS NAME], RUN, COPY [--from=STAGE] FROM TO, ENV NAME=VALUE, WORKDIR and CMD [...]; what else there is ends it."""
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
MD = """units metal
lattice fcc 3.62
region r block 0 3 0 3 0 3
create_box 1 r
create_atoms 1 box
mass 1 63.546
pair_style frozentl
pair_coeff * * /work/h2cu.ftl Cu
velocity all create 300 4711
fix 1 all nve
run 5
"""


def instructions(path):
    with open(path) as f:
        text = f.read()
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            word, rest = line.split(None, 1)
            yield word, rest.strip()


class Stage:
    def __init__(self, root, base, folder):
        self.root, self.work, self.variables = root, "/", {}
        suite = base.split(":")[1].replace("-slim", "")
        kept = os.path.join(folder, "base-" + suite)
        if not os.path.isdir(kept):
            subprocess.run(["debootstrap", "--variant=minbase", suite, kept], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["cp", "-a", kept, root], check=True)
        # how this machine reaches the network
        shutil.copy("/etc/resolv.conf", root + "/etc/resolv.conf")
        self.own = {k: v for k, v in os.environ.items() if k.startswith("PIP_") and k != "PIP_FIND_LINKS"}
        if "PIP_CERT" in self.own:
            self.own["PIP_CERT"] = "/etc/build-certificates.crt"
            shutil.copy(CERTIFICATES, root + self.own["PIP_CERT"])

    def run(self, command):
        """A line for a shell, or a list of words."""
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8", **self.own, **self.variables}
        words = [f"cd {shlex.quote(self.work)} && {command}"] if isinstance(command, str) else [f'cd {shlex.quote(self.work)} && exec "$0" "$@"', *command]
        subprocess.run(["unshare", "--mount", "sh", "-c", 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" /bin/sh -c "$@"',
                        self.root, *words], check=True, env=environment, stdin=subprocess.DEVNULL)  # fmt: skip

    def inside(self, path):
        return self.root + os.path.join(self.work, path)


def source(to):
    """The files of the work tree that git knows: what is not in .dockerignore."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")[:-1]
    for name in names:
        os.makedirs(os.path.dirname(os.path.join(to, name)), exist_ok=True)
        shutil.copy2(os.path.join(ROOT, name), os.path.join(to, name), follow_symlinks=False)


def build(folder):
    stages, stage, command = {}, None, None
    for word, rest in instructions(os.path.join(ROOT, "Dockerfile")):
        print(f"dockerfile: {word} {rest}"[:140], flush=True)
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            name = name or "last"
            stage = stages[name] = Stage(os.path.join(folder, "stage-" + name), base, folder)
        elif word == "RUN":
            stage.run(rest)
        elif word == "COPY" and rest.startswith("--from="):
            origin, path, to = rest[len("--from="):].split()
            shutil.copytree(stages[origin].inside(path), stage.inside(to), symlinks=True)
        elif word == "COPY" and rest.split()[0] == ".":
            source(stage.inside(rest.split()[1]))
        elif word == "ENV":
            name, value = rest.split("=", 1)
            stage.variables[name] = value
        elif word == "WORKDIR":
            stage.work = rest
            os.makedirs(stage.inside(""), exist_ok=True)
        elif word == "CMD":
            command = json.loads(rest)
        else:
            raise SystemExit(f"dockerfile: this script does not know '{word} {rest}'")
    return stage, command


def main():
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        print("dockerfile: skipped: needs root and debootstrap")
        raise SystemExit(77)
    folder = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="frozentl-container-")
    os.makedirs(folder, exist_ok=True)
    try:
        image, command = build(folder)
        print("dockerfile: built; what docs/cluster.md runs in it", flush=True)
        image.run(command)
        shutil.copy(os.path.join(ROOT, "potentials/h2cu.ftl"), image.inside("h2cu.ftl"))
        with open(image.inside("in.file"), "w") as f:
            f.write(MD)
        image.run(["lmp", "-in", "in.file"])
        image.run(["mpirun", "-n", "4", "lmp", "-in", "in.file"])
        image.run(["frozentl", "doctor"])
        image.run(["python3", "-c", "import frozentl, frozentl.calculator; print(frozentl.load('/work/h2cu.ftl').info)"])
        print("dockerfile: all of it works")
    finally:
        if len(sys.argv) < 2:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
