#!/usr/bin/env python3
"""Command lines in README, docs, examples and the cards of potentials: the command, each of its flags, its sub-command and the settings of --set are ones that
the program has, targets of make are in the Makefile, and files of the tree that are named are there. Nothing is run but --help.

    tests/docs/commands.py FROZENTL"""

import glob
import os
import re
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = ["README.md", "CONTRIBUTING.md", "docs/*.md", "examples/*/README.md", "potentials/*.md"]
# of Python, where the environment that has ASE is another one than this
PYTHON = {"frozentl-properties": ["properties/*"], "frozentl-barrier": ["properties/*", "reactions/*"], "frozentl-sticking": ["properties/*", "reactions/*"],
          "frozentl.convert": ["convert/*"], "frozentl.label": ["label"]}  # fmt: skip
TREE = re.compile(r"(?:core|pair_style|train|python|potentials|examples|bench|docs|packaging|scripts|tests)/[\w./-]*\w")


def lines_of(page):
    """(number, line) of commands: in blocks, a line that goes on is one."""
    with open(os.path.join(ROOT, page)) as file:
        lines = file.read().split("\n")
    fenced, k = False, 0
    while k < len(lines):
        line, first = lines[k], k + 1
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            while line.rstrip().endswith("\\") and k + 1 < len(lines):
                k += 1
                line = line.rstrip()[:-1] + " " + lines[k]
            yield first, line.strip()
        else:
            for code in re.findall(r"`((?:frozentl [^`]+|make [a-z-]+))`", line):
                yield first, code
        k += 1


def words_of(line):
    """The words of each command of a line, comments and what only says that there is more left out."""
    reader = shlex.shlex(line.replace("...", ""), posix=True, punctuation_chars=";|&")
    reader.whitespace_split = True
    try:
        words = list(reader)
    except ValueError:  # a sentence with an apostrophe
        return
    command = []
    for word in [*words, ";"]:
        if set(word) <= set(";|&"):
            yield command
            command = []
        else:
            command.append(word)


class Program:
    def __init__(self, frozentl):
        self.frozentl, self.help = frozentl, {}
        self.commands = set(re.findall(r"^  ([a-z]+) ", self.of([]), re.M))
        with open(os.path.join(ROOT, "Makefile")) as file:
            self.targets = set(re.findall(r"^([a-z-]+):", file.read(), re.M))

    def of(self, command):
        key = " ".join(command)
        if key not in self.help:
            self.help[key] = subprocess.run([self.frozentl, *command, *([] if "--document" in command else ["--help"])], capture_output=True, text=True, check=True).stdout
        return self.help[key]

    def flags(self, name, command):
        if name == "frozentl":
            text = self.of([command])
            return set(re.findall(r"(--[a-z][a-z0-9-]*)", text)) | set(re.findall(r"(?:^ +|, )(-[a-zA-Z]),?", text, re.M)) | {"--help", "-h", "-?"}
        text = ""
        for path in (p for pattern in PYTHON[name] for p in glob.glob(os.path.join(ROOT, "python/frozentl", pattern + ".py"))):
            with open(path) as file:
                text += file.read()
        return set(re.findall(r"[\"'](--?[a-zA-Z][a-z0-9-]*)[\"']", text)) | {"--help", "-h"}

    def wrong(self, words):
        """What is wrong with one command, or None."""
        while words and re.match(r"[A-Z_]+=", words[0]):
            words = words[1:]
        if words and words[0] in ("mpirun", "srun"):
            words = words[next((k for k, w in enumerate(words) if w in ("frozentl",)), len(words)):]
        if words[:2] == ["python", "-m"] and words[2] in PYTHON:
            words = words[2:]
        if not words:
            return None
        name = os.path.basename(words[0])
        if name == "make":
            missing = [w for w in words[1:] if re.fullmatch(r"[a-z][a-z-]*", w) and w not in self.targets]
            return f"the Makefile has no target {missing[0]}" if missing else None
        command = None
        if name == "frozentl" and len(words) > 1:
            command = words[1]
            if command.startswith("-") or not re.fullmatch(r"[a-z]+", command):
                return None
            if command not in self.commands:
                return f"there is no command frozentl {command}"
        elif name not in PYTHON:
            return None
        known = self.flags(name, command)
        for word, value in zip(words[1:], [*words[2:], ""]):
            key = value.split("=")[0]
            if word == "--set" and name == "frozentl" and key.islower() and f"`{key}`" not in self.of([command, "--document"]):
                return f"frozentl {command} has no setting {key}"
            flag = word.split("=")[0].rstrip(",;:")
            if re.fullmatch(r"--[a-z][a-z0-9-]*|-[a-zA-Z]", flag) and flag not in known:
                return f"{name} {command or ''} has no option {flag}"
        return None


def main(frozentl):
    program, seen, wrong = Program(frozentl), 0, []
    for page in sorted(os.path.relpath(p, ROOT) for pattern in PAGES for p in glob.glob(os.path.join(ROOT, pattern))):
        for number, line in lines_of(page):
            for words in words_of(line):
                if not words:
                    continue
                sentence = program.wrong(words)
                seen += words[0].split("/")[-1].startswith(("frozentl", "make"))
                if sentence:
                    wrong.append(f"{page}, line {number}: {sentence}: {line}")
                for word in words:
                    path = word if TREE.fullmatch(word) else ""
                    if path and not os.path.exists(os.path.join(ROOT, path)):
                        wrong.append(f"{page}, line {number}: {path} is not in the tree: {line}")
    print("\n".join(wrong) or f"{seen} command lines name commands, options and files that are there")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main(sys.argv[1])
