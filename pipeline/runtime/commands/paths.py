"""Default paths of the commands: those of dvc.yaml, so that a command run by hand finds what ``dvc repro`` wrote."""

PARAMS = "params.yaml"
DATA = "data"
CACHE = "data/.cache"
PHOTOS = "data/generated"
MANIFEST = "data/manifest.csv"
DETECTIONS = "data/detections.csv"
FACES = "data/faces"
HEATMAPS = "data/heatmaps"
TRAIN = "data/train"
EVALUATION = "data/evaluation"
REPORT = "data/report"
TABLES = "data/tables"
BENCH = "data/bench"
EXPLANATIONS = "data/explanations"
EXPORT = "data/model.onnx"
OUTPUTS = (  # all that the stages and commands write: no file of a user is safe there
    *(CACHE, PHOTOS, MANIFEST, DETECTIONS, FACES, HEATMAPS, REPORT, TABLES, BENCH, EXPLANATIONS, EXPORT),
    *(f"{folder}/{variant}" for folder in (TRAIN, EVALUATION) for variant in ("baseline", "guided")),
    *(f"data/{name}" for name in ("duplicates.csv", "detections.json", "faces.json", "codebook.json")),
)
SAVED_CODEBOOKS = f"{EXPLANATIONS}/codebooks"  # of `aucue serve`: files of a user, which nothing replaces
CHECKPOINT = "model.safetensors"  # in the folder of a trained variant
