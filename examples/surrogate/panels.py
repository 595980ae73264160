"""The one style of all pictures (python/frozentl/plot/style.py) for scripts of examples/ and bench/: `from panels import style`.

A script that was started by a Python without matplotlib is started again by that of build/venv.
"""

import importlib.util
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHON = os.path.join(ROOT, "build", "venv", "bin", "python")

if importlib.util.find_spec("matplotlib") is None:
    if os.environ.get("FROZENTL_PANELS") or not os.path.exists(PYTHON):
        sys.exit("pictures need matplotlib: scripts/setup.sh installs it into build/venv")
    sys.stdout.flush()
    os.environ["FROZENTL_PANELS"] = "again"  # once, whatever that one has
    os.execv(PYTHON, [PYTHON, *sys.argv])

sys.path.insert(0, os.path.join(ROOT, "python"))
from frozentl.plot import style  # noqa: E402

__all__ = ["style"]
