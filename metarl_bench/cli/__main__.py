"""Lets ``python -m metarl_bench.cli`` do what the installed script does."""

import sys

from metarl_bench.cli import main

if __name__ == "__main__":
    sys.exit(main())
