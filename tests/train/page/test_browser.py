"""The page in a real headless Chromium: what somebody does, and what becomes of the codebook."""

import base64
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest
from ruamel.yaml import YAML

from pipeline import codebook as codebooks
from train.explain.answers.pictures import TILE
from train.page.codebook.faces import Faces

pytestmark = pytest.mark.slow
WIDTHS = (1280, 360)
BOMB = b"P6 20000 10000 255\n"  # 200 megapixels in 19 bytes


def maps(page):
    """The bytes of the heatmap of each expression, as the page shows them."""
    images = page.locator("#gallery img.map").all()
    shown = {image.get_attribute("data-expression"): image.get_attribute("src") for image in images}
    return {name: source and base64.b64decode(source.split(",")[1]) for name, source in shown.items()}


def settle(page):
    """Wait until every change is answered."""
    page.wait_for_selector("#editor[aria-busy=false]")


def choose(page, expression):
    page.click(f"#gallery label:has(input[value={expression}])")
    settle(page)


def saved(page, settings, name="mine"):
    """Save the codebook, and return what the loader makes of the file and what the file holds."""
    page.fill("#save-name", name)
    page.click("#save-button")
    page.wait_for_selector("#saved:visible")
    path = settings.out / "codebooks" / f"{name}.yaml"
    assert page.inner_text("#saved-path") == str(path)
    return codebooks.load(path), YAML(typ="safe").load(path)


def drag(page, selector, dx, dy):
    """Drag by pixels of the codebook's frame."""
    box = page.locator(selector).bounding_box()
    scale = page.locator("#stage").bounding_box()["width"] / 224
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx * scale / 2, y + dy * scale / 2)
    page.mouse.move(x + dx * scale, y + dy * scale)
    page.mouse.up()
    settle(page)


@pytest.fixture
def editor(open_page):
    """The page with the codebook facs and happiness chosen."""
    page = open_page("codebook?codebook=facs")
    settle(page)
    choose(page, "happiness")
    return page


def test_a_toggle_changes_the_heatmap(editor, settings):
    before = maps(editor)
    editor.uncheck("#unit-12")
    editor.wait_for_selector("#changes >> text=happiness no longer shows AU 12 (Lip Corner Puller).")
    after = maps(editor)
    assert after["happiness"] != before["happiness"]
    assert {name for name in after if after[name] != before[name]} == {"happiness"}
    editor.check("#unit-25")
    editor.wait_for_selector("#changes >> text=happiness also shows AU 25 (Lips Part).")
    assert maps(editor)["happiness"] != after["happiness"]
    book, content = saved(editor, settings)
    assert content["expressions"]["happiness"] == [6, 25]
    assert book.expressions["happiness"] == (6, 25)


def test_the_last_toggle_leaves_no_map_and_undo_brings_it_back(editor):
    before = maps(editor)
    editor.uncheck("#unit-12")
    settle(editor)
    editor.uncheck("#unit-6")
    editor.wait_for_selector("#changes >> text=no longer shows AU 6")
    assert maps(editor)["happiness"] is None
    assert editor.locator("#gallery .no-map:visible").count() == 2
    editor.click("#undo")
    settle(editor)
    editor.click("#undo")
    editor.wait_for_selector("#changes >> text=Nothing yet.")
    assert maps(editor) == before


def test_weights_and_sides(editor, settings):
    before = maps(editor)
    editor.fill("#weight-12", "0.5")
    editor.wait_for_selector("#changes >> text=happiness weighs AU 12 (Lip Corner Puller) 0.5 instead of 1.")
    assert maps(editor)["happiness"] != before["happiness"]
    editor.select_option("#side-12", label="left")
    editor.wait_for_selector("#changes >> text=happiness also shows AU 12 (Lip Corner Puller, left side) with weight 0.5.")
    assert saved(editor, settings)[1]["expressions"]["happiness"] == [6, {"au": "12L", "weight": 0.5}]


def test_a_drag_changes_the_yaml(editor, settings):
    before, original = maps(editor), codebooks.find("facs").read_text()
    editor.click("#edit-12")
    editor.wait_for_selector("#shape-12-0-0-rx")
    drag(editor, "#shape-12-0-0 .area", 10, -6)
    editor.wait_for_selector("#changes >> text=AU 12 (Lip Corner Puller), ellipse: offset is")
    after = maps(editor)
    assert after["happiness"] != before["happiness"]
    assert after["contempt"] != before["contempt"]
    assert after["anger"] == before["anger"]
    _, content = saved(editor, settings)
    offset = content["regions"][12]["shapes"][0]["ellipse"]["offset"]
    iod = pixels_of_iod()
    assert offset["x"]["iod"] == pytest.approx(-0.08 + 10 / iod, abs=0.02)
    assert offset["y"]["iod"] == pytest.approx(-0.08 - 6 / iod, abs=0.02)
    written = (settings.out / "codebooks" / "mine.yaml").read_text().splitlines()
    changed = [line for line in written if line not in original.splitlines()]
    assert [line.split(":")[0].strip() for line in changed] == ["name", "- ellipse"]
    assert "# the lip corner moves up and back, the fold beside it deepens" in "\n".join(written)


def pixels_of_iod():
    from train.page.codebook.faces import MEAN
    from train.page.codebook.lengths import pixels_per

    return pixels_per("iod", Faces(codebooks.loading.FOLDER).get(MEAN).batch(224, whole_pixels=False))


def test_a_drag_of_the_mirror_image_moves_both_sides_outwards(editor, settings):
    editor.click("#edit-12")
    editor.wait_for_selector("#shape-12-0-1-rx")
    drag(editor, "#shape-12-0-1 .area", 10, 0)
    editor.wait_for_selector("#changes >> text=offset is")
    offset = saved(editor, settings)[1]["regions"][12]["shapes"][0]["ellipse"]["offset"]
    assert offset["x"]["iod"] == pytest.approx(-0.08 - 10 / pixels_of_iod(), abs=0.02)


def test_a_handle_resizes(editor, settings):
    editor.click("#edit-12")
    editor.wait_for_selector("#shape-12-0-0-ry")
    drag(editor, "#shape-12-0-0-ry", 0, 9)
    editor.wait_for_selector("#changes >> text=ellipse: ry is")
    ellipse = saved(editor, settings)[1]["regions"][12]["shapes"][0]["ellipse"]
    assert ellipse["ry"]["iod"] == pytest.approx(0.24 + 9 / pixels_of_iod(), abs=0.02)
    assert ellipse["rx"] == {"iod": 0.24}


def test_the_keyboard_moves_and_resizes_a_region(editor, settings):
    before = maps(editor)
    editor.focus("#shape-12-0-0")
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown", "+"):
        editor.keyboard.press(key)
        settle(editor)
    editor.wait_for_selector("#changes >> text=ellipse: ry is")
    assert editor.evaluate("document.activeElement.id") == "shape-12-0-0"
    assert maps(editor)["happiness"] != before["happiness"]
    ellipse, iod = saved(editor, settings)[1]["regions"][12]["shapes"][0]["ellipse"], pixels_of_iod()
    assert ellipse["offset"]["x"]["iod"] == pytest.approx(-0.08 + 4 / iod, abs=2e-3)
    assert ellipse["offset"]["y"]["iod"] == pytest.approx(-0.08 + 10 / iod, abs=2e-3)
    assert ellipse["rx"]["iod"] == pytest.approx(0.24 + 2 / iod, abs=2e-3)


def test_the_keyboard_moves_a_corner_to_the_next_landmark(editor, settings):
    choose(editor, "anger")
    editor.click("#edit-4")
    editor.wait_for_selector("#shape-4-0-0-landmark-27")
    editor.focus("#shape-4-0-0-landmark-27")
    editor.keyboard.press("ArrowDown")
    editor.wait_for_selector("#changes >> text=polygon: through is")
    assert saved(editor, settings)[1]["regions"][4]["shapes"][0]["polygon"]["through"] == [20, 21, 28, 22, 23]


def test_regions_are_reached_with_the_tab_key_and_seen(editor):
    editor.focus("#face-mean")
    for _ in range(30):
        editor.keyboard.press("Tab")
        if (editor.evaluate("document.activeElement.id") or "").startswith("shape-"):
            break
    assert editor.evaluate("document.activeElement.matches('.body:focus-visible')")
    assert editor.evaluate("getComputedStyle(document.activeElement.querySelector('.line')).strokeWidth") == "4px"


def test_a_field_changes_the_heatmap_and_a_mistake_is_shown_beside_it(editor):
    before = maps(editor)
    editor.click("#edit-12")
    editor.wait_for_selector("#region-title >> text=AU 12")
    radius = editor.locator("#f-regions-12-shapes-0-ellipse-rx")
    radius.fill("0.4")
    editor.wait_for_selector("#changes >> text=rx is 0.4 iod instead of 0.24 iod.")
    changed = maps(editor)
    assert changed["happiness"] != before["happiness"]
    radius.fill("-1")
    mistake = editor.wait_for_selector(".mistake")
    assert "a radius must not be negative" in mistake.inner_text()
    assert mistake.evaluate("node => node.previousElementSibling.querySelector('input').id") == radius.get_attribute("id")
    assert maps(editor) == changed
    editor.locator("#f-regions-12-shapes-0-ellipse-centre").fill("48, 99")
    editor.wait_for_selector(".mistake >> text=less than or equal to 67")
    assert editor.locator(".mistake").count() == 2
    editor.fill("#save-name", "mine")
    editor.click("#save-button")
    editor.wait_for_selector("#save-refusal >> text=fix the mistakes first")
    editor.click("#undo")
    editor.click("#undo")
    settle(editor)
    assert editor.locator(".mistake").count() == 0


def test_a_unit_changes_and_the_region_stays(editor, settings):
    before = maps(editor)
    editor.click("#edit-12")
    editor.wait_for_selector("#region-title >> text=AU 12")
    editor.select_option("#f-regions-12-shapes-0-ellipse-rx-unit", "px")
    editor.wait_for_selector("#changes >> text=px instead of 0.24 iod")
    rx = saved(editor, settings)[1]["regions"][12]["shapes"][0]["ellipse"]["rx"]
    assert rx["px"] == pytest.approx(0.24 * pixels_of_iod(), abs=0.06)
    difference = np.abs(pixels(maps(editor)["happiness"]) - pixels(before["happiness"]))
    assert difference.mean() < 0.5


def pixels(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED).astype(float)


def test_expressions_regions_and_shapes_are_added(editor, settings):
    editor.fill("#new-region", "28")
    editor.fill("#new-region-name", "Lip Suck")
    editor.click("#add-region")
    editor.wait_for_selector("#region-title >> text=AU 28")
    editor.click("#add-gaussian")
    editor.wait_for_selector("legend >> text=gaussian 2")
    editor.fill("#new-expression", "boredom")
    editor.click("#add-expression")
    editor.wait_for_selector("#expression-title >> text=boredom")
    editor.check("#unit-28")
    editor.wait_for_selector("#changes >> text=The expression boredom is new: 28 Lip Suck.")
    assert maps(editor)["boredom"]
    book, content = saved(editor, settings)
    assert content["expressions"]["boredom"] == [28]
    assert len(book.regions["28"]) == 2


@pytest.mark.parametrize("face", ["mean", "2"])
@pytest.mark.parametrize("name", codebooks.shipped())
def test_a_saved_file_renders_the_bytes_that_the_page_showed(open_page, settings, expected_maps, name, face):
    page = open_page(f"codebook?codebook={name}")
    settle(page)
    page.click(f"label:has(#face-{face})")
    settle(page)
    before = maps(page)
    page.locator("#stage .body").last.focus()
    page.keyboard.press("+")
    page.wait_for_selector("#changes >> text=instead of")
    shown = maps(page)
    assert shown != before
    book, _ = saved(page, settings)
    assert expected_maps(book, face) == shown
    assert page.inner_text("#saved-command").startswith("aucue heatmaps --codebook ")
    page.click("#saved-open")
    settle(page)
    page.click(f"label:has(#face-{face})")
    settle(page)
    assert maps(page) == shown


def test_a_download_is_the_saved_file(editor, settings):
    editor.check("#unit-25")
    editor.wait_for_selector("#changes >> text=AU 25")
    with editor.expect_download() as download:
        editor.click("#download")
    text = download.value.path().read_text()
    saved(editor, settings, "facs2")
    assert (settings.out / "codebooks" / "facs2.yaml").read_text() == text.replace("name: facs", "name: facs2")


def test_every_change_is_rendered_within_100_ms(editor):
    editor.focus("#shape-12-0-0")
    times = []
    for _ in range(5):
        editor.keyboard.press("ArrowLeft")
        settle(editor)
        times.append(int(re.search(r"\d+", editor.inner_text("#time"))[0]))
    assert min(times) <= 100  # other processes slow some


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", ["codebook?codebook=belharbi2024", "explain", "report"])
def test_no_page_is_wider_than_the_window(open_page, path, width, scheme):
    page = open_page(path, viewport={"width": width, "height": 800}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate("""[...document.querySelectorAll('button, label, h1, h2, h3, p, li, td, th, a')]
        .filter(node => node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).overflowX !== 'visible')
        .map(node => node.outerHTML)""")
    assert cut == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["codebook", "explain", "report"])
def test_text_is_readable_in_both_schemes(open_page, path, scheme):
    """The contrast of text with the page is at least 4.5, as WCAG 2 asks."""
    page = open_page(path, color_scheme=scheme)
    for name in ("--text", "--quiet", "--accent", "--wrong"):
        colours = [
            page.evaluate(f"getComputedStyle(document.documentElement).getPropertyValue('{each}')")
            for each in (name, "--page")
        ]
        light, dark = sorted(map(luminance, colours), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, colours)


def luminance(colour):
    values = [int(colour.strip()[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_field_has_a_name(open_page):
    for path in ("codebook", "explain"):
        page = open_page(path)
        nameless = page.evaluate("""
            [...document.querySelectorAll('input:not([type=hidden]), select, button, [tabindex], svg [role]')]
            .filter(node => !node.labels?.length && !node.getAttribute('aria-label') && !node.getAttribute('aria-labelledby')
              && !node.textContent.trim()).map(node => node.outerHTML)""")
        assert nameless == ['<pre id="saved-command" tabindex="0"></pre>'] * (path == "codebook")


def test_an_upload_is_explained(open_page, tmp_path):
    page = open_page("explain")
    cv2.imwrite(str(tmp_path / "me.png"), np.full((20, 30, 3), 7, np.uint8))
    page.set_input_files("#photo", tmp_path / "me.png")
    page.click("#explain")
    page.wait_for_selector("#answers")
    assert page.locator(".answer").count() == 2
    assert "the guided classifier looks at 30 x 20 pixels" in page.inner_text(".answers")
    assert page.locator(".answer img").first.evaluate("image => image.naturalWidth") == TILE
    left, right = (each.bounding_box() for each in page.locator(".answer").all())
    assert left["y"] == right["y"]
    assert left["x"] < right["x"]


def test_answers_are_below_each_other_on_a_phone(open_page, tmp_path):
    page = open_page("explain", viewport={"width": 360, "height": 800})
    cv2.imwrite(str(tmp_path / "me.png"), np.full((200, 1300, 3), 7, np.uint8))
    page.set_input_files("#photo", tmp_path / "me.png")
    page.click("#explain")
    page.wait_for_selector("#answers")
    left, right = (each.bounding_box() for each in page.locator(".answer").all())
    assert left["x"] == right["x"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize(("event", "holder"), [("paste", "clipboardData"), ("drop", "dataTransfer")])
def test_a_photo_is_pasted_or_dropped(open_page, event, holder):
    page = open_page("explain")
    kind = "ClipboardEvent" if event == "paste" else "DragEvent"
    page.evaluate(f"""async () => {{
        const canvas = Object.assign(document.createElement('canvas'), {{width: 31, height: 17}});
        const context = canvas.getContext('2d');
        context.fillStyle = 'red';
        context.fillRect(0, 0, 31, 17);
        const blob = await new Promise(done => canvas.toBlob(done));
        const data = new DataTransfer();
        data.items.add(new File([blob], 'pasted.png', {{type: 'image/png'}}));
        const options = {{{holder}: data, bubbles: true, cancelable: true}};
        document.querySelector('#drop').dispatchEvent(new {kind}('{event}', options));
    }}""")
    page.wait_for_selector("#answers")
    assert page.inner_text("#answers h2") == "pasted.png"
    assert "looks at 31 x 17 pixels" in page.inner_text(".answers")


def test_a_photo_of_the_camera_is_explained(open_page):
    page = open_page("explain")
    page.click("#camera")
    page.wait_for_selector("#viewfinder:visible")
    page.click("#shoot")
    page.wait_for_selector("#answers")
    assert page.inner_text("#answers h2") == "camera.png"
    page.click("#camera")
    page.click("#close")
    assert page.evaluate("document.querySelector('#video').srcObject") is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(BOMB, "20000 x 10000 pixels; at most 50,000,000 are decoded"), (b"Dear diary", "not a JPEG, PNG, BMP")],
)
def test_a_bomb_and_a_text_file_are_refused(open_page, tmp_path, content, sentence, address, browser):
    page = browser.new_page()  # the status of the refusal is an error in its console
    page.goto(f"{address}/explain")
    (tmp_path / "photo.ppm").write_bytes(content)
    page.set_input_files("#photo", tmp_path / "photo.ppm")
    page.click("#explain")
    assert sentence in page.inner_text("#refusal")
    assert page.locator("#photo").is_visible()
    page.close()


def test_a_foreign_token_is_refused(browser, address):
    page = browser.new_page()
    page.goto(f"{address.rsplit('/', 1)[0]}/foreign-token/codebook")
    assert page.inner_text("body").strip().startswith("This address lacks the token of this run")
    page.close()


@pytest.fixture
def other_site(address, tmp_path):
    """The address of another site on this computer, whose page holds the app's in a frame."""
    (tmp_path / "index.html").write_text(f"<iframe src='{address}/explain'></iframe>")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


def test_a_page_of_another_site_cannot_embed_this_one(browser, other_site):
    page = browser.new_page()
    failures = []
    page.on("requestfailed", lambda request: failures.append(request.failure))
    page.goto(other_site)
    page.wait_for_timeout(500)
    assert failures == ["net::ERR_BLOCKED_BY_RESPONSE"]
    assert page.frames[1].url.startswith("chrome-error:")
    page.close()
