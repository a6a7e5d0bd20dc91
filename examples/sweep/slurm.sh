#!/usr/bin/env bash
#SBATCH --job-name=onelayer-sweep
#SBATCH --array=1-3
#SBATCH --cpus-per-task=1
#SBATCH --requeue
#SBATCH --open-mode=append
# A sweep in shards, as a job array of Slurm: one task a shard. A task that is preempted or requeued goes on where it was.
#
#     sbatch --array=1-8 slurm.sh WORK [OPTIONS OF onelayer sweep]
#
# WORK, on a disk that all nodes share, gets a folder for each shard. What merges them waits for the array:
#
#     sbatch --dependency=afterok:JOB --wrap 'onelayer sweep merge WORK/* --out OUT'
set -euo pipefail
work=$1
shift
mkdir -p "$work"
exec "${ONELAYER:-onelayer}" sweep "$@" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
    --out "$work/$SLURM_ARRAY_TASK_ID" --threads "${SLURM_CPUS_PER_TASK:-1}" --resume --quiet
