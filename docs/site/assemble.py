#!/usr/bin/env python3
"""Pages for the site: every Markdown file of the project at its place, with what they link to, and the reference of commands
made from their own --help.

    docs/site/assemble.py FROZENTL build/docs/pages

A link to a folder becomes one to its README, or to a list of its files. Ends with 1 when a link leads nowhere."""

import os
import re
import shutil
import subprocess
import sys

LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def tracked(pattern):
    return subprocess.run(["git", "-C", ROOT, "ls-files", pattern], capture_output=True, text=True, check=True).stdout.split()


def help_of(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def commands_page(frozentl):
    """One section for each command that `frozentl --help` lists."""
    overview = help_of([frozentl, "--help"])
    names = re.findall(r"^  (\w+) +\S", overview.split("Commands:")[1].split("\n\n")[0], re.M)
    text = ["# Commands\n\nAs `frozentl COMMAND --help` says it; `man frozentl-COMMAND` is the same.\n", "```text", overview.rstrip(), "```"]
    for name in names:
        text += [f"\n## frozentl {name}\n", "```text", help_of([frozentl, name, "--help"]).rstrip(), "```"]
    return "\n".join(text) + "\n", names


def listing(folder):
    files = [f for f in tracked(folder + "/*") if "/" not in f[len(folder) + 1 :]]
    rows = "\n".join(f"* [{os.path.basename(f)}]({os.path.basename(f)})" for f in files)
    return f"# {folder}\n\n{rows}\n"


def main():
    frozentl, out = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    shutil.rmtree(out, ignore_errors=True)
    pages = {page: open(os.path.join(ROOT, page)).read() for page in tracked("*.md")}
    pages["docs/commands.md"], _ = commands_page(frozentl)
    copied, broken = {"docs/site/extra.css"}, []

    def follow(page, target):
        """The link as it is on the site."""
        if re.match(r"[a-z]+:", target):
            return target
        path = os.path.normpath(os.path.join(os.path.dirname(page), target))
        full = os.path.join(ROOT, path)
        if os.path.isdir(full):
            inside = path + "/README.md"
            if inside not in pages and not os.path.exists(os.path.join(ROOT, inside)):
                pages[inside] = listing(path)
                queue.append(inside)
            return os.path.relpath(inside, os.path.dirname(page) or ".")
        if path in pages:
            return target
        if not os.path.isfile(full):
            broken.append(f"{page}: {target}")
        else:
            copied.add(path)
        return target

    queue = list(pages)
    while queue:
        page = queue.pop()
        pages[page] = LINK.sub(lambda m: m[1] + follow(page, m[2]) + (m[3] or "") + m[4], pages[page])
    if broken:
        sys.exit("docs: links that lead nowhere:\n  " + "\n  ".join(broken))
    for page, text in pages.items():
        os.makedirs(os.path.dirname(os.path.join(out, page)) or out, exist_ok=True)
        with open(os.path.join(out, page), "w") as f:
            f.write(text)
    for path in copied:
        os.makedirs(os.path.dirname(os.path.join(out, path)) or out, exist_ok=True)
        shutil.copyfile(os.path.join(ROOT, path), os.path.join(out, path))
    print(f"docs: {len(pages)} pages, {len(copied)} other files")


if __name__ == "__main__":
    main()
