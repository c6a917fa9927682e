"""Compile the byte-code of the environment that runs this, on every core, and say how far it is.

A sandbox cannot write any: what it imports would be compiled again in every run. What nothing of ours imports is left
out; should somebody import it after all, Python compiles it then.
"""

import compileall
import multiprocessing
import os
import re
import sys
import sysconfig
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

SAY_EVERY_SECONDS = 5.0
# Libraries' own tests, packages that only tests or nobody imports, and the 13,600 validators of which the figures here
# and in Evidently's report ask for 160: half of the time that compiling everything takes.
LEFT_OUT = re.compile(
    r"^(?!evidently/).*\btests/|^(faker|statsmodels|schemathesis|hypothesis|playwright|dynaconf)/"
    r"|^plotly/validators/(?!layout/|scatter/|bar/|heatmap/)\w+/"
)


def main() -> int:
    """Exit code 0 also where a file could not be compiled: libraries ship templates that only look like Python."""
    started = time.monotonic()
    sources = wanted(Path(sysconfig.get_path("purelib")))
    for done in compiled(sources):
        print(f"compiling byte-code: {done:,} of {len(sources):,} files", flush=True)
    print(f"compiled the byte-code of {len(sources):,} files in {time.monotonic() - started:.0f} s", flush=True)
    return 0


def wanted(packages: Path) -> list[str]:
    """The source files below `packages` that are worth it."""
    found = (os.path.join(folder, name) for folder, _, names in os.walk(packages) for name in names)
    return sorted(path for path in found if path.endswith(".py") and is_wanted(os.path.relpath(path, packages)))


def is_wanted(path: str) -> bool:
    return not LEFT_OUT.search(path)


def compiled(sources: list[str]) -> Iterator[int]:
    """Compile all; how many are done, every SAY_EVERY_SECONDS."""
    said_at = time.monotonic()
    with multiprocessing.Pool() as pool:
        for done, _ in enumerate(pool.imap_unordered(compile_one, sources, chunksize=32), start=1):
            if time.monotonic() - said_at > SAY_EVERY_SECONDS:
                said_at = time.monotonic()
                yield done


def compile_one(source: str) -> bool:
    """Unless its byte-code is of this very source."""
    with warnings.catch_warnings(action="ignore"):  # of a library's own spelling
        return compileall.compile_file(source, quiet=2)


if __name__ == "__main__":
    sys.exit(main())
