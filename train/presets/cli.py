"""The command ``aucue preset``."""

from pathlib import Path

import click

from pipeline.runtime.commands.options import params_option


@click.command()
@click.argument("name")
@params_option
def preset(name: str, params_path: Path) -> None:
    """Write a published recipe into the train block of params.yaml. Comments and all other values stay.

    \b
    Examples:
      aucue preset paper_resnet50               the recipe of the paper's ResNet-50, which needs a GPU
      aucue preset paper_resnet50 --params other_params.yaml
    """
    from train.presets import preset as presets

    changes = presets.main(name, params_path)
    click.echo("\n".join([*changes, f"wrote {params_path}" if changes else f"{params_path} already has these values"]))
