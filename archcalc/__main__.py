"""`python -m archcalc`, and what the command is: Ctrl-C is answered while all the rest is still being imported."""

from __future__ import annotations

import gc
import os
import signal


def end_at_once(number: int, frame: object) -> None:
    """End with one line where nothing has begun that would have to be ended."""
    os.write(2, b"interrupted\n")
    os._exit(128 + number)


if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # nobody wants it to be ignored
    signal.signal(signal.SIGINT, end_at_once)

# What is imported and expanded stays, and is no garbage to look for every 700 objects: a tenth of what commands take.
gc.set_threshold(100_000, 20, 20)


def main() -> None:
    """Entry point."""
    from archcalc.cli import main as run

    try:
        run()
    finally:
        gc.freeze()  # the end of the process looks for garbage twice, of which the system needs nothing


if __name__ == "__main__":
    main()
