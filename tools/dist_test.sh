#!/usr/bin/env bash
# Distributed test: bash tools/dist_test.sh CONFIG CHECKPOINT NUM_PROCESSES
# [args]; devices and machines as in dist_train.sh.
set -euo pipefail

if [ $# -lt 3 ]; then
    echo "Usage: bash $0 CONFIG CHECKPOINT NUM_PROCESSES" \
        "[arguments of test.py]" >&2
    exit 2
fi
CONFIG=$1
CHECKPOINT=$2
NUM_PROCESSES=$3
TOOLS=$(dirname "$0")

PYTHONPATH="$TOOLS/..:${PYTHONPATH:-}" \
"${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$NUM_PROCESSES" \
    "$TOOLS/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "${@:4}"
