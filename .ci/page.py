"""Uses a page of `forge matrix --html` as a reader does, in a browser spoken to over two pipes (no package is needed).

    page.py BROWSER FILE...
"""

import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

SIZES = {"wide": (1280, 900, False), "narrow": (360, 740, True), "smallest": (320, 640, True)}


class Browser:
    """A headless Chromium and its DevTools protocol: messages end with a zero byte."""

    def __init__(self, program):
        self.profile = tempfile.mkdtemp()
        here_read, there_write = os.pipe()
        there_read, here_write = os.pipe()

        def plumb():
            # The browser reads from 3 and writes to 4. Copies above come first: the ends may be 3 and 4 already.
            source, target = os.dup(there_read), os.dup(there_write)
            high = [os.dup(source), os.dup(target)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                   "--disable-component-update", "--disable-sync", "--disable-quic", "--disable-dev-shm-usage", "--remote-debugging-pipe",
                   f"--user-data-dir={self.profile}", "about:blank"]
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([program, *options], close_fds=False, preexec_fn=plumb, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        os.close(there_read)
        os.close(there_write)
        self.read, self.write = here_read, here_write
        self.buffer, self.number, self.events, self.session = b"", 0, [], None
        page = [t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page"][0]
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Network", "Log"]:
            self.call(f"{domain}.enable")

    def message(self, seconds):
        end = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read], [], [], max(0, end - time.monotonic()))
            data = os.read(self.read, 1 << 20) if ready else b""
            if not data:
                self.log.seek(0)
                raise SystemExit(f"FAILED: the browser does not answer\n{self.log.read().decode(errors='replace')[-2000:]}")
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.write, json.dumps(request).encode() + b"\0")
        while True:
            message = self.message(30)
            if message.get("id") == self.number:
                if "error" in message:
                    raise SystemExit(f"FAILED: {method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def load(self, path, size, scheme="light", scripts=True):
        width, height, mobile = SIZES[size]
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.call("Emulation.setTouchEmulationEnabled", enabled=mobile)
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events = []
        self.call("Page.navigate", url=pathlib.Path(path).resolve().as_uri())
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self.message(30))
            if self.events[-1].get("method") == "Page.javascriptDialogOpening":
                self.call("Page.handleJavaScriptDialog", accept=False)

    def value(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"FAILED: {script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def key(self, key, text=None):
        code = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowRight": 39, "Tab": 9}.get(key, 0)
        kind = "keyDown" if text else "rawKeyDown"
        more = {"text": text} if text else {}
        self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def click(self, element):
        """Presses what `element`, an expression, is, where it is: what covers it would be hit instead."""
        at = self.value(f"(() => {{ const e = {element}; e.scrollIntoView({{block: 'center', inline: 'center', behavior: 'instant'}});"
                        " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()")
        for kind in ["mousePressed", "mouseReleased"]:
            self.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button="left", clickCount=1)

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


class Check:
    """What is expected of one page at one size."""

    def __init__(self, browser, path, size):
        self.browser, self.path, self.size, self.wrong, self.number = browser, path, size, [], 0

    def that(self, what, ok, found=None):
        self.number += 1
        if not ok:
            self.wrong.append(what if found is None else f"{what}: {found}")

    def fits(self, when, width=None):
        # Not the window's own word for its width: a phone zooms out until what is too wide fits.
        wide, width = self.browser.value("document.documentElement.scrollWidth"), width or SIZES[self.size][0]
        self.that(f"the page scrolls sideways {when}", wide <= width, f"{wide} pixels in {width}")

    def visible_rows(self):
        return self.browser.value("[...document.querySelectorAll('tr[data-verdict]')].filter(r => r.checkVisibility()).length")

    def search(self, text):
        # As a person types: the element has the focus and the text goes in through the input queue.
        self.browser.value("(() => { const s = document.getElementById('search'); s.focus(); s.select(); })()")
        if text:
            self.browser.call("Input.insertText", text=text)
        else:
            self.browser.value("(() => { const s = document.getElementById('search'); s.value = '';"
                               " s.dispatchEvent(new Event('input')); })()")

    def run(self):
        browser, value = self.browser, self.browser.value
        browser.load(self.path, self.size)
        rows = self.visible_rows()
        self.that("there are no rows", rows > 0)
        self.fits("at first")
        if self.size == "wide":
            self.widths()
        self.searching(rows)
        self.filtering(rows)
        self.reasons()
        self.keys()
        self.dark()
        self.quiet()
        browser.load(self.path, self.size, scripts=False)
        self.that("rows are missing without scripts", self.visible_rows() == rows)
        self.that("controls without function are shown without scripts", not value("document.querySelector('.bar').checkVisibility()"))
        self.fits("without scripts")
        self.open_and_close("without scripts")
        return self.wrong

    def widths(self):
        for width in [600, 761, 900, 1100, 1181, 1920]:
            self.browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
            self.fits(f"at a width of {width}", width)
        width, height, mobile = SIZES[self.size]
        self.browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def searching(self, rows):
        value = self.browser.value
        version = value("[...document.querySelectorAll('.version')].at(-1).textContent")
        self.search(version)
        found = value("[...document.querySelectorAll('tr[data-verdict]')].filter(r => r.checkVisibility()).map(r => r.textContent)")
        self.that("a search for a version does not find it", any(version in row for row in found), version)
        self.that("a search shows everything", len(found) < rows or rows == 1, len(found))
        told = value("document.getElementById('shown').textContent")
        self.that("the number of releases shown is wrong", told.startswith(str(len(found)) + " "), told)
        self.search("not-in-any-release")
        self.that("a search without match shows rows", self.visible_rows() == 0)
        self.that("a search without match says nothing", value("document.getElementById('none').checkVisibility()"))
        self.fits("after a search")
        self.browser.click("document.getElementById('reset')")
        self.that("the way back does not show everything", self.visible_rows() == rows)

    def filtering(self, rows):
        value = self.browser.value
        total = 0
        for at in range(value("document.querySelectorAll('.chip').length")):
            chip = f"document.querySelectorAll('.chip')[{at}]"
            self.browser.click(chip)
            if value(f"{chip}.dataset.verdict") != "failed":
                total += self.visible_rows()
            wrong = ("[...document.querySelectorAll('tr[data-verdict]')].filter(r => r.checkVisibility() && "
                     f"![r.dataset.verdict, r.dataset.check].includes({chip}.dataset.verdict)).length")
            self.that("a chip shows other verdicts", value(wrong) == 0)
            self.that("a chip does not tell that it is pressed", value(f"{chip}.ariaPressed") == "true")
            self.browser.click(chip)
        self.that("the verdicts together are not all releases", total == rows, total)
        self.browser.click("document.getElementById('fold')")
        folded = self.visible_rows()
        runs = value("document.querySelectorAll('tr[data-verdict]:not(.more)').length")
        self.that("folding does not leave one row of each run", folded == runs, [folded, runs])
        self.fits("folded")
        self.browser.click("document.getElementById('fold')")

    def open_and_close(self, when):
        browser, value = self.browser, self.browser.value
        # The worst cell there is.
        worst = ("(document.querySelector('td.s-conflict[class] ~ td.s-conflict button') ?? document.querySelector("
                 "'td:nth-child(n+3):is(.s-conflict, .s-missing-file, .s-upstreamed) button') ?? document.querySelector('td button'))")
        browser.click(worst)
        card = f"document.getElementById({worst}.getAttribute('popovertarget'))"
        self.that(f"a cell does not open its reason {when}", value(f"{card}.matches(':popover-open')"))
        box = value(f"(() => {{ const r = {card}.getBoundingClientRect(); return [r.left, r.right, r.top, r.bottom]; }})()")
        width, height, _ = SIZES[self.size]
        inside = box[0] >= 0 and box[1] <= width and box[2] >= 0 and box[3] <= height
        self.that(f"a reason is not inside the window {when}", inside, box)
        self.fits(f"with a reason open, {when}")
        browser.click(f"{card}.querySelector('.close')")
        self.that(f"a reason cannot be closed {when}", not value(f"{card}.matches(':popover-open')"))

    def reasons(self):
        self.open_and_close("by a click")
        value = self.browser.value
        missing = "[...document.querySelectorAll('[popovertarget]')].filter(b => !document.getElementById(b.getAttribute('popovertarget'))).length"
        self.that("a cell has no reason", value(missing) == 0)
        small = ("[...document.querySelectorAll('button, input, .overview a')].filter(e => e.checkVisibility())"
                 ".map(e => e.getBoundingClientRect()).filter(r => r.width < 16 || r.height < 16 || r.width * r.height < 24 * 24 - 320).length")
        self.that("something to press is too small", value(small) == 0)

    def keys(self):
        browser, value = self.browser, self.browser.value
        value("document.activeElement.blur()")
        browser.key("/", text="/")
        self.that("the key / does not lead to the search", value("document.activeElement.id") == "search")
        value("document.querySelector('td button').focus()")
        first = value("document.activeElement.getAttribute('aria-label')")
        browser.key("ArrowRight")
        second = value("document.activeElement.getAttribute('aria-label')")
        self.that("an arrow key does not move to the next cell", first != second and second.startswith(first.split(":")[0]), second)
        browser.key("Enter", text="\r")
        value("new Promise((done) => setTimeout(done, 60))")
        self.that("Enter does not open a reason", value("document.querySelector('[popover]:popover-open') !== null"))
        inside = value("document.querySelector('[popover]:popover-open')?.contains(document.activeElement)")
        self.that("the focus does not go to the reason", inside)
        browser.key("Escape")
        self.that("Escape does not close a reason", value("document.querySelector('[popover]:popover-open') === null"))
        back = value("document.activeElement.getAttribute('aria-label')")
        self.that("the focus does not come back to the cell", back == second, back)

    def dark(self):
        shades = []
        for scheme in ["light", "dark"]:
            self.browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            shades.append(self.browser.value("getComputedStyle(document.body).backgroundColor"))
            self.that(f"a text is hard to read in {scheme} colours", not (weak := self.browser.value(CONTRAST)), weak)
        self.that("there are no dark colours", shades[0] != shades[1], shades)

    def quiet(self):
        for event in self.browser.events:
            method, params = event.get("method"), event.get("params", {})
            # A policy that stops a request would hide that the page asks for something.
            if method == "Network.requestWillBeSent":
                url = params["request"]["url"]
                self.that("something is loaded", url == pathlib.Path(self.path).resolve().as_uri() or url.startswith("data:"), url)
            if method == "Runtime.exceptionThrown":
                self.that("a script failed", False, params["exceptionDetails"])
            if method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                self.that("the console has an error", False, params["args"])
            if method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                self.that("the browser complains", False, params["entry"]["text"])
            if method == "Page.javascriptDialogOpening":
                self.that("a text of the matrix was run", False, params["message"])


# Texts whose contrast is below 4.5 (WCAG 2, AA), one for each class.
CONTRAST = """(() => {
  const parse = (c) => (c.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] !== 0) return c; } return [255, 255, 255]; };
  const weak = new Map();
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || !e.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) weak.set(e.tagName + '.' + e.className + ' ' + e.parentElement.className, ratio.toFixed(2));
  }
  return [...weak].slice(0, 5).join('; ');
})()"""


def main():
    browser = Browser(sys.argv[1])
    failed = passed = 0
    try:
        for path in sys.argv[2:]:
            for size, (width, height, _) in SIZES.items():
                begun = time.monotonic()
                check = Check(browser, path, size)
                wrong = check.run()
                failed, passed = failed + len(wrong), passed + check.number - len(wrong)
                print(f"{os.path.basename(path)} at {width}x{height}: {check.number} checks, {time.monotonic() - begun:.1f} s")
                for line in wrong:
                    print(f"  FAILED: {line}")
    finally:
        browser.close()
    print(f"{passed} checks passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
