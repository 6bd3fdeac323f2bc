"""How fast the parts are, beside their plain versions: the functions behind ``python -m benchmarks``.

Each module has one function that measures and returns :class:`Measurement` rows. Nothing here is imported by the rest
of the package.
"""

from .measuring import Measurement, Timing, read_rows, time_side_by_side, write_rows
