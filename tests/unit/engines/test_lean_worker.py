"""What a worker process imports to profile a log."""

import subprocess
import sys

PROGRAM = """
import sys
from pathlib import Path
from engines.local import fit_reference, profile_partition
from engines.partition import PartitionProfile, window
from stats.measure import measure
from tests.spec.engines import logs
folder = Path(sys.argv[1])
"""
READ = """
from engines.sources import partition_at
reference = fit_reference([partition_at(folder / "reference.parquet")], logs.SPEC, seed=1)
profile = profile_partition(partition_at(folder / "log.parquet"), logs.SPEC, reference)
measure(reference, window([PartitionProfile.from_bytes(profile.to_bytes())]))
profile.sample.draw(100)
print(*sorted({"pandas", "django", "scipy.stats", "sklearn"} & set(sys.modules)))
"""


def test_profiling_imports_neither_pandas_nor_django_nor_scipy_stats(tmp_path):
    from tests.spec.engines import logs

    logs.reference_log(tmp_path / "reference.parquet")
    logs.messy_log(tmp_path / "log.parquet", 3)

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + READ, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == ""
