"""`python -m frozentl.reactions`: command.py."""

import sys

from . import main

sys.exit(main())
