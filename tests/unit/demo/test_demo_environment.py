"""What the demonstration's processes are told: secrets that stay, files that nobody else reads, own servers first."""

import stat
import subprocess

import pytest

from demo import environment

BOOTSTRAP = "postgresql://postgres:secret@127.0.0.1:5433/postgres"


@pytest.fixture
def folder(tmp_path):
    environment.make_folders(tmp_path / "demo")
    return tmp_path / "demo"


def test_a_second_start_keeps_secrets_keys_and_ports(folder):
    first = environment.build(folder, BOOTSTRAP, given={})

    second = environment.build(folder, BOOTSTRAP, given={})

    assert second == first
    assert len(first["ASSAY_SECRET_KEY"]) > 40


def test_two_banks_share_no_secret(tmp_path):
    made = []
    for name in ("one", "two"):
        environment.make_folders(tmp_path / name)
        made.append(environment.build(tmp_path / name, BOOTSTRAP, given={}))

    for variable in ("ASSAY_SECRET_KEY", "ASSAY_DEMO_APP_PASSWORD", "ASSAY_WITNESS_KEYS", "ASSAY_DEMO_LOG_KEY"):
        assert made[0][variable] != made[1][variable]


def test_nobody_else_may_read_what_is_secret(folder):
    environment.build(folder, BOOTSTRAP, given={})

    modes = {
        name: stat.S_IMODE((folder / name).stat().st_mode)
        for name in ("environment", "keys/checkpoint", "witness/key", "broker", "")
    }

    assert modes == {"environment": 0o600, "keys/checkpoint": 0o600, "witness/key": 0o600, "broker": 0o700, "": 0o700}


def test_the_portal_and_its_migrations_log_in_as_roles_of_their_own(folder):
    built = environment.build(folder, BOOTSTRAP, given={})

    assert built["DATABASE_URL"].startswith("postgresql://app:")
    assert built["MIGRATOR_DATABASE_URL"].startswith("postgresql://migrator:")
    assert built["DATABASE_URL"].endswith("@127.0.0.1:5433/assay")


def test_the_demos_key_and_database_are_marked_as_such_so_that_production_refuses_them(folder):
    built = environment.build(folder, BOOTSTRAP, given={})

    assert built["ASSAY_SECRET_KEY"].startswith("demo-")
    assert built["ASSAY_EMBEDDED_DATABASE"] == "true"
    assert built["ASSAY_ENV"] == "demo"


def test_ones_own_servers_are_used_instead(folder):
    given = {
        "DATABASE_URL": "postgresql://app:x@db.bank/assay",
        "MIGRATOR_DATABASE_URL": "postgresql://migrator:x@db.bank/assay",
        "BROKER_URL": "redis://redis.bank/0",
        "MLFLOW_TRACKING_URI": "https://mlflow.bank",
    }

    built = environment.build(folder, None, given=given)

    assert {name: built[name] for name in given} == given
    assert "BOOTSTRAP_DATABASE_URL" not in built
    assert "ASSAY_EMBEDDED_DATABASE" not in built


def test_a_database_without_its_migrator_is_refused_with_what_is_missing(folder):
    with pytest.raises(environment.EnvironmentIncomplete, match="MIGRATOR_DATABASE_URL is not"):
        environment.build(folder, None, given={"DATABASE_URL": "postgresql://app:x@db.bank/assay"})


def test_the_file_is_read_back_as_written_by_us_and_by_a_shell(tmp_path):
    variables = {"PLAIN": "a", "ODD": 'it\'s $HOME; "quoted" # not a comment', "EMPTY": ""}

    environment.write(tmp_path / "environment", variables)

    assert environment.read(tmp_path / "environment") == variables
    shell = subprocess.run(
        ["sh", "-c", f'set -a; . {tmp_path}/environment; printf %s "$ODD"'], capture_output=True, text=True
    )
    assert shell.stdout == variables["ODD"]
