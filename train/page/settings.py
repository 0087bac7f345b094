"""What one run of ``aucue serve`` reads and writes."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

TOKEN_BYTES = 24  # of randomness: nobody guesses 192 bits


@dataclass(frozen=True)
class Settings:
    """Paths and token of one run.

    Attributes:
        out: Folder of saved codebooks, the only place that is written to.
        codebook: Name or path of the codebook to begin with; None for the first that comes with aucue.
        checkpoint_dir: Folder of the trained variants.
        evaluation: Folder of the evaluated variants, which holds their test figures.
        faces: Folder of face shards.
        heatmaps: Folder of their heatmap shards.
        report: Page that ``aucue report`` wrote.
        tables: Folder that ``aucue tables`` wrote.
        token: First part of every address that is answered.
    """

    out: Path
    codebook: str | None
    checkpoint_dir: Path
    evaluation: Path
    faces: Path
    heatmaps: Path
    report: Path
    tables: Path
    token: str = field(default_factory=lambda: secrets.token_urlsafe(TOKEN_BYTES))

    @property
    def base(self) -> str:
        """The path that all addresses of the page begin with."""
        return f"/{self.token}"
