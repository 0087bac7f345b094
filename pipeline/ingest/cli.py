"""The command ``aucue ingest``."""

from pathlib import Path

import click

from pipeline.runtime import parameters
from pipeline.runtime.commands import paths
from pipeline.runtime.commands.options import params_option, path_option
from pipeline.runtime.messages import warn


@click.command()
@params_option
@path_option("--photos", paths.PHOTOS, "Folder for the images of datasets that are made here.")
@path_option("--manifest", paths.MANIFEST, "Table of photos to write.")
def ingest(params_path: Path, photos: Path, manifest: Path) -> None:
    """Describe a dataset in a manifest with one row per photo.

    \b
    Examples:
      aucue ingest                              the dataset of params.yaml
      aucue ingest --params other_params.yaml --manifest data/other.csv
    """
    from functools import partial

    from pipeline import early_checks
    from pipeline.ingest import stage
    from pipeline.ingest.outputs_guard import refuse_parameters
    from pipeline.ingest.summary import summarise

    params = parameters.load(params_path)
    refuse_parameters(params)
    early_checks.check_params(params)
    check = partial(early_checks.check_photos, params=params)
    rows = stage.main(base=params.base, params=params.ingest, photos_dir=photos, manifest_path=manifest, check=check)
    click.echo(summarise(rows))
    for warning in early_checks.photo_warnings(rows, params):
        warn(warning)
    click.echo(f"wrote {len(rows):,} rows to {manifest}")
