"""Python's collector of garbage, which `fragtui.__main__` switches off for the start."""

import gc


def enable_collector() -> None:
    """Switch the collector on, if it is off, for what is made from now on.

    What the start made is needed to the end: no collection looks at it, not even the one at the exit, which would take
    a tenth of the CPU of a short run.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
