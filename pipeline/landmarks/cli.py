"""The command ``aucue landmarks``."""

from pathlib import Path

import click

from pipeline.runtime import class_counts, parameters
from pipeline.runtime.commands import paths
from pipeline.runtime.commands.options import USER_PATH, cache_option, params_option, path_option, scheduler_option
from pipeline.runtime.messages import warn


@click.command()
@params_option
@path_option("--manifest", paths.MANIFEST, "Table of photos to read.")
@path_option("--detections", paths.DETECTIONS, "Table of detected faces to read.")
@path_option("--out", paths.FACES, "Folder of face shards to write.")
@click.option("--metrics", type=USER_PATH, help="JSON file of counts to write.  [default: OUT.json]")
@cache_option
@scheduler_option
def landmarks(
    params_path: Path, manifest: Path, detections: Path, out: Path, metrics: Path | None, cache: Path, scheduler: str | None
) -> None:
    """Place 68 landmarks on every face, align it, and store the crops in shards.

    \b
    Example:
      aucue landmarks --out data/faces
    """
    from pipeline import early_checks
    from pipeline.faces import manifest as manifests
    from pipeline.faces.status_counts import refuse_foreign_counts
    from pipeline.landmarks import stage

    params = parameters.load(params_path)
    metrics = metrics or out.with_name(f"{out.name}.json")
    refuse_foreign_counts(metrics)
    early_checks.check_params(params)
    early_checks.check_photos(manifests.read(manifest), params=params)
    counts = stage.main(
        base=params.base,
        params=params.landmarks,
        manifest_path=manifest,
        detections_path=detections,
        faces_dir=out,
        cache_dir=cache,
        scheduler=scheduler,
        max_failed_fraction=params.ingest.max_failed_fraction,
        fallback=params.detect.fallback,
    )
    counts.write(metrics)
    click.echo(f"{counts}\nwrote {counts.total():,} rows to {out}")
    early_checks.check_faces(counts.faces, detections, params=params)
    for warning in class_counts.warnings(counts.faces, "face", params.evaluate.untrained_labels):
        warn(warning)
