"""How every command ends: with an exit code, and errors that a user can mend told in words instead of a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from metarl_bench.errors import BenchError
from metarl_bench.interrupts import Interrupted

BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
DEBUG_VARIABLE = "METARL_DEBUG"


def run_command(command: Callable[[], int]) -> int:
    """Runs a command of the command line, or of a module that is a program of its own.

    Args:
        command: Returns its exit code.

    Returns:
        That code; 2: bad input; 130: interrupted; 143: terminated.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character must not cost a result.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        return command()
    except BenchError as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        sys.stderr.write(f"error: {error}\n")
        return BAD_INPUT
    except Interrupted as interrupt:
        sys.stderr.write(f"{interrupt}\n")
        return interrupt.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (such as `head`) has what it wanted; keep the interpreter from flushing into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # One that names a file is the user's to mend, whichever of a command's paths it is.
        if error.filename is None or os.environ.get(DEBUG_VARIABLE):
            raise
        sys.stderr.write(f"error: {error.filename} cannot be used: {error.strerror}. Name another file or folder.\n")
        return BAD_INPUT
