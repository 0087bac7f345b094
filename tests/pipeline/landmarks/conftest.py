import pytest

from pipeline.faces import dlib_models


@pytest.fixture(scope="session")
def predictor():
    return str(dlib_models.packaged(dlib_models.PREDICTOR))
