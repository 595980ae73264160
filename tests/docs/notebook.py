"""The example's notebook runs from its first cell to its last, and what is stored of it is small and of no one's machine.

    PYTHON tests/docs/notebook.py NOTEBOOK... [--store]

By nbclient, in the notebook's folder; --store keeps what it printed and drew. Exit code 77, and a sentence, where nbclient or ipykernel is not there."""

import os
import re
import sys

try:
    import ipykernel  # noqa: F401
    import nbclient
    import nbformat
except ImportError as e:
    print(f"skipped: {e} (scripts/setup.sh installs nbclient and ipykernel)")
    sys.exit(77)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MOST = 400_000  # bytes of a notebook in the tree
MACHINE = re.compile(r"/(home|root|work|tmp|Users)/[\w.-]+")


def check_stored(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert len(text) < MOST, f"{path} has {len(text)} bytes, more than {MOST}"
    found = MACHINE.search(text)
    assert not found, f"{path} has a path of a machine: {found[0]}"
    cells = [c for c in nbformat.reads(text, as_version=4).cells if c.cell_type == "code"]
    assert any("image/png" in output.get("data", {}) for c in cells for output in c.outputs), f"{path} has no picture: store it with --store"


def run(path, store):
    notebook = nbformat.read(path, as_version=4)
    kernel = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": os.path.dirname(os.path.abspath(path))}})
    kernel.execute()  # CellExecutionError names the cell
    pictures = sum("image/png" in output.get("data", {}) for c in notebook.cells if c.cell_type == "code" for output in c.outputs)
    scenes = sum("x3d" in output.get("data", {}).get("text/html", "").lower() for c in notebook.cells if c.cell_type == "code" for output in c.outputs)
    assert pictures >= 4 and scenes == 1, f"{path} made {pictures} pictures and {scenes} scenes"
    if store:
        for cell in notebook.cells:
            cell.metadata = {}
        nbformat.write(notebook, path)
    print(f"{os.path.relpath(path, ROOT)}: {pictures} pictures, {scenes} scene in three dimensions")


def main():
    store = "--store" in sys.argv
    sys.path.insert(0, os.path.join(ROOT, "python"))
    os.environ["PYTHONPATH"] = os.pathsep.join([os.path.join(ROOT, "python"), *filter(None, [os.environ.get("PYTHONPATH")])])
    for path in [a for a in sys.argv[1:] if a != "--store"]:
        run(path, store)
        check_stored(path)


main()
