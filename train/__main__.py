"""``python -m train`` runs ``aucue train``, so that torchrun can start it in several processes."""

import sys

from pipeline.cli import aucue

aucue(["train", *sys.argv[1:]], prog_name="python -m train")
