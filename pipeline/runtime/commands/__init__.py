"""What the commands of ``aucue`` share: their group, options and default paths; and ``aucue cache``."""
