import json

import numpy as np
import pytest
import torch

from pipeline.shards import ShardSet
from train.data import source_bias
from train.evaluate import stage as evaluate
from train.loop import stage as train

CLASSES = ("anger", "disgust", "happiness")


def examined(*shares, faces=20):
    return [np.arange(faces) < share * faces for share in shares]


def descriptions(*shares, faces=20):
    found = source_bias.describe_bias(examined(*shares, faces=faces), [faces] * len(shares), CLASSES[: len(shares)])
    return [sentence.partition(",")[0] for sentence in found]


def test_an_expression_whose_faces_are_in_colour_is_described():
    assert source_bias.describe_bias(examined(0, 0.8, 0), [20, 20, 20], CLASSES) == [
        (
            "colour tells disgust: 80% of its training faces are in colour and 0% of the others, which a classifier can "
            "learn in place of the expression; set train.colour to false to hide it"
        )
    ]
    assert descriptions(1, 0.2, 1) == [
        "colour tells disgust: 20% of its training faces are in colour and 100% of the others"
    ]


def test_all_telling_expressions_are_told_the_most_telling_first():
    assert descriptions(0.5, 0, 1) == [
        "colour tells disgust: 0% of its training faces are in colour and 75% of the others",
        "colour tells anger: 50% of its training faces are in colour and 100% of the others (but for disgust)",
    ]


def test_others_weigh_by_their_number_not_by_how_many_were_examined():
    first = source_bias.describe_bias(examined(0.8, 0.5, 0.1, faces=100), [100, 300, 9700], CLASSES)[0]
    assert "80% of its training faces are in colour and 11% of the others" in first


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_colours_that_all_expressions_share_tell_nothing(share):
    assert descriptions(share, share, share) == []


@pytest.mark.parametrize(("share", "expected"), [(0.25, 0), (0.35, 1)])
def test_a_difference_of_more_than_three_tenths_tells(share, expected):
    assert len(descriptions(0, share, 0, faces=200)) == expected


def test_a_handful_of_faces_tells_nothing():
    assert source_bias.describe_bias([np.ones(9, bool), np.zeros(9, bool)], [9, 9], CLASSES[:2]) == []
    assert source_bias.describe_bias([np.zeros(0, bool), np.zeros(60, bool)], [0, 60], CLASSES[:2]) == []


def test_chance_is_hardly_ever_described(rng):
    found = [source_bias.describe_bias(list(rng.random((7, 10)) < 0.5), [10] * 7, tuple("abcdefg")) for _ in range(300)]
    assert sum(map(bool, found)) < 15


def test_every_expression_is_looked_at_wherever_its_faces_are():
    class Sorted:
        targets = np.repeat([0, 1, 2], [2500, 20, 2500])

        def image(self, place):
            coloured = self.targets[place] == 1 or place % 2520 >= 2000
            return torch.tensor([0, 0, 200 * coloured]).view(3, 1, 1)

    (sentence,) = source_bias.notes(Sorted(), CLASSES)
    assert "colour tells disgust: 100% of its training faces are in colour and 20% of the others" in sentence


@pytest.mark.parametrize("scale", [1, 0.2])
def test_what_is_in_colour(rng, scale):
    values = torch.from_numpy(rng.integers(0, 256, (1, 32, 32)).astype(np.uint8))
    assert not source_bias.is_coloured(values.expand(3, 32, 32))
    tinted = torch.stack([values[0], values[0] // 2, values[0] // 3]).float() * scale
    assert source_bias.is_coloured(tinted.to(torch.uint8))


def test_noise_of_jpeg_is_no_colour_and_any_tint_is_one(rng):
    noise = torch.from_numpy(rng.integers(-2, 3, (3, 32, 32)))
    assert not source_bias.is_coloured(100 + noise)
    blue, halves = torch.full((2, 3, 32, 32), 100)
    blue[2] += 10
    halves[0, :16] += 10
    halves[1, 16:] += 10
    assert source_bias.is_coloured(blue)
    assert source_bias.is_coloured(halves)


@pytest.mark.slow
def test_training_and_evaluation_say_it(dataset, params, tmp_path, monkeypatch, capsys):
    coloured = colour_of_label(dataset, "disgust")
    monkeypatch.setattr(source_bias, "is_coloured", lambda image: bytes(image.numpy().tobytes()) in coloured)
    monkeypatch.setattr(source_bias, "MIN_FACES", 2)
    fast = params.train.model_copy(update={"epochs": 1, "batch_size": 16, "input_size": 64})
    for seen, said in ((True, 1), (False, 0)):
        out = tmp_path / str(seen)
        settings = fast.model_copy(update={"colour": seen})
        train.main(
            base=params.base,
            params=settings,
            variant="guided",
            faces_dir=dataset.faces,
            heatmaps_dir=dataset.heatmaps,
            out_dir=out,
        )
        assert capsys.readouterr().err.count("WARNING: colour tells disgust") == said
        evaluate.main(
            params=params.evaluate,
            checkpoint=out / "model.safetensors",
            faces_dir=dataset.faces,
            heatmaps_dir=dataset.heatmaps,
            out_dir=out,
        )
        notes = json.loads((out / "details.json").read_text())["notes"]
        assert sum(note.startswith("Colour tells disgust") for note in notes) == said


def colour_of_label(dataset, label):
    """The training crops of a label, as bytes."""
    shards = ShardSet(dataset.faces, "faces")
    columns = shards.columns("label", "split", "status")
    rows = np.flatnonzero((columns["label"] == label) & (columns["status"] == "ok") & (columns["split"] == "train"))
    return {torch.from_numpy(shards.crop(int(row))).permute(2, 0, 1).numpy().tobytes() for row in rows}
