from pathlib import Path
from typing import get_args

from pipeline.ingest import datasets
from pipeline.runtime.parameters import Ingest


def test_the_parameters_name_exactly_the_adapters():
    """An adapter is a module with a function ``read``."""
    modules = {path.stem for path in Path(datasets.__file__).parent.glob("*.py") if "\ndef read(" in path.read_text()}
    assert set(get_args(Ingest.model_fields["dataset"].annotation)) == modules
