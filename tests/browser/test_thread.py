"""The main job, from a registration by REST to the verified trail entry of the SHAP report."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.portal import PATIENCE
from tests.browser.steps import define_monitor, register_by_rest

SOON = PATIENCE * 1000  # milliseconds


def test_a_model_is_registered_run_explained_and_the_entry_of_its_shap_report_verified(portal, signed_in, tmp_path):
    described = portal.models()["card-default-boosted"]
    ref = register_by_rest(portal, described)
    define_monitor(portal, ref, described)
    page = signed_in("priya")

    ask_for_a_run(page, ref)
    see_it_progress_and_end(page)
    see_its_figures(page, ref)
    see_both_reports(page)
    key = open_and_verify_the_entry(page)
    check_offline(page, portal, key, tmp_path)

    portal.shared["watched"] = ref
    take_picture(page, ref)


def ask_for_a_run(page: Page, ref: str) -> None:
    page.goto(f"/models/{ref}/monitoring/")
    expect(page.get_by_text("No window measured yet")).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"RUN-\d{4}-\d{5}"))


def see_it_progress_and_end(page: Page) -> None:
    step = re.compile(r"Partition \d+ of 12|Fitting the reference|Measuring windows")
    expect(page.locator(".prog")).to_contain_text(step, timeout=SOON)
    expect(page.locator(".head .st")).to_have_text("Computed", timeout=SOON)
    expect(page.locator("#windows tbody tr")).to_have_count(12)


def see_its_figures(page: Page, ref: str) -> None:
    page.goto(f"/models/{ref}/monitoring/")
    strip = page.locator(".strip")
    expect(strip).to_contain_text("AUC, realised")
    expect(strip).to_contain_text("Oct: outcomes not known yet.")
    expect(page.locator("#breaches")).to_contain_text("PSI of LIMIT_BAL")
    expect(page.locator("#shifts")).to_contain_text("Credit limits are multiplied")
    expect(page.locator("#auc .chart-draw svg").first).to_be_visible(timeout=SOON)
    assert page.locator("#features tbody tr").count() == 20


def see_both_reports(page: Page) -> None:
    """The page waits by itself: it is read again when the work on a report has ended."""
    expect(page.locator("#explained")).to_be_visible(timeout=SOON)
    expect(page.locator("#explained")).to_contain_text("1,000 of 1,000 rows")
    expect(page.locator("#importance")).to_contain_text("PAY_0 matters most")
    summary = page.locator("#report summary")
    expect(summary).to_be_visible(timeout=SOON)
    summary.click()
    expect(page.frame_locator("#report iframe").locator("body")).to_contain_text("LIMIT_BAL", timeout=SOON)


def open_and_verify_the_entry(page: Page) -> str:
    """Opened from the report, proved in the page; the log's verifier key as the page gives it."""
    page.locator("#explained").get_by_role("link", name="Entry of the SHAP report").click()
    page.locator("#entries").get_by_role("link", name="SHAP report filed").click()
    expect(page.locator(".opened")).to_contain_text("native contributions, 1,000 rows")
    expect(page.locator("#verify .note")).to_contain_text("Included and unchanged.")
    checks = page.locator("#verify .checks")
    expect(checks).to_contain_text("hashes lead from its record to the signed root")
    expect(checks).to_contain_text("cosigned it")
    expect(checks.locator(".st:not(.good)")).to_have_count(0)
    return re.search(r"--key '([^']+)'", page.locator("#verify code").inner_text())[1]


def check_offline(page: Page, portal, key: str, folder: Path) -> None:
    """What was downloaded, checked by the downloaded verifier in a process that knows nothing of the portal."""
    verifier = download(page, page.get_by_role("link", name="Download the verifier"), folder)
    shown = page.locator("#verify .digest").last.get_attribute("data-copy")
    assert hashlib.sha256(verifier.read_bytes()).hexdigest() == shown
    receipt = download(page, page.get_by_role("link", name="Receipt with its proof"), folder)
    export = download(page, page.get_by_role("link", name="Export trail"), folder)
    assert key == portal.environ["ASSAY_DEMO_LOG_KEY"]

    argv = [sys.executable, "-I", verifier, export, "--key", key, "--receipt", receipt]
    argv += ["--witness", portal.environ["ASSAY_WITNESS_KEYS"]]
    done = subprocess.run(argv, cwd=folder, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def download(page: Page, link, folder: Path) -> Path:
    with page.expect_download() as waited:
        link.click()
    path = folder / waited.value.suggested_filename
    waited.value.save_as(path)
    return path


def take_picture(page: Page, ref: str) -> None:
    """For README.md, where ASSAY_PICTURES names the folder: the page as an officer sees it."""
    folder = os.environ.get("ASSAY_PICTURES")
    if not folder:
        return
    page.goto(f"/models/{ref}/monitoring/")
    expect(page.locator(".chart-draw svg.main-svg").nth(3)).to_be_visible(timeout=SOON)
    page.wait_for_timeout(1500)
    page.screenshot(
        path=Path(folder) / "model.png", clip={"x": 0, "y": 0, "width": 1440, "height": 1060}, full_page=True
    )
