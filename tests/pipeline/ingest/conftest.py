import pytest

from pipeline.faces import dlib_models
from pipeline.ingest.datasets import demo
from pipeline.ingest.demo.movements import load_movements
from pipeline.ingest.demo.plan import plan


@pytest.fixture(scope="session")
def expressions(demo_tables):
    return demo.read_expressions(demo_tables / "expressions.csv")


@pytest.fixture(scope="session")
def movements(demo_tables):
    return load_movements(demo_tables / "facs_displacements.csv", demo_tables / "facs_folds.csv")


@pytest.fixture(scope="session")
def predictor():
    return str(dlib_models.packaged(dlib_models.PREDICTOR))


@pytest.fixture(scope="session")
def portraits(demo_tables, orl):
    return demo.read_portraits(demo_tables / "portraits.csv", orl)


@pytest.fixture(scope="session")
def animations(expressions, portraits):
    return plan(expressions, portraits, seed=0, images_per_class=5)


@pytest.fixture(scope="session")
def faces(predictor, orl):
    """Four calm ORL portraits (h, w), each with its landmarks (68, 2)."""
    return [demo.load_portrait(orl / f"{name}.pgm", predictor) for name in ("s1/1", "s10/8", "s16/2", "s24/6")]


@pytest.fixture(params=range(4))
def face(request, faces):
    return faces[request.param]
