"""`python -m frozentl.properties`: command.py."""

import sys

from . import main

sys.exit(main())
