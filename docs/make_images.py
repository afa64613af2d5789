"""Make the pictures of the documentation: the demos' reports, photographed in a headless Chromium.

Runs in `make docs`. The reports carry no date, so the same figures give the same pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

SHOTS = (
    # file, demo, width in CSS pixels, the last card to show, colour scheme
    ("report.png", "spambase", 1200, "#h-hist", "light"),
    ("report-dark.png", "spambase", 1200, "#h-hist", "dark"),
    ("report-phone.png", "spambase", 390, "#h-matrix", "light"),
    ("report-digits.png", "digits", 1200, "#h-k", "light"),
)


def reports(folder: Path) -> dict[str, Path]:
    """The report of every demo in `SHOTS`, made as `cutline demo` makes it."""
    import cutline as cl
    from cutline.cli.demo import DEMO_FAMILIES, DEMOS
    from cutline.data import bundled

    made = {}
    for name in dict.fromkeys(demo for _, demo, *_ in SHOTS):
        about, policy = DEMOS[name]
        table, target, positive = bundled(name)
        about_fit = {"policy": policy, "families": DEMO_FAMILIES, "holdout": 0.2, "seed": 0}
        model = cl.fit(table, target=target, positive=positive, **about_fit)
        made[name] = cl.report(model, title=about, date="").save(folder / f"{name}.html")
    return made


def photograph(pages: dict[str, Path], shots: tuple[tuple[str, str, int, str, str], ...]) -> None:
    """Write every shot into docs/images; `shots` as in `SHOTS`, of the page under their second entry."""
    from playwright.sync_api import sync_playwright

    from tests.browser import FLAGS, executable

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        for file, name, width, last, scheme in shots:
            page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page.goto(pages[name].as_uri())
            bottom = page.locator(last).evaluate("card => card.closest('section').getBoundingClientRect().bottom")
            clip = {"x": 0, "y": 0, "width": width, "height": bottom + 20}
            page.screenshot(path=HERE / "images" / file, full_page=True, clip=clip)
            print(f"docs/images/{file}")
            page.close()
        chromium.close()


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        photograph(reports(Path(folder)), SHOTS)
