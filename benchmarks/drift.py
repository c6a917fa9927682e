"""Our monitoring run against Evidently's DataDriftPreset on one generated log.

    python -m benchmarks.drift --rows 1000000 [--only-ours] [--runs 5] [--peer-runs 3] [--peer-python PATH]
                               [--distinct-days 30] [--keep FOLDER]

Ours measures 30 daily windows and the month (drift, performance, calibration, CBPE, second moments, a sample);
Evidently one window, drift alone. Both read the same Parquet files in processes of their own and write their
result to disk. Fitting the reference is part of neither number: ours does it once a monitor (its time is
printed); Evidently has no such step and reads the 100,000 reference rows each time, which is part of its run.
Machine code and byte code of both are cached on disk before the clock starts, as where either has run once.
Every figure of both is the median of several processes, with the fastest and the slowest beside it. Evidently runs in
an environment of its own (.venv-peer, made on first use), or in the one that --peer-python names.

What the two do is not the same. Of Evidently's time about a fifth goes into its statistical tests (10 of 51 s at
100,000 rows, under a profiler); most of the rest prepares and draws its report, which ours does not do.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.peer import peer_python
from benchmarks.process import ROOT, Outcome, run_process
from engines.environment import WORKER_ENVIRONMENT

OURS, PEER = "benchmarks.run_ours", "benchmarks.run_evidently"
WANTED = {"process": 50, "warm": 80, "peak": 600}
UNEQUAL = "Evidently's time is mostly that of preparing and drawing its report, which ours does not do."


def main() -> None:
    options = _options()
    folder = Path(options.keep or tempfile.mkdtemp(prefix="assay-bench-"))
    try:
        print(_machine())
        if not (folder / "log").exists():
            days = str(options.distinct_days)
            run_process(["-m", "benchmarks.generated_log", str(folder), str(options.rows), days])
        _compare(folder, options)
    finally:
        if not options.keep:
            shutil.rmtree(folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only-ours", action="store_true")
    parser.add_argument("--runs", type=int, default=5, help="processes of ours")
    parser.add_argument("--peer-runs", type=int, default=3, help="processes of Evidently")
    parser.add_argument("--peer-python", help="an interpreter that has Evidently; one is made where none is named")
    parser.add_argument(
        "--distinct-days", type=int, default=30, help="generate so many days and link them for the rest"
    )
    parser.add_argument("--keep", help="a folder to generate the log in, reuse and not delete")
    return parser.parse_args()


def _compare(folder: Path, options: argparse.Namespace) -> None:
    fitting = _fit(folder)
    cold = Runs(run_process(["-m", OURS, str(folder), "1"], extra=WORKER_ENVIRONMENT) for _ in range(options.runs))
    repeats = 6 if options.rows <= 2_000_000 else 3
    warm = run_process(["-m", OURS, str(folder), str(repeats)], extra=WORKER_ENVIRONMENT)
    inner = statistics.median(warm.told["inner"][1:])
    told = cold.outcomes[0].told
    size = f"{_size(folder / 'log'):,.0f} MB in 30 Parquet files of {options.distinct_days} distinct days"
    print(f"log: {told['rows']:,} rows used, 43 columns, {size}")
    print(f"reference: 100,000 rows, fitted once in {fitting:.1f} s, part of neither number below\n")
    print(f"{'medians':40}{'process s':>10}{'(from–to)':>16}{'cpu s':>8}{'inner s':>9}{'peak MB':>9}")
    print(cold.row(f"ours, cold process ({options.runs} of them)"))
    print(f"{f'ours, warm worker ({repeats - 1} runs in one)':40}{'':34}{inner:9.2f}{warm.told['peak']:9.0f}")
    print(f"  {told['measurements']:,} measurements; PSI of the month over 0.25: {', '.join(told['red'])}")
    if not options.only_ours:
        _compare_with_peer(folder, options, cold, inner)
    peak = max(warm.told["peak"], *(outcome.told["peak"] for outcome in cold.outcomes))
    print(f"peak memory of ours, the highest: {peak:.0f} MB (wanted at 1 million rows: under {WANTED['peak']})")


def _compare_with_peer(folder: Path, options: argparse.Namespace, cold: "Runs", inner: float) -> None:
    python = options.peer_python or peer_python()
    run_process(["-m", PEER, str(folder), "--prime"], python=python)
    peer = Runs(run_process(["-m", PEER, str(folder)], python=python) for _ in range(options.peer_runs))
    print(peer.row(f"Evidently, DataDriftPreset ({options.peer_runs} of them)"))
    whole, cpu = peer.seconds / cold.seconds, peer.cpu / cold.cpu
    print(
        f"\nwhole process: {whole:.0f} times faster (wanted {WANTED['process']}), {cpu:.0f} times less processor time"
    )
    print(f"inside a warm worker: {peer.inner / inner:.0f} times faster (wanted {WANTED['warm']})")
    print(f"memory: {cold.peak / peer.peak:.0%} of Evidently's")
    print(UNEQUAL)


def _fit(folder: Path) -> float:
    """Seconds; run twice, the first time to fill the cache of compiled code."""
    run_process(["-m", OURS, "--fit", str(folder)])
    return run_process(["-m", OURS, "--fit", str(folder)]).told["inner"][0]


class Runs:
    """Several processes of one contender; each figure is their median."""

    def __init__(self, outcomes: Iterable[Outcome]):
        self.outcomes = list(outcomes)
        self.seconds = statistics.median(outcome.seconds for outcome in self.outcomes)
        self.cpu = statistics.median(outcome.cpu for outcome in self.outcomes)
        self.inner = statistics.median(outcome.told["inner"][0] for outcome in self.outcomes)
        self.peak = statistics.median(outcome.told["peak"] for outcome in self.outcomes)

    def row(self, name: str) -> str:
        times = [outcome.seconds for outcome in self.outcomes]
        spread = f"({min(times):.2f}–{max(times):.2f})"
        return f"{name:40}{self.seconds:10.2f}{spread:>16}{self.cpu:8.2f}{self.inner:9.2f}{self.peak:9.0f}"


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*.parquet")) / 1e6


def _machine() -> str:
    git = shutil.which("git") or "git"
    commit = subprocess.run([git, "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)  # noqa: S603
    model = next((line.split(":")[1].strip() for line in _cpu() if line.startswith("model name")), platform.machine())
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{now}, commit {commit.stdout.strip()}, {os.cpu_count()} cores ({model}), load before {load}"


def _cpu() -> list[str]:
    info = Path("/proc/cpuinfo")
    return info.read_text().splitlines() if info.exists() else []


if __name__ == "__main__":
    main()
