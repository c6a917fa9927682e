"""Pages read, and their main act is done, in a browser that runs no script."""

import re

import pytest
from playwright.sync_api import expect


@pytest.fixture
def plain(signed_in):
    return signed_in("priya", java_script_enabled=False)


def test_monitoring_reads_as_tables(plain, watched_model):
    plain.goto(f"/models/{watched_model}/monitoring/")

    expect(plain.get_by_role("region", name="Discrimination, as a table")).to_be_visible()
    expect(plain.locator("#auc .chart-box")).to_be_hidden()
    expect(plain.locator("#features tbody tr")).to_have_count(20)


def test_another_window_is_chosen_by_a_link(plain, watched_model):
    plain.goto(f"/models/{watched_model}/monitoring/")

    plain.get_by_role("link", name=re.compile("Earlier window")).click()

    expect(plain.locator("#breaches")).to_contain_text(
        "Sep 2026" if plain.locator("#breaches li").count() == 0 else "PSI"
    )
    assert "window=2026-09-01" in plain.url


def test_the_trail_proves_an_entry(plain, watched_model):
    plain.goto(f"/models/{watched_model}/trail/?event=monitoring.run_completed")

    plain.locator("#entries a.name").first.click()

    expect(plain.locator("#verify .note")).to_contain_text("Included and unchanged.")
    expect(plain.locator(".path .leaf")).to_be_visible()


def test_a_run_is_asked_for_and_cancelled(plain, watched_model):
    plain.goto(f"/models/{watched_model}/monitoring/")

    plain.get_by_role("button", name="Run now").click()

    expect(plain.get_by_role("heading", level=1)).to_have_text(re.compile(r"RUN-\d{4}-\d{5}"))
    plain.get_by_role("button", name="Cancel").click()
    expect(plain.locator(".head .st")).to_have_text(re.compile("Waiting|Running|Cancelled"))
    plain.goto(f"/models/{watched_model}/trail/?event=monitoring.run_cancelled")
    expect(plain.locator("#entries")).to_contain_text("Priya Officer")
