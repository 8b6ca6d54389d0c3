"""axe-core, which reads a page as assistive technology does (see vendor/VENDORED.json)."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

SOURCE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# What a theme can break; the rest of a page is the same in both.
OF_THEMES = ["color-contrast", "link-in-text-block"]
RUN = """async ({ theme, options }) => {
  document.documentElement.dataset.theme = theme;
  // Colours fade from one theme to the other, dialogs fade in: read them where they end.
  for (const moving of document.getAnimations()) {
    if (moving.effect.getComputedTiming().iterations !== Infinity) moving.finish();
  }
  const { violations } = await axe.run(document, { ...options, resultTypes: ["violations"] });
  return violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((node) => node.html + " " + node.failureSummary) }));
}"""


def violations(page: Page) -> list[str]:
    """What is wrong with the page as it stands, in light and in dark."""
    page.evaluate(SOURCE)
    found = _run(page, "light", {"runOnly": TAGS}) + _run(page, "dark", {"runOnly": OF_THEMES})
    page.evaluate("() => { delete document.documentElement.dataset.theme; }")
    return found


def _run(page: Page, theme: str, options: dict[str, Any]) -> list[str]:
    told = page.evaluate(RUN, {"theme": theme, "options": options})
    where = page.url.split("/", 3)[-1]
    return [f"/{where} in {theme}: {one['id']}, {one['help']}: {node}" for one in told for node in one["nodes"]]
