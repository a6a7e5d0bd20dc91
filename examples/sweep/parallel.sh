#!/usr/bin/env bash
# A sweep in shards, by GNU parallel: on this machine, or on those that PARALLEL="--sshloginfile FILE --workdir ." names and
# that share this folder.
#
#     parallel.sh SHARDS WORK OUT [OPTIONS OF onelayer sweep]
#     parallel.sh 3 shards runs/grid --eta 1e-4..1e-1:10 --lambda 0,1e-4..1:9
#
# WORK gets a folder for each shard, OUT the sweep. After whatever stopped it, the same command goes on.
set -euo pipefail
shards=$1 work=$2 out=$3
shift 3
onelayer=${ONELAYER:-onelayer}
mkdir -p "$work"

# Once; with --halving, once for each rung: merge says which runs go on, and writes the sweep when none is left to train.
until [ -e "$out/sweep.json" ]; do
    seq "$shards" | parallel --quote --halt now,fail=1 \
        "$onelayer" sweep "$@" --shard "{}/$shards" --out "$work/{}" --resume --quiet
    "$onelayer" sweep merge "$work"/* --out "$out"
done
