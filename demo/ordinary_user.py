"""PostgreSQL refuses to run as root: who it runs as when root starts it."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

NAMESPACE_ID = "1000"
FALLBACK_USER = "assay_postgres"


class NoOrdinaryUser(Exception):
    """Nobody but root can reach the files; the message says what to do about it."""


def ordinary_user(folder: Path, programs: Path) -> dict:
    """How root starts PostgreSQL, which refuses to run as root: arguments for start_child.

    A user namespace in which root's files belong to an ordinary user changes nothing on the machine. Where
    the kernel forbids one (a container), a system user is made once, as the wheel would do it.
    """
    if os.geteuid() != 0:
        return {}
    if _namespaces_work():
        run_as = {"become": _enter_namespace}
    else:
        _check_passable(folder, programs)
        run_as = {"become": _become_fallback_user}
    hand_over(folder, run_as)
    return run_as


def _enter_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    os.unshare(os.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NAMESPACE_ID} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NAMESPACE_ID} {gid} 1")


def _namespaces_work() -> bool:
    if not hasattr(os, "unshare"):
        return False
    try:
        subprocess.run([sys.executable, "-S", "-c", ""], preexec_fn=_enter_namespace, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _become_fallback_user() -> None:
    user = pwd.getpwnam(FALLBACK_USER)
    os.initgroups(FALLBACK_USER, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def _check_passable(*paths: Path) -> None:
    """Refuse rather than open somebody's private folder to everybody on the machine."""
    for path in paths:
        for parent in path.resolve().parents:
            if parent.exists() and not parent.stat().st_mode & 0o001:
                raise NoOrdinaryUser(
                    f"PostgreSQL does not run as root, and no other user may enter {parent}: "
                    f"move this folder elsewhere, run as an ordinary user, allow it with "
                    f"`chmod o+x {parent}`, or set DATABASE_URL."
                )


def hand_over(folder: Path, run_as: dict) -> None:
    """Let the files in `folder` belong to the user that the server will run as."""
    if not run_as:
        return
    owner = (0, 0) if run_as["become"] is _enter_namespace else _fallback_user()
    if folder.stat().st_uid == owner[0] and not (folder / "data.making").exists():
        return
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, *owner, follow_symlinks=False)


def _fallback_user() -> tuple[int, int]:
    try:
        user = pwd.getpwnam(FALLBACK_USER)
    except KeyError:
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin") or "useradd"
        subprocess.run([useradd, "--system", "--no-create-home", FALLBACK_USER], check=True)  # noqa: S603
        user = pwd.getpwnam(FALLBACK_USER)
    return user.pw_uid, user.pw_gid
