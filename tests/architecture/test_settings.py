"""The settings are loud, the migrations complete, the portal light to import, and Django finds nothing to warn of."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from tests.architecture.source_tree import ROOT

PRODUCTION = {
    "ASSAY_ENV": "production",
    "ASSAY_SECRET_KEY": "xK7#pQ2z" * 8 + "uniquely-random",
    "ASSAY_ALLOWED_HOSTS": "assay.bank.example",
    "DATABASE_URL": "postgres://app:app@127.0.0.1:1/none",
    "BROKER_URL": "redis://127.0.0.1:1/0",
    "ASSAY_ARTEFACT_ROOT": "/var/lib/assay/artefacts",
}
REQUIRED = ("ASSAY_ENV", "ASSAY_SECRET_KEY", "DATABASE_URL", "BROKER_URL", "ASSAY_ARTEFACT_ROOT")
HEAVY = ("mlflow", "evidently", "pandas", "shap", "sklearn", "xgboost", "lightgbm")


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess:
    """Python with nothing in its environment but what is given."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, env=kept | environ
    )


def load_settings(**environ: str) -> str:
    """What loading the settings says: '' where it is content."""
    done = run("-c", "import portal.settings", **environ)
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def test_production_settings_load():
    assert load_settings(**PRODUCTION) == ""


@pytest.mark.parametrize("name", REQUIRED)
def test_a_variable_without_default_is_named_when_it_is_missing(name):
    said = load_settings(**{key: value for key, value in PRODUCTION.items() if key != name})

    assert "ImproperlyConfigured" in said
    assert f"{name} is not set" in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"BROKER_URL": "filesystem://", "ASSAY_BROKER_FOLDER": "/tmp/x"}, "the filesystem broker is for the demo"),
        ({"ASSAY_SECRET_KEY": "demo-0123456789"}, "this is the demo's key"),
        ({"ASSAY_EMBEDDED_DATABASE": "true"}, "The embedded database is for the demo"),
        ({"DATABASE_URL": "sqlite:///x"}, "must name a PostgreSQL"),
        ({"ASSAY_ENV": "staging"}, "must be production, demo or test"),
    ],
)
def test_production_refuses_what_belongs_to_the_demo(change, words):
    assert words in load_settings(**(PRODUCTION | change))


def test_the_demo_may_have_what_production_refuses():
    demo = {"ASSAY_ENV": "demo", "BROKER_URL": "filesystem://", "ASSAY_BROKER_FOLDER": "/tmp/x"}

    assert load_settings(**(PRODUCTION | demo | {"ASSAY_EMBEDDED_DATABASE": "true"})) == ""


def test_check_deploy_is_clean_under_production_settings():
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert (done.returncode, "no issues" in done.stdout) == (0, True), done.stdout + done.stderr


def test_check_deploy_would_tell_of_a_secret_that_is_none():
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **(PRODUCTION | {"ASSAY_SECRET_KEY": "x"}))

    assert done.returncode == 1
    assert "security.W009" in done.stderr


def test_setting_up_the_portal_imports_nothing_that_only_the_ml_queue_needs():
    program = f"import django, sys; django.setup(); import portal.urls; print([m for m in {HEAVY} if m in sys.modules])"
    done = run("-c", program, DJANGO_SETTINGS_MODULE="portal.settings", **PRODUCTION)

    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stdout + done.stderr


def test_a_heavy_import_would_be_seen():
    program = f"import sklearn, sys; print([m for m in {HEAVY} if m in sys.modules])"

    assert "sklearn" in run("-c", program).stdout


def test_the_migrations_are_complete(db):
    done = subprocess.run(
        [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_tasks_and_sessions_are_json():
    assert settings.CELERY_ACCEPT_CONTENT == ["json"]
    assert settings.CELERY_TASK_SERIALIZER == "json"
    assert settings.SESSION_SERIALIZER.endswith("JSONSerializer")
