"""`make pictures`: the README's pictures, taken with Chromium of the demonstration that runs.

They show the demo bank as `make demo` leaves it: start it, wait until its models' first runs are done, and call this.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Error, Page, sync_playwright

from demo import people
from demo.programs import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MODEL = "Card default, boosted challenger"
WHO = next(colleague.username for colleague in people.PEOPLE if colleague.role == "officer")
SIZE = {"width": 1440, "height": 1060}
SECONDS = 30


class NoPicture(Exception):
    """What is missing, and what to do about it, in one sentence."""


@dataclass(frozen=True)
class Picture:
    """A page of the model as a file: `tab` is what its link on the model's page is called, `shows` must be drawn."""

    name: str
    tab: str
    shows: str


PICTURES = (Picture("model", tab="Monitoring", shows="#auc .chart-draw svg"),)


def main() -> int:
    """Exit code 0 when all are taken."""
    folder = ROOT / "var" / "demo"
    try:
        url, password = running_demo(folder)
        take(url, password, ROOT / "docs" / "pictures")
    except NoPicture as refusal:
        print(f"assay: {refusal}", file=sys.stderr)
        return 1
    return 0


def running_demo(folder: Path) -> tuple[str, str]:
    """Its address, and the password of who looks at it."""
    try:
        url = (folder / "lock").read_text().split()[0]
        return url, people.passwords_in(folder / "people.txt")[WHO]
    except (FileNotFoundError, IndexError):
        raise NoPicture(f"There is no demo in {folder}: start it with `make demo` and run this beside it.") from None


def take(url: str, password: str, folder: Path) -> None:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not program:
        raise NoPicture("Chromium is not on this machine: apt-get install chromium and run this again.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(base_url=url, viewport=SIZE)
        page.set_default_timeout(SECONDS * 1000)
        try:
            sign_in(page, password)
            for picture in PICTURES:
                draw(page, picture, folder / f"{picture.name}.png")
        except Error as error:
            raise NoPicture(
                f"{url} did not show what was to be seen ({error.message.splitlines()[0]}): wait until the first "
                "runs are done and run this again."
            ) from None


def sign_in(page: Page, password: str) -> None:
    page.goto("/sign-in/")
    page.get_by_label("User name or e-mail").fill(WHO)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Main").wait_for()


def draw(page: Page, picture: Picture, file: Path) -> None:
    page.goto("/models/")
    page.get_by_role("link", name=MODEL).first.click()
    page.get_by_role("link", name=picture.tab, exact=True).last.click()
    page.locator(picture.shows).first.wait_for()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file)
    print(f"{file.relative_to(ROOT)}: {page.title()}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
