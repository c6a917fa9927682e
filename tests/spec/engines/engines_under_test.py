"""The engines that must fill the same states. A new engine joins the specification by one entry here."""

from functools import partial

from engines.in_memory import profile_in_memory
from engines.local import profile_partition

# name -> (partition, spec, reference, *, labels_as_of) -> object with states, rows_read and refused
ENGINES = {
    "local": profile_partition,
    "local, one thread": partial(profile_partition, threads=1),
    "in memory": profile_in_memory,
}
