"""The command ``aucue detect``."""

from pathlib import Path

import click

from pipeline.runtime import parameters
from pipeline.runtime.commands import paths
from pipeline.runtime.commands.options import USER_PATH, cache_option, params_option, path_option, scheduler_option


@click.command()
@params_option
@path_option("--manifest", paths.MANIFEST, "Table of photos to read.")
@path_option("--out", paths.DETECTIONS, "Table of detections to write.")
@click.option("--metrics", type=USER_PATH, help="JSON file of counts to write.  [default: OUT with .json]")
@cache_option
@scheduler_option
def detect(params_path: Path, manifest: Path, out: Path, metrics: Path | None, cache: Path, scheduler: str | None) -> None:
    """Find the face in every photo.

    \b
    Examples:
      aucue detect --manifest data/manifest.csv --out data/detections.csv
      aucue detect --scheduler tcp://10.0.0.1:8786      on a Dask cluster that sees the same files
    """
    from pipeline import early_checks
    from pipeline.detect import stage
    from pipeline.faces import manifest as manifests
    from pipeline.faces.detections import count_statuses
    from pipeline.faces.status_counts import refuse_foreign_counts

    params = parameters.load(params_path)
    metrics = metrics or out.with_suffix(".json")
    refuse_foreign_counts(metrics)
    photos = manifests.read(manifest)
    early_checks.check_params(params)
    early_checks.check_photos(photos, params=params)
    rows = stage.main(
        base=params.base,
        params=params.detect,
        manifest_path=manifest,
        detections_path=out,
        cache_dir=cache,
        scheduler=scheduler,
        max_failed_fraction=params.ingest.max_failed_fraction,
    )
    counts = count_statuses(rows, photos)
    counts.write(metrics)
    click.echo(f"{counts}\n{stage.summarise(rows)}\nwrote {len(rows):,} rows to {out}")
    early_checks.check_faces(counts.faces, out, params=params)
