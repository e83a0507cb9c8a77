"""``make screenshots``: draws the pictures of the README by using the demo in a browser, as a person would.

Needs Chromium; the variable CHROMIUM says where it is, if it is not on the path.
"""

import asyncio
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, FloatRect, Page, async_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from fileflare_bot.demo import orders  # noqa: E402 - found by the line above
from fileflare_bot.demo.__main__ import demo  # noqa: E402
from fileflare_bot.fileflare.pace import Pace  # noqa: E402

IMAGES = ROOT / "docs" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_ARGUMENTS = ["--no-sandbox", "--disable-background-networking"]
SETTLE_MILLISECONDS = 60_000
MARGIN = 12
STEADY_MILLISECONDS = 500  # for the layout, after the style below has changed it
# Without the preview's own tools, and with the blank lines between paragraphs that Discord shows
ONLY_THE_CONVERSATION = """
  .embed-description .markdown-paragraph + .markdown-paragraph { margin-top: 1.375em !important }
  [data-workbench], #channel-composer, .message-context-actions, .timeline-day-divider { display: none !important }
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """What a picture shows: the viewer, their actions, the page, and the size of the window."""

    name: str
    viewer: str  # the beginning of their name in the preview's selector
    width: int
    page: str = "downloads"  # one of the demo's
    command: str = ""
    options: dict[str, str] = field(default_factory=dict)
    presses: tuple[str, ...] = ()  # labels of buttons, one after another; the last may open a modal
    rush: float = 0  # a pace of so many lookups a minute, after somebody else's lookup
    height: int = 1400
    scale: float = 2


PICTURES = (
    Picture("reply", "Casey", 640, command="/mydownloads", options={"order-id": orders.DOCUMENTED}),
    Picture("reply-phone", "Casey", 400, command="/mydownloads", options={"order-id": orders.DOCUMENTED}),
    Picture("waiting-phone", "Casey", 400, command="/mydownloads", options={"order-id": orders.LARGE}, rush=0.5),
    Picture(
        "help-phone",
        "Casey",
        400,
        command="/mydownloads",
        options={"order-id": orders.USED_UP},
        presses=("Get help",),
        height=900,
    ),
    Picture("setup", "Olivia", 640, command="/store setup", height=2400),
    Picture("products", "Olivia", 640, command="/store products"),
    Picture("status", "Olivia", 640, command="/store status"),
    Picture("desk", "Mia", 640, page="support", presses=("Take",)),
)


async def main() -> int:
    """Draw every picture and return the exit code."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        print("Chromium is needed: install it, or set CHROMIUM to its path.", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(executable_path=path, args=BROWSER_ARGUMENTS) as browser,
    ):
        for picture in PICTURES:
            print(await draw(browser, picture))
    return 0


async def draw(browser: Browser, picture: Picture) -> Path:
    """Draw a picture from a fresh demo and return its path."""
    async with (
        demo() as running,
        await browser.new_context(
            viewport={"width": picture.width, "height": picture.height},
            device_scale_factor=picture.scale,
            bypass_csp=True,  # the preview forbids the style below
        ) as context,
    ):
        page = await context.new_page()
        page.set_default_timeout(SETTLE_MILLISECONDS)
        await page.goto(getattr(running, picture.page).url)
        await ready(page)
        if picture.rush:
            running.bot.lookups.queue.pace = Pace(picture.rush, burst=1)
            await view_as(page, "Max")
            await say(page, picture.command, {"order-id": orders.EMPTY})
        await view_as(page, picture.viewer)
        if picture.command:
            await say(page, picture.command, picture.options)
        for label in picture.presses:
            await page.get_by_role("button", name=label).last.click()
            await page.wait_for_timeout(STEADY_MILLISECONDS)
            await ready(page)
        await page.add_style_tag(content=ONLY_THE_CONVERSATION)
        await page.wait_for_timeout(STEADY_MILLISECONDS)
        return await shoot(page, IMAGES / f"{picture.name}.png")


async def view_as(page: Page, viewer: str) -> None:
    """Switch the preview to the person whose name begins with ``viewer``."""
    picker = page.locator("#viewer-picker")
    value = await picker.locator("option", has_text=viewer).get_attribute("value")
    await picker.select_option(value)
    await page.wait_for_function("viewer => window.simcordPreview.viewerId === viewer", arg=value)
    await ready(page)


async def say(page: Page, command: str, options: dict[str, str]) -> None:
    """Type a command with its options, as a person does, and wait for the reply."""
    await page.locator("#channel-composer-input").click()
    await page.keyboard.type(command)
    await page.locator(".command-entry", has_text=command).first.click()
    for name, value in options.items():
        entry = page.locator(f'.command-option-input[data-option="{name}"]')
        if not await entry.count():
            await page.locator(f'.command-suggestion[data-value="{name}"]').click()
        await entry.fill(value)
    before = await page.locator(".channel-message").count()
    await page.keyboard.press("Enter")
    await page.locator(".channel-message").nth(before).wait_for()
    await ready(page)


async def ready(page: Page) -> None:
    """Wait until the page is completely drawn."""
    await page.wait_for_function("window.simcordPreview?.ready")


async def shoot(page: Page, path: Path) -> Path:
    """Draw the modal that is open, or the channel's head and its messages."""
    modal = page.get_by_role("dialog")
    if await modal.count():
        await modal.screenshot(path=path)
        return path
    head = await page.locator(".channel-header").bounding_box()
    last = await page.locator(".channel-message").last.bounding_box()
    assert head is not None
    assert last is not None
    height = last["y"] + last["height"] + MARGIN - head["y"]
    clip = FloatRect(x=head["x"], y=head["y"], width=head["width"], height=height)
    await page.screenshot(path=path, clip=clip)
    return path


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
