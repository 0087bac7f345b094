"""Online half of aucue: it turns shards into a classifier, the classifier's attention maps, and their evaluation."""

VARIANTS = ("baseline", "guided")  # without and with the alignment loss
WITHOUT_EFFECT = ("workers", "cache_megabytes", "device", "compile")  # parameters that change only time and rounding
