"""`python -m frozentl.plot`: command.py."""

import sys

from .command import main

sys.exit(main())
