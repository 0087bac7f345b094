import cv2
import numpy as np

from pipeline.faces import dlib_models
from pipeline.landmarks import landmark_quality as quality
from pipeline.landmarks.fit import fit_landmarks


def test_landmarks_depend_little_on_whose_box_it_was(orl, predictor):
    grey = cv2.resize(cv2.imread(str(orl / "s1" / "1.pgm"), cv2.IMREAD_GRAYSCALE), None, fx=2.5, fy=2.5)
    image = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    rectangle = dlib_models.detector()(grey, 0)[0]
    box = np.array([rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()], float)
    expected, reason = fit_landmarks(image, tuple(box), predictor, 3)
    assert reason == ""
    side = box[2] - box[0]
    for shift in ([-0.1, -0.1, 0.1, 0.1], [0.1, 0.1, -0.1, -0.1], [0.1, 0.1, 0.1, 0.1]):
        moved = tuple(box + side * np.array(shift))
        points, reason = fit_landmarks(image, moved, predictor, 3)
        assert reason == ""
        assert quality.disagreement(points, expected) < 0.04


def test_one_look_is_taken_at_its_word(orl, predictor):
    grey = cv2.resize(cv2.imread(str(orl / "s1" / "1.pgm"), cv2.IMREAD_GRAYSCALE), None, fx=2.5, fy=2.5)
    image = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    rectangle = dlib_models.detector()(grey, 0)[0]
    box = rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()
    points, reason = fit_landmarks(image, box, predictor, 0)
    assert reason == ""
    assert np.array_equal(points, dlib_models.predict(image, box, predictor))
    assert not np.array_equal(points, fit_landmarks(image, box, predictor, 3)[0])
