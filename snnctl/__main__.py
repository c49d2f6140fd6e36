"""`python -m snnctl`."""

from __future__ import annotations

import sys

from snnctl.cli import main

if __name__ == "__main__":
    sys.exit(main())
