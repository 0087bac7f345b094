"""The guidance of a training by heatmaps: which maps are aligned with them, and whether its decisions are guided."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from pipeline.runtime.parameters import Train


class Guidance(NamedTuple):
    """The guidance of a training, decided in this one place. It is true if anything is guided."""

    attention: float  # weight of the alignment loss of layer-wise attention (lambda); 0 if attention is not guided
    cam: float  # weight of the alignment loss of the true class's map (cam_lambda); 0 if that map is not guided
    layers: tuple[int, ...]  # layers whose attention is guided, ascending; empty if attention is not guided
    evidence: float = 0.0  # share of the faces whose regions are swapped (evidence_share); 0 if decisions are not guided

    @classmethod
    def of(
        cls, align: Collection[str], attention: float, cam: float, layers: Iterable[int], evidence: float = 0
    ) -> "Guidance":
        """Decide the guidance from parameters of the train block.

        Args:
            align: The parameter ``align``: any of ``attention``, ``cam`` and ``evidence``.
            attention: The parameter ``lambda``.
            cam: The parameter ``cam_lambda``.
            layers: The parameter ``layers``.
            evidence: The parameter ``evidence_share``.
        """
        weights = {"attention": attention, "cam": cam, "evidence": evidence}
        attention, cam, evidence = (weight if name in align else 0.0 for name, weight in weights.items())
        return cls(attention, cam, tuple(sorted(layers)) if attention > 0 else (), evidence)

    @classmethod
    def of_params(cls, params: Train) -> "Guidance":
        """Decide the guidance from a train block."""
        return cls.of(params.align, params.lambda_, params.cam_lambda, params.layers, params.evidence_share)

    def __bool__(self) -> bool:
        return bool(self.align)

    @property
    def align(self) -> tuple[str, ...]:
        """What is guided: any of ``attention``, ``cam`` and ``evidence``."""
        return tuple(name for name in ("attention", "cam", "evidence") if getattr(self, name) > 0)
