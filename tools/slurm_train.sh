#!/usr/bin/env bash
# Training on a Slurm cluster:
# bash tools/slurm_train.sh PARTITION JOB_NAME CONFIG [arguments of train.py]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS are honoured. On nodes
# without GPUs set GPUS_PER_NODE=0 and GPUS to the number of processes.
set -euo pipefail

if [ $# -lt 3 ]; then
    echo "Usage: bash $0 PARTITION JOB_NAME CONFIG [arguments of train.py]" >&2
    exit 2
fi
PARTITION=$1
JOB_NAME=$2
CONFIG=$3
GPUS=${GPUS:-8}
GPUS_PER_NODE=${GPUS_PER_NODE:-8}
RESOURCES=()
if [ "$GPUS_PER_NODE" -gt 0 ]; then
    RESOURCES=(--gres="gpu:$GPUS_PER_NODE" --ntasks-per-node="$GPUS_PER_NODE")
fi
TOOLS=$(dirname "$0")
export MASTER_PORT=${MASTER_PORT:-$((12000 + RANDOM % 20000))}

# Empty arrays are unset to old bashes. SRUN_ARGS is a list of words, so it is not quoted.
PYTHONPATH="$TOOLS/..:${PYTHONPATH:-}" \
srun -p "$PARTITION" \
    --job-name="$JOB_NAME" \
    --ntasks="$GPUS" \
    ${RESOURCES[@]+"${RESOURCES[@]}"} \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$TOOLS/train.py" "$CONFIG" --launcher slurm \
    "${@:4}"
