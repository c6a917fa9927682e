"""Our monitoring run against Evidently's DataDriftPreset on one generated log.

    python -m benchmarks.drift --rows 1000000 [--only-ours] [--peer-python PATH] [--keep FOLDER]

Ours measures 30 daily windows and the month (drift, performance, calibration, CBPE, second moments, a sample);
Evidently one window, drift alone. Both read the same Parquet files in processes of their own and write their
result to disk. Fitting the reference is part of neither number: ours does it once a monitor (its time is
printed); Evidently has no such step and reads the 100,000 reference rows each time, which is part of its run.
Machine code and byte code of both are cached on disk before the clock starts, as where either has run once.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.process import ROOT, Outcome, run_process
from engines.environment import WORKER_ENVIRONMENT

OURS, PEER = "benchmarks.run_ours", "benchmarks.run_evidently"
WANTED = {"process": 50, "warm": 80, "peak": 600}


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
    parser.add_argument("--peer-python", default=sys.executable, help="an interpreter that has Evidently")
    parser.add_argument(
        "--distinct-days", type=int, default=30, help="generate so many days and link them for the rest"
    )
    parser.add_argument("--keep", help="a folder to generate the log in, reuse and not delete")
    return parser.parse_args()


def _compare(folder: Path, options: argparse.Namespace) -> None:
    fitting = _fit(folder)
    cold = run_process(["-m", OURS, str(folder), "1"], extra=WORKER_ENVIRONMENT)
    repeats = 4 if options.rows <= 2_000_000 else 2
    warm = run_process(["-m", OURS, str(folder), str(repeats)], extra=WORKER_ENVIRONMENT)
    inner = min(warm.told["inner"][1:])
    size = f"{_size(folder / 'log'):,.0f} MB in 30 Parquet files of {options.distinct_days} distinct days"
    print(f"log: {cold.told['rows']:,} rows used, 43 columns, {size}")
    print(f"reference: 100,000 rows, fitted once in {fitting:.1f} s, part of neither number below\n")
    print(f"{'':34}{'process s':>10}{'cpu s':>8}{'inner s':>9}{'peak MB':>9}")
    print(_row("ours, cold process", cold, cold.told["inner"][0]))
    print(_row(f"ours, warm worker (best of {repeats - 1})", warm, inner, whole=False))
    print(f"  {cold.told['measurements']:,} measurements; PSI of the month over 0.25: {', '.join(cold.told['red'])}")
    if not options.only_ours:
        run_process(["-m", PEER, str(folder), "--prime"], python=options.peer_python)
        peer = run_process(["-m", PEER, str(folder)], python=options.peer_python)
        print(_row("Evidently, DataDriftPreset", peer, peer.told["inner"][0]))
        _ratios(cold, inner, peer)
    peak = max(cold.told["peak"], warm.told["peak"])
    print(f"peak memory of ours: {peak:.0f} MB (wanted at 1 million rows: under {WANTED['peak']})")


def _fit(folder: Path) -> float:
    """Seconds; run twice, the first time to fill the cache of compiled code."""
    run_process(["-m", OURS, "--fit", str(folder)])
    return run_process(["-m", OURS, "--fit", str(folder)]).told["inner"][0]


def _row(name: str, outcome: Outcome, inner: float, *, whole: bool = True) -> str:
    process = f"{outcome.seconds:10.2f}{outcome.cpu:8.2f}" if whole else f"{'':18}"
    return f"{name:34}{process}{inner:9.2f}{outcome.told['peak']:9.0f}"


def _ratios(cold: Outcome, inner: float, peer: Outcome) -> None:
    whole, cpu = peer.seconds / cold.seconds, peer.cpu / cold.cpu
    print(
        f"\nwhole process: {whole:.0f} times faster (wanted {WANTED['process']}), {cpu:.0f} times less processor time"
    )
    print(f"inside a warm worker: {peer.told['inner'][0] / inner:.0f} times faster (wanted {WANTED['warm']})")
    print(f"memory: {cold.told['peak'] / peer.told['peak']:.0%} of Evidently's")


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
