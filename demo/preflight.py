#!/usr/bin/env python3
"""Make the environment in .venv from the lock file, with whatever Python 3 the machine has.

Standard library only, and written so that any Python 3 can at least read it: an old one must be able to say
that it is too old. Whatever goes wrong ends in one sentence with the remedy, never in a traceback.
"""

import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOLS = os.path.join(ROOT, ".tools")
UV = os.path.join(TOOLS, "bin", "uv")
PYTHON = os.path.join(ROOT, ".venv", "bin", "python")
STAMP = os.path.join(ROOT, ".venv", ".made-from")
LOG = os.path.join(TOOLS, "setup.log")
UV_VERSION = "0.13.9"
# Measured: 1.8 GB of environment, 0.2 GB of demonstration on its first day, and room for both to grow.
BYTES_NEW, BYTES_MADE = 2_500_000_000, 300_000_000
BYTES_OF_DOWNLOADS = 1_600_000_000  # as uv keeps them; on the same disk they are the environment's own files
WORTH_SAYING = re.compile(r"^(Using|Downloading|Resolved|Prepared|Installed|Uninstalled|Creating|[Cc]ompil)\w*\b")

TOO_LITTLE = "{folder} has {free:.1f} GB free and {need:.1f} GB are needed there: {remedy} and run this again."
NO_SPACE = "The disk is full: {folder} needs {need} free. Free some space and run this again."
# What uv and pip write when they give up -> what a person is told. The first match counts.
REMEDIES = (
    (
        r"No space left on device|os error 28",
        NO_SPACE.format(folder=ROOT, need="2.5 GB") + " (Downloads are kept where UV_CACHE_DIR says.)",
    ),
    (
        r"downloads are (disabled|set to 'never')|No interpreter found",
        "Python 3.13 is not on this machine and may not be fetched: install Python 3.13, or unset "
        "UV_PYTHON_DOWNLOADS, and run this again.",
    ),
    (
        r"lockfile .*needs to be updated|lock file .*(outdated|needs to be updated)",
        "uv.lock does not match pyproject.toml: run `.tools/bin/uv lock` and run this again.",
    ),
    (
        r"dns error|failed to lookup|Connection refused|Network is unreachable|error sending request"
        r"|timed out|Failed to fetch|NewConnectionError|Max retries exceeded|ConnectTimeout"
        r"|NameResolutionError|No matching distribution",
        "The package index could not be reached: check the network or the proxy (HTTPS_PROXY; an index of "
        "your own goes into UV_DEFAULT_INDEX and PIP_INDEX_URL) and run this again; what is there is kept.",
    ),
    (
        r"invalid peer certificate|CERTIFICATE_VERIFY_FAILED|UnknownIssuer",
        "The package index shows a certificate that this machine does not trust: set SSL_CERT_FILE to your "
        "organisation's certificates and run this again.",
    ),
    (
        r"Permission denied",
        f"Some file in {ROOT} belongs to another user: `sudo chown -R $(id -u) {ROOT}` and run this again.",
    ),
)


class Refusal(Exception):
    """What happened, why, and what to do next, in one sentence."""


def main():
    """Exit code 0 when .venv stands as the lock file says."""
    try:
        check_python()
        check_libraries()
        check_disks()
        make_environment()
    except Refusal as refusal:
        print(f"assay: {refusal}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"assay: {in_words(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("assay: stopped; run it again to carry on.", file=sys.stderr)
        return 130
    return 0


def check_python(version=sys.version_info, has_module=None):
    """Refuse a Python that is too old, or that Debian has shipped without its venv."""
    if tuple(version[:2]) < (3, 9):
        raise Refusal(
            f"python3 is {version[0]}.{version[1]} here and 3.9 or newer is needed to set up: install a "
            "newer one, or name it with `make PYTHON=/path/to/python3 ...`."
        )
    from importlib.util import find_spec

    has_module = has_module or find_spec
    if not (has_module("venv") and has_module("ensurepip")):
        raise Refusal(
            "python3 has no venv module here: install it (Debian, Ubuntu: apt-get install python3-venv) and "
            "run this again."
        )


def check_libraries(name="libgomp.so.1"):
    """Refuse a Linux without the one library that a wheel (LightGBM's) expects of the machine."""
    if not sys.platform.startswith("linux"):
        return
    try:
        from ctypes import CDLL

        CDLL(name)
    except OSError:
        raise Refusal(
            f"{name} is not on this machine, and LightGBM needs it: install it (Debian, Ubuntu: apt-get install "
            "libgomp1) and run this again."
        ) from None


def check_disks():
    """Refuse before the first download rather than half-way through it."""
    if os.path.exists(PYTHON):
        check_disk(ROOT, BYTES_MADE)
        return
    check_disk(ROOT, BYTES_NEW)
    downloads = folder_of_downloads()
    if not os.path.exists(downloads) and device_of(downloads) != device_of(ROOT):
        check_disk(existing(downloads), BYTES_OF_DOWNLOADS, "free some space, or name another folder in UV_CACHE_DIR,")


def check_disk(folder, need, remedy="free some space", free=None):
    """Refuse where fewer than `need` bytes are free."""
    free = shutil.disk_usage(folder).free if free is None else free
    if free < need:
        raise Refusal(TOO_LITTLE.format(folder=folder, free=free / 1e9, need=need / 1e9, remedy=remedy))


def folder_of_downloads():
    """Where uv keeps what it fetched; whatever is on the same disk as .venv takes no room twice."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("UV_CACHE_DIR") or os.path.join(caches, "uv")


def device_of(folder):
    return os.stat(existing(folder)).st_dev


def existing(folder):
    """`folder`, or the nearest one above it that is there."""
    folder = os.path.abspath(folder)
    while not os.path.exists(folder):
        folder = os.path.dirname(folder)
    return folder


def make_environment():
    """Bring .venv to what uv.lock says; nothing at all when it was made from this very lock."""
    wanted = fingerprint()
    if is_made_from(wanted):
        return
    install_uv()
    forget_half_made()
    say("setting up .venv from uv.lock: downloads of 0.5 GB, 1.8 GB on disk, some minutes; only once")
    run([UV, "sync", "--locked", "--project", ROOT])
    run([PYTHON, "-I", os.path.join(ROOT, "demo", "bytecode.py")])
    with open(STAMP, "w") as file:
        file.write(wanted)


def fingerprint():
    """Of everything that decides what is in .venv."""
    digest = hashlib.sha256(UV_VERSION.encode())
    for name in (".python-version", "pyproject.toml", "uv.lock"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def is_made_from(wanted):
    """Whether .venv was made from `wanted` and its Python still starts."""
    try:
        with open(STAMP) as file:
            made_from = file.read()
    except FileNotFoundError:
        return False
    return made_from == wanted and works([PYTHON, "-c", ""])


def install_uv():
    """uv of the version that the lock was made with, in a folder of its own that `uv sync` never deletes."""
    if works([UV, "--version"]):
        return
    say(f"installing uv {UV_VERSION} into .tools")
    shutil.rmtree(TOOLS, ignore_errors=True)
    os.makedirs(TOOLS)
    run([sys.executable, "-m", "venv", TOOLS])
    run([os.path.join(TOOLS, "bin", "python"), "-m", "pip", "install", "--quiet", "uv==" + UV_VERSION])


def forget_half_made():
    """Take away a .venv without its pyvenv.cfg: uv would follow it and fill the machine's own Python."""
    folder = os.path.join(ROOT, ".venv")
    if os.path.exists(folder) and not os.path.exists(os.path.join(folder, "pyvenv.cfg")):
        shutil.rmtree(folder)


def works(argv):
    """Whether the program is there and ends well."""
    try:
        return subprocess.run(argv, capture_output=True).returncode == 0  # noqa: S603
    except OSError:
        return False


def run(argv):
    """Run one step, its whole output in .tools/setup.log and its few telling lines on the terminal."""
    env = dict(os.environ, UV_PROJECT_ENVIRONMENT=os.path.join(ROOT, ".venv"))
    env.pop("VIRTUAL_ENV", None)  # somebody else's environment is none of our business
    said = []
    with open(LOG, "a") as log:
        step = subprocess.Popen(  # noqa: S603
            argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True
        )
        try:
            for line in step.stdout:
                log.write(line)
                said.append(line)
                if WORTH_SAYING.match(line):
                    say(line.strip())
        except KeyboardInterrupt:
            step.terminate()
            raise
    if step.wait():
        raise Refusal(remedy("".join(said)))


def remedy(said):
    """The sentence for what a tool wrote when it failed."""
    for pattern, sentence in REMEDIES:
        if re.search(pattern, said, re.IGNORECASE):
            return sentence
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1] if lines else "it said nothing"
    return "Setting up failed: {}. The whole output is in {}.".format(last.rstrip("."), LOG)


def in_words(error, folder=ROOT, need="2.5 GB"):
    """An error of the operating system as a sentence with a remedy."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NO_SPACE.format(folder=folder, need=need)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{error.filename} may not be written: give yourself {folder} and run this again."
    return f"{error}. Put that right and run this again."


def say(sentence):
    """Progress, at once, also into a pipe."""
    print("assay: " + sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
