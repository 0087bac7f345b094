import importlib
import pkgutil
from typing import get_args

from pipeline.ingest import datasets
from pipeline.runtime.parameters import Ingest


def test_the_parameters_name_exactly_the_adapters():
    """An adapter is a module or a package with a function ``read``."""
    names = (module.name for module in pkgutil.iter_modules(datasets.__path__))
    modules = {name for name in names if hasattr(importlib.import_module(f"{datasets.__name__}.{name}"), "read")}
    assert set(get_args(Ingest.model_fields["dataset"].annotation)) == modules
