import numpy as np
import torch

from train.attribution.donors import find_donors
from train.data.dataset import Faces, neutral_class, open_shards, training_classes
from train.models.checkpoint import Config

CPU = torch.device("cpu")


def faces_of(dataset, split):
    shards = open_shards(dataset.faces, dataset.heatmaps)
    return Faces(*shards, split, training_classes(shards[0]))


def config_of(dataset):
    classes = training_classes(open_shards(dataset.faces, dataset.heatmaps)[0])
    return Config("guided", 1, classes, {"input_size": 64}, 0, {}, {})


def test_the_neutral_class_is_the_one_without_heatmaps(faces, dataset):
    classes = training_classes(open_shards(dataset.faces, dataset.heatmaps)[0])
    assert classes[neutral_class(faces, classes)] == "neutral"
    renamed = tuple("calm" if name == "neutral" else name for name in classes)
    assert renamed[neutral_class(faces, renamed)] == "calm"
    faces.has_map[:] = True
    assert neutral_class(faces, classes) is None
    faces.has_map[:] = False
    assert classes[neutral_class(faces, classes)] == "neutral"
    assert neutral_class(faces, renamed) is None


def test_donors_are_neutral_validation_faces(dataset):
    train, validation = faces_of(dataset, "train"), faces_of(dataset, "validation")
    config = config_of(dataset)
    donors = find_donors(train, validation, config, 2)
    assert donors.split == "validation"
    assert config.classes[donors.label] == "neutral"
    assert donors.count == int((validation.labels == "neutral").sum())
    first, second = donors.draw([5, 6, 7], CPU)
    assert first.shape == (3, 3, 64, 64)
    assert not any(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert torch.equal(donors.draw([6], CPU)[0][0], first[1])
    assert len(np.unique([image.sum().item() for image in donors.draw(range(30), CPU)[0]])) > 2


def test_training_faces_serve_where_there_are_no_others(dataset):
    train = faces_of(dataset, "train")
    config = config_of(dataset)
    assert find_donors(train, None, config, 1).split == "train"
    assert find_donors(train, None, config, 0) is None


def test_more_donors_than_there_are_is_no_error(dataset):
    train, validation = faces_of(dataset, "train"), faces_of(dataset, "validation")
    config = config_of(dataset)
    donors = find_donors(train, validation, config, 500)
    stacks = donors.draw([0], CPU)
    assert len(stacks) == donors.count
    assert len(np.unique([stack.sum().item() for stack in stacks])) == donors.count
