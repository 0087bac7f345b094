"""``aucue export``."""

from pathlib import Path

import click

from pipeline.runtime.commands import paths
from pipeline.runtime.commands.options import path_option
from pipeline.runtime.messages import warn


@click.command()
@path_option("--checkpoint", f"{paths.TRAIN}/guided/{paths.CHECKPOINT}", "Model to read.")
@path_option("--out", paths.EXPORT, "File to write.")
def export(checkpoint: Path, out: Path) -> None:
    """Export a trained classifier as one ONNX file, which runs without aucue and PyTorch.

    Its input is aligned faces; its outputs are logits, attention and, if the method has maps, class maps. Its metadata say
    how a face is aligned, and name the classes. The file is compared with PyTorch before it is kept.

    \b
    Examples:
      aucue export                              the guided variant, to data/model.onnx
      aucue export --checkpoint data/train/baseline/model.safetensors --out baseline.onnx
    """
    from train.export import exporter

    exported = exporter.main(checkpoint=checkpoint, out=out)
    facts, size = exported.facts, exported.facts["input_size"]
    if exported.difference is None:
        warn("the file was not compared with PyTorch: for that, pip install -c constraints.txt -e '.[export]'")
    else:
        click.echo(f"compared with PyTorch: the largest difference of any output is {exported.difference:.1g}")
    click.echo(
        f"wrote {out} ({exported.size / 1e6:,.1f} MB): {facts['variant']}, {facts['method']} on {facts['backbone']}\n"
        "to use it (train/README.md shows more):\n"
        f'  session = onnxruntime.InferenceSession("{out.as_posix()}")\n'
        f'  {", ".join(exported.output_names)} = session.run(None, {{"images": faces}})'
        f"   # faces: (B, 3, {size}, {size}) float32, RGB in [0, 1]"
    )
