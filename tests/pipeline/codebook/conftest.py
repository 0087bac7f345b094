"""A small codebook to change."""

import pytest

from pipeline import codebook as codebooks

SMALL = """
name: small
version: 1
source: a test
reference_size: 100
render: {combine: max, whole_pixels: false}
expressions:
  joy: [12, 6]
  smirk: [12R, {au: 6, weight: 0.5}]
  calm: none
regions:
  6: {name: Cheek Raiser, shapes: [ellipse: {centre: [41], rx: {px: 3}, ry: {width: 0.1}}]}
  12:
    name: Lip Corner Puller
    mirror: true
    shapes:
      - ellipse: {centre: [48], rx: {px: 3}, ry: {iod: 0.1}}
      - ellipse:
          centre: {x: [54], y: [48, 54]}
          offset: {x: {height: 0.1}}
          rx: {half: [48, 54], otherwise: {px: 2}}
          ry: {px: 3}
"""


@pytest.fixture
def load(tmp_path):
    """Load the small codebook with pieces of its text replaced."""

    def load(*changes):
        text = SMALL
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path = tmp_path / "book.yaml"
        path.write_text(text)
        return codebooks.load(path)

    return load
