"""The canary fails at everything; take a guard away, and it is the canary that notices."""

from __future__ import annotations

import os
import tempfile

import pytest

from sandbox import bubblewrap, launch
from sandbox.canary import ATTEMPTS, prove_sandbox
from sandbox.outcomes import SandboxUnavailable

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root does differently is tested as root")


def test_every_attempt_to_get_out_fails():
    report = prove_sandbox()

    assert [attempt.name for attempt in report.attempts] == list(ATTEMPTS)
    assert not any(attempt.reached for attempt in report.attempts)
    assert f"{len(ATTEMPTS)} attempts" in report.sentence


@pytest.mark.parametrize(
    ("flag", "attempt"),
    [
        ("--unshare-net", "connect_to_host"),
        ("--unshare-net", "connect_to_host_by_name"),
        ("--unshare-pid", "see_other_processes"),
    ],
)
def test_twin_without_a_namespace_the_canary_gets_out(monkeypatch, flag, attempt):
    strict = bubblewrap.isolation_arguments
    monkeypatch.setattr(
        bubblewrap,
        "isolation_arguments",
        lambda user_id: [word for word in strict(user_id=user_id) if word != flag],
    )

    with pytest.raises(SandboxUnavailable, match=ATTEMPTS[attempt]):
        prove_sandbox()


@pytest.mark.parametrize(
    ("extra", "attempt"),
    [
        (["--ro-bind", "/etc", "/etc"], "read_accounts"),
        (["--tmpfs", "/home", "--perms", "0755", "--dir", "/home/someone"], "look_into_homes"),
        (["--perms", "1777", "--tmpfs", "/dev"], "write_elsewhere"),
        (["--perms", "1777", "--size", "4194304", "--tmpfs", "/out"], "overfill_output"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_twin_with_a_mount_too_many_the_canary_gets_out(monkeypatch, extra, attempt):
    strict = bubblewrap.mount_arguments

    def loosened(mounts, limits):
        *mounted, remount, root, chdir, folder = strict(mounts, limits=limits)
        return [*mounted, *extra, remount, root, chdir, folder]

    monkeypatch.setattr(bubblewrap, "mount_arguments", loosened)

    with pytest.raises(SandboxUnavailable, match=ATTEMPTS[attempt]):
        prove_sandbox()


def test_twin_with_the_worker_s_temporary_folder_the_canary_gets_out(monkeypatch, tmp_path):
    tmp_path.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    strict = bubblewrap.interpreter_prefixes
    monkeypatch.setattr(bubblewrap, "interpreter_prefixes", lambda: [*strict(), tmp_path])

    with pytest.raises(SandboxUnavailable, match=ATTEMPTS["read_secret_file"]):
        prove_sandbox()


@pytest.mark.parametrize(("limit", "attempt"), [("NPROC", "fork_without_end"), ("AS", "take_memory")])
def test_twin_without_a_resource_limit_the_canary_gets_out(monkeypatch, limit, attempt):
    strict = launch.resource_limits
    monkeypatch.setattr(
        launch,
        "resource_limits",
        lambda limits: {name: value for name, value in strict(limits).items() if name != limit},
    )

    with pytest.raises(SandboxUnavailable, match=ATTEMPTS[attempt]):
        prove_sandbox()


def test_twin_with_the_worker_s_environment_the_canary_gets_out(monkeypatch):
    monkeypatch.setenv("DATABASE_PASSWORD", "secret")
    strict = launch._started
    monkeypatch.setattr(launch, "_started", lambda command, clean: strict(command, {**os.environ, **clean}))

    with pytest.raises(SandboxUnavailable, match="DATABASE_PASSWORD"):
        prove_sandbox()


@needs_root
def test_twin_as_root_in_a_user_namespace_the_limit_on_processes_is_void(monkeypatch):
    monkeypatch.setattr(bubblewrap, "unprivileged_id", lambda: None)

    with pytest.raises(SandboxUnavailable, match=ATTEMPTS["fork_without_end"]):
        prove_sandbox()
