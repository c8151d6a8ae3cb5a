"""report_page.py NEARMISS MAKE_LOG: the page of `nearmiss report --html`.

It is well-formed, needs nothing from outside, shows hostile names as text, and each of
its links leads somewhere. Where a headless Chromium is installed, it is laid out there at
the widths of a desk and of a phone: nothing may stick out.
"""

import collections
import html.parser
import os
import re
import shutil
import subprocess
import sys
import tempfile

TIMEOUT_S = 120
WIDTHS = (1280, 390)
VOID = {"meta", "br", "line", "rect"}
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
SPAN = ("--since", "2026-02-20", "--until", "2026-03-02")

# What is measured in the browser, as JSON in the title.
PROBE = """<script>
document.title = JSON.stringify({
  wide: document.documentElement.scrollWidth, seen: document.documentElement.clientWidth,
  small: [...document.querySelectorAll("p,td,th,li,a,span")].filter(
    e => e.textContent.trim() && parseFloat(getComputedStyle(e).fontSize) < 11).length,
  chart: document.querySelector(".chart svg").getBoundingClientRect().width});
</script></body>"""


class Page(html.parser.HTMLParser):
    """The tags of a page, checked for balance."""

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.ids = []
        self.links = []
        self.labels = []
        self.tables = []
        self.level = 0
        self.tags = collections.Counter()
        self.text = []
        self.feed(text)
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags[tag] += 1
        for name in ("src", "srcset", "action", "onload", "onclick"):
            assert name not in attributes, (tag, attrs)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if "href" in attributes:
            self.links.append(attributes["href"])
        if tag == "svg":
            assert "aria-hidden" in attributes or "aria-label" in attributes, attrs
        if tag == "section":
            assert attributes.get("aria-labelledby"), attrs
        if tag == "table":
            self.tables.append(attributes.get("aria-labelledby"))
        if tag == "caption":
            self.tables[-1] = "caption"
        if "aria-labelledby" in attributes:
            self.labels.append(attributes["aria-labelledby"])
        if tag in ("h1", "h2", "h3"):
            level = int(tag[1])
            assert level <= self.level + 1, (tag, attrs)  # none is left out
            self.level = level
        if tag == "th":
            assert attributes.get("scope") in ("col", "row"), attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in VOID, tag
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open[-4:], self.getpos())
        self.open.pop()

    def handle_data(self, data):
        self.text.append(data)


def make_page(nearmiss, folder):
    path = os.path.join(folder, "report.html")
    subprocess.run(
        [nearmiss, "report", "--database", os.path.join(folder, "audit.db"), "--html",
         path, *SPAN], check=True, timeout=TIMEOUT_S)
    assert os.stat(path).st_mode & 0o777 == 0o640, oct(os.stat(path).st_mode)
    left = {name for name in os.listdir(folder) if not name.startswith("audit.db")}
    assert left == {"report.html"}, os.listdir(folder)
    with open(path, encoding="utf-8") as file:
        return file.read()


def check_page(text):
    page = Page(text)
    assert page.tags["script"] == 0 and page.tags["link"] == 0, page.tags
    assert page.tags["h1"] == 1 and page.tags["main"] == 1, page.tags
    assert not re.search(r"https?:|url\(|@import", text)
    assert len(page.ids) == len(set(page.ids)), page.ids
    for link in page.links:
        assert link[0] == "#" and link[1:] in page.ids, link
    assert page.tables and all(page.tables), page.tables
    assert set(page.labels) <= set(page.ids), set(page.labels) - set(page.ids)
    shown = "".join(page.text)
    for expected in ("4 of 8 recipients", "army.mil", "paypal.com", "mil-ml",
                     r"\u{202e}list\x1b[2J@evil.example", r"a\x00b\x0d\x0a\xff\xfe<script>"):
        assert expected in shown, expected
    assert "\x1b" not in text and "\u202e" not in text


# ---- contrast, as WCAG 2.1 counts it -----------------------------------------------------

# What is written on what, and what is drawn on what.
WRITTEN = [(text, ground) for text in ("text", "soft", "link") for ground in ("ground", "card")]
DRAWN = [(fate, "card") for fate in
         ("stopped", "kept", "marked", "observed", "passed", "unfinished")]


def luminance(colour):
    parts = (int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
                        for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def check_contrast(text):
    """4.5 for text, 3 for what a chart is read from; in light, in dark and on paper."""
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    schemes = [dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))
               for block in re.findall(r":root \{(.*?)\}", style, re.S)]
    assert len(schemes) == 3, schemes
    for scheme in schemes:
        for pairs, least in ((WRITTEN, 4.5), (DRAWN, 3)):
            for one, other in pairs:
                found = contrast(scheme[one], scheme[other])
                assert found >= least, (one, other, round(found, 2), scheme)
        assert len({scheme[fate] for fate, _ in DRAWN}) == len(DRAWN), scheme


def check_empty(nearmiss, folder):
    done = subprocess.run(
        [nearmiss, "report", "--database", os.path.join(folder, "audit.db"), "--html", "-",
         "--since", "2020-01-01", "--until", "2020-02-01"],
        check=True, timeout=TIMEOUT_S, capture_output=True, text=True)
    page = Page(done.stdout)
    assert "No address was a slip away" in "".join(page.text)
    for link in page.links:
        assert link[1:] in page.ids, link


def check_failure(nearmiss, folder):
    missing = os.path.join(folder, "no", "report.html")
    done = subprocess.run(
        [nearmiss, "report", "--database", os.path.join(folder, "audit.db"), "--html",
         missing], timeout=TIMEOUT_S, capture_output=True, text=True, check=False)
    assert done.returncode == 4 and "No such file" in done.stderr, done


def lay_out(browser, folder, width):
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         "--dump-dom",
         f"--window-size={width},900", f"--user-data-dir={folder}/profile",
         f"file://{folder}/probe.html"],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    title = re.search(r"<title>\{(.*?)\}</title>", done.stdout).group(1)
    return {name: float(value) for name, value in re.findall(r'"(\w+)":([\d.]+)', title)}


def check_in_browser(browser, text, folder):
    text = re.sub(r"<meta http-equiv[^>]*>", "", text).replace("</body>", PROBE)
    with open(os.path.join(folder, "probe.html"), "w", encoding="utf-8") as file:
        file.write(text)
    for width in WIDTHS:
        found = lay_out(browser, folder, width)
        assert found["wide"] <= found["seen"] == width, found
        assert found["small"] == 0, found
        assert found["chart"] > 0.7 * min(width, 1100), found


def check_on_paper(browser, folder):
    """The first sheet is full: what comes next does not wait for the second as a whole."""
    paper = os.path.join(folder, "paper.pdf")
    subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
         f"--user-data-dir={folder}/profile", f"--print-to-pdf={paper}",
         f"file://{folder}/report.html"],
        capture_output=True, timeout=TIMEOUT_S, check=True)
    with open(paper, "rb") as file:
        sheets = len(re.findall(rb"/Type\s*/Page\b", file.read()))
    assert 1 <= sheets <= 2, sheets


def main():
    nearmiss, writer = (os.path.abspath(program) for program in sys.argv[1:])
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    with tempfile.TemporaryDirectory(prefix="nm-page-") as folder:
        subprocess.run([writer, folder + "/audit.db"], check=True, timeout=TIMEOUT_S)
        text = make_page(nearmiss, folder)
        check_page(text)
        check_contrast(text)
        check_empty(nearmiss, folder)
        check_failure(nearmiss, folder)
        if browser is not None:
            check_in_browser(browser, text, folder)
            check_on_paper(browser, folder)
    print(f"{5 if browser else 4} passed, 0 failed, {0 if browser else 1} skipped")
    if browser is None:
        print("no headless Chromium is installed: the page was not laid out")


main()
