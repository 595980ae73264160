#!/usr/bin/env python3
"""A compiler launcher (CMAKE_C_COMPILER_LAUNCHER) for the wheel of tests/python/run.sh and the package of tests/install/conda_recipe.py: an
object that another build of this tree, or of a copy of it, has made by the same command is copied, and what differs is compiled. The release
build has just made them all.

    reuse_object.py BUILD_DIR COMPILER ARGUMENTS...

The same command: but for the folders of the build and of the sources, and -Werror, which changes no object. reused.txt there lists
them.
"""
import json
import os
import shlex
import shutil
import sys


def root_of(file):
    """The tree that a source file is in."""
    folder = os.path.dirname(os.path.abspath(file))
    while folder != "/" and not os.path.exists(os.path.join(folder, "core", "frozentl.h")):
        folder = os.path.dirname(folder)
    return folder


def described(command, folder):
    """Of a compiler's arguments, those that decide what the object holds."""
    if os.path.basename(command[0]) == "ccache":
        command = command[1:]
    root = root_of(argument(command, "-c"))
    kept, skip = [os.path.realpath(shutil.which(command[0]) or command[0])], False  # /usr/bin/cc is /usr/bin/gcc
    for word in command[1:]:
        if skip or word in ("-MD", "-Werror", "-MT", "-MF", "-o"):
            skip = not skip and word in ("-MT", "-MF", "-o")
            continue
        kept.append(word.replace(folder, "BUILD").replace(root, "TREE"))
    return kept


def made_by(build, command):
    """The object of the build that this command would make, if it is there and younger than its source."""
    output, here = argument(command, "-o"), os.getcwd()
    with open(os.path.join(build, "compile_commands.json")) as f:
        for entry in json.load(f):
            if f" -o {output} " not in entry["command"]:
                continue
            words = shlex.split(entry["command"])
            found = os.path.join(build, output)
            same = described(words, build) == described(command, here)
            if same and os.path.getmtime(found) > os.path.getmtime(os.path.join(build, entry["file"])):
                return found
    return None


def argument(command, option):
    return command[command.index(option) + 1]


def main():
    build, command = os.path.abspath(sys.argv[1]), sys.argv[2:]
    try:
        found = made_by(build, command)
    except (OSError, ValueError):  # no such build or object; a command that makes none
        found = None
    if not found:
        os.execvp(command[0], command)
    shutil.copyfile(found, argument(command, "-o"))
    if "-MF" in command:  # it is to be made anew when the other one is
        with open(argument(command, "-MF"), "w") as f:
            f.write(f"{argument(command, '-MT')}: " + found.replace(" ", "\\ ") + "\n")
    with open("reused.txt", "a") as f:
        f.write(found + "\n")


if __name__ == "__main__":
    main()
