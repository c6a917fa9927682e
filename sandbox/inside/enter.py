"""First program inside: gives up every right, sets the limits, runs the program, hands out its files.

Standard library only, started as `python -I -S -B enter.py <JSON>` by bubblewrap. What it writes to
standard output is read by `sandbox.parcel`: magic, 4-byte big-endian length of a JSON head, the head,
then the bytes of each file in the head's order. The program shares our user id and could stop or
imitate us, so the reader treats all of it as a claim.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import platform
import resource
import signal
import stat
import struct
import sys
import time

MAGIC = b"ASSAY-PARCEL-1\n"
OUTPUT = "/out"
PRIVATE_FOLDERS = ("/tmp/home", "/tmp/matplotlib", "/tmp/numba")  # noqa: S108 - a private tmpfs
RUN = """
import runpy, sys
sys.path.insert(0, "/assay")
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_FILTER = 4, 38, 22, 2
_EPERM, _ENOSYS = 1, 38
_CLONE_NEWUSER = 0x10000000
# System call numbers (asm/unistd): audit architecture, clone, clone3, and the refused ones: unshare,
# setns, mount, umount2, ptrace, keyctl, add_key, request_key, bpf, perf_event_open, userfaultfd,
# io_uring_setup, process_vm_readv, process_vm_writev, open_by_handle_at.
_CALLS = {
    "x86_64": (
        0xC000003E,
        56,
        435,
        (272, 308, 165, 166, 101, 250, 248, 249, 321, 298, 323, 425, 310, 311, 304),
    ),
    "aarch64": (
        0xC00000B7,
        220,
        435,
        (97, 268, 40, 39, 117, 219, 217, 218, 280, 241, 282, 425, 270, 271, 265),
    ),
}


def main() -> None:
    # The first bytes tell the reader that the namespaces stand, whatever happens from here on.
    os.write(1, MAGIC)
    orders = json.loads(sys.argv[1])
    give_up_rights(orders["user_id"])
    set_limits(orders["limits"])
    refuse_kernel_doors()
    for folder in PRIVATE_FOLDERS:
        os.mkdir(folder, 0o700)
    started = time.monotonic()
    status, usage = run_program([orders["program"], *orders["arguments"]])
    end_stragglers()
    head = {"exit": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - started}
    head["peak_bytes"] = usage.ru_maxrss * 1024
    head["cpu_seconds"] = usage.ru_utime + usage.ru_stime
    room = os.statvfs(OUTPUT)
    head["output_full"] = room.f_bavail == 0
    hand_out(head)


def give_up_rights(user_id: int | None) -> None:
    """Become a user id that owns nothing (when started by root); a process of a user is that already."""
    if user_id is not None:
        os.setgroups([])
        os.setresgid(user_id, user_id, user_id)
        os.setresuid(user_id, user_id, user_id)
    os.umask(0o077)


def set_limits(limits: dict[str, int]) -> None:
    for name, value in {**limits, "CORE": 0}.items():
        # A soft limit on time below the hard one: the signal then says what happened.
        hard = value + 2 if name == "CPU" else value
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, hard))


def refuse_kernel_doors() -> None:
    """Refuse calls that widen what a process can reach: new user namespaces, mounts, keyrings, tracing.

    Elsewhere than on x86-64 and arm64 the namespaces alone must do.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _prctl(libc, _PR_SET_NO_NEW_PRIVS, 1)
    _prctl(libc, _PR_SET_DUMPABLE, 0)
    if (calls := _CALLS.get(platform.machine())) is None:
        return
    program = _filter(*calls)
    buffer = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    _prctl(
        libc,
        _PR_SET_SECCOMP,
        _SECCOMP_FILTER,
        ctypes.byref(Program(len(program) // 8, ctypes.addressof(buffer))),
    )


def _filter(architecture: int, clone: int, clone3: int, refused: tuple[int, ...]) -> bytes:
    load, equal, at_least, any_bit, give = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, eperm, enosys, kill = 0x7FFF0000, 0x00050000 | _EPERM, 0x00050000 | _ENOSYS, 0x80000000
    steps = [(load, 0, 0, 4), (equal, 1, 0, architecture), (give, 0, 0, kill), (load, 0, 0, 0)]
    # Numbers from 2^30 are the x32 variant of the same calls.
    steps += [(at_least, 0, 1, 1 << 30), (give, 0, 0, kill)]
    for number in refused:
        steps += [(equal, 0, 1, number), (give, 0, 0, eperm)]
    # clone3 hides its flags behind a pointer; "no such call" makes the C library use clone instead.
    steps += [(equal, 0, 1, clone3), (give, 0, 0, enosys)]
    steps += [(equal, 0, 3, clone), (load, 0, 0, 16), (any_bit, 0, 1, _CLONE_NEWUSER), (give, 0, 0, eperm)]
    steps += [(give, 0, 0, allow)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _prctl(libc: ctypes.CDLL, option: int, value: int, pointer: object = None) -> None:
    if libc.prctl(option, ctypes.c_ulong(value), pointer, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl {option}: {os.strerror(code)}")


def run_program(arguments: list[str]) -> tuple[int, resource.struct_rusage]:
    """Run a Python file in a fresh interpreter, its standard output sent to the console; wait for it."""
    child = os.fork()
    if child == 0:
        try:
            os.dup2(2, 1)
            # -P and -s, not -I: the environment is ours, and its hash seed makes runs repeatable.
            os.execv(sys.executable, [sys.executable, "-P", "-s", "-B", "-u", "-c", RUN, *arguments])  # noqa: S606
        except OSError as error:
            os.write(2, f"the program could not be started: {error}\n".encode())
        finally:
            os._exit(127)
    _, status, usage = os.wait4(child, 0)
    return status, usage


def end_stragglers() -> None:
    """Kill what the program left running, so that nothing writes while we read.

    Only where we are among the first of a process namespace: elsewhere -1 would reach the host's.
    """
    if os.getpid() > 3:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(-1, signal.SIGKILL)


def hand_out(head: dict) -> None:
    """Write the head and, after a success, every file of the output folder to standard output."""
    files = []
    try:
        files = open_output() if head["exit"] == 0 else []
    except OSError as error:
        head["refused"] = f"the output folder holds something that is not a readable plain file: {error}"
    head["files"] = [[name, size] for name, _, size in files]
    text = json.dumps(head).encode()
    with open(1, "wb", closefd=False) as out:
        out.write(struct.pack(">I", len(text)) + text)
        for _, descriptor, size in files:
            _copy(descriptor, size, out)


def open_output() -> list[tuple[str, int, int]]:
    """Every file of the output folder as (name, descriptor, size); OSError for anything else in it."""
    opened = []
    for name in sorted(os.listdir(OUTPUT)):
        descriptor = os.open(f"{OUTPUT}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(f"{name[:64]!r} is a folder or special file")
        opened.append((name, descriptor, info.st_size))
    return opened


def _copy(descriptor: int, size: int, out) -> None:
    while size and (chunk := os.read(descriptor, min(size, 1 << 20))):
        out.write(chunk)
        size -= len(chunk)


if __name__ == "__main__":
    main()
