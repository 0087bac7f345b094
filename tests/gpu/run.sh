#!/usr/bin/env bash
# Runs the checks of training on a GPU, in less than eight minutes: bash tests/gpu/run.sh
# For a machine without a network that has PyTorch, fill wheels/ first, on one like it with a network:
#   bash tests/gpu/run.sh pack
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
python=${PYTHON:-python3}

if [ "${1:-}" = pack ]; then
  "$python" -m pip download --no-deps -c "$repository/constraints.txt" -r "$here/requirements.txt" -d "$here/wheels"
  copy=$(mktemp -d)  # pip builds where the code is
  trap 'rm -rf "$copy"' EXIT
  git -C "$repository" archive HEAD | tar -x -C "$copy"
  "$python" -m pip wheel --no-deps "$copy" -w "$here/wheels"  # for its metadata: shards name the version of aucue
  exit
fi

"$python" -c 'import torch' 2>/dev/null || {
  echo "$python has no PyTorch: activate the environment that has it, or name another Python in PYTHON" >&2
  exit 1
}
if [ -d "$here/wheels" ]; then
  "$python" -m pip install --quiet --no-index --no-deps --upgrade --target "$here/packages" "$here"/wheels/*.whl
fi
cd "$repository"
PYTHONPATH=$repository:$here/packages HF_HUB_OFFLINE=1 exec timeout 470 "$python" -m tests.gpu.checks
