"""What one run in the sandbox may use."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Ceilings of one run; whoever passes one ends the run, never the worker.

    wall_seconds   from launch to the last byte of output
    cpu_seconds    processor time of any one process
    memory_bytes   resident memory of all processes together, watched four times a second
    address_bytes  address space of any one process (libraries reserve far more than they touch)
    processes      processes and threads together
    open_files     open files of any one process
    output_bytes   all of the output folder, also while it is being written
    scratch_bytes  all of HOME and TMPDIR together
    console_bytes  printed text; a model that prints more is stopped
    threads        what OpenMP and BLAS are told to use
    """

    wall_seconds: float = 120.0
    cpu_seconds: int = 240
    memory_bytes: int = 4096 * MIB
    address_bytes: int = 12288 * MIB
    processes: int = 64
    open_files: int = 512
    output_bytes: int = 64 * MIB
    scratch_bytes: int = 256 * MIB
    console_bytes: int = 4 * MIB
    threads: int = 2
