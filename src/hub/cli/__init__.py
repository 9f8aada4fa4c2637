"""The `hub` command.  Each file is one group of commands; heavy imports wait until one runs."""

import sys


def main() -> None:
    """Run the command line of this process and end the process with its exit code."""
    from hub.cli.app import run

    sys.exit(run(sys.argv[1:]))
