"""Online half of aucue: shards in; a classifier, its attention maps and their evaluation out."""

VARIANTS = ("baseline", "guided")  # without and with the alignment loss
WITHOUT_EFFECT = ("workers", "cache_megabytes", "device", "compile")  # parameters that decide only time and rounding
