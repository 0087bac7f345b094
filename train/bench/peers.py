"""The rates of other programs on the same photos, where they are installed. None of them is a dependency of aucue."""

from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.bench.measurement import cpu_seconds, print_figures, timed
from pipeline.faces.decoding import read_rgb

NO_MEDIAPIPE = "peers: mediapipe is not measured: pip install mediapipe==0.10.21 (later versions come without models)"


def measure_peers(files: Sequence[Path]) -> dict[str, float]:
    """Measure and print the rate of each program that is installed; a line says which is not.

    mediapipe  Face mesh: it finds the largest face and its 468 landmarks, and says no expression. Its models come with it.

    Args:
        files: The photos.

    Returns:
        Photos a second, photos a second of CPU time, and number of faces.
    """
    try:
        from mediapipe import solutions
    except ImportError:
        click.echo(NO_MEDIAPIPE)
        return {}
    with solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1) as mesh:
        before = cpu_seconds()
        found, seconds = timed(lambda: [mesh.process(read_rgb(str(file))).multi_face_landmarks for file in files])
    figures = {
        "mediapipe_per_second": len(files) / seconds,
        "mediapipe_per_cpu_second": len(files) / (cpu_seconds() - before),
        "mediapipe_faces": sum(face is not None for face in found),
    }
    return print_figures("peers", figures)
