"""The guidance of a training by heatmaps: which maps of the network are aligned with them, and with what weight."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from pipeline.runtime.parameters import Train


class Guidance(NamedTuple):
    """The guidance of a training, decided in this one place. It is true if anything is guided."""

    attention: float  # weight of the alignment loss of layer-wise attention (lambda); 0 if attention is not guided
    cam: float  # weight of the alignment loss of the true class's map (cam_lambda); 0 if that map is not guided
    layers: tuple[int, ...]  # layers whose attention is guided, ascending; empty if attention is not guided

    @classmethod
    def of(cls, align: Collection[str], attention: float, cam: float, layers: Iterable[int]) -> "Guidance":
        """Decide the guidance from parameters of the train block.

        Args:
            align: The parameter ``align``: ``attention``, ``cam``, both or none.
            attention: The parameter ``lambda``.
            cam: The parameter ``cam_lambda``.
            layers: The parameter ``layers``.
        """
        attention = attention if "attention" in align else 0.0
        return cls(attention, cam if "cam" in align else 0.0, tuple(sorted(layers)) if attention > 0 else ())

    @classmethod
    def of_params(cls, params: Train) -> "Guidance":
        """Decide the guidance from a train block."""
        return cls.of(params.align, params.lambda_, params.cam_lambda, params.layers)

    def __bool__(self) -> bool:
        return self.attention > 0 or self.cam > 0

    @property
    def align(self) -> tuple[str, ...]:
        """The kinds of maps that are guided: ``attention``, ``cam``, both or none."""
        return tuple(name for name in ("attention", "cam") if getattr(self, name) > 0)
