"""SciPy's special functions, imported when the first is asked for.

Importing scipy.special costs more than importing numba does. A worker that has just started has its first
partitions read in other threads before it needs an interval, and this loads meanwhile.
"""

from functools import cache
from types import ModuleType


@cache
def special() -> ModuleType:
    """scipy.special; not scipy.stats, which has the same functions behind another second of imports."""
    import scipy.special

    return scipy.special
