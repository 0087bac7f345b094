"""``aucue preset``: published recipes for the train block of params.yaml."""
