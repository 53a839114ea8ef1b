#!/bin/bash
# An evaluation shared by the tasks of a Slurm array, one shard each. A task whose process is killed, or whose node is
# lost, goes back into the queue, and goes on from its record.
#
#     sbatch --array=1-8 scripts/evaluation/slurm.sh FOLDER --labels 0-25 --guidance pag --pag-scale 1 …
#     pag evaluate --merge FOLDER/shard-*.safetensors --out FOLDER/whole.safetensors
#
# FOLDER must be on a disk that all nodes see. Where there is no Slurm, but GNU parallel on some machines:
#
#     seq 8 | parallel --retries 3 "pag evaluate --shard {}/8 --out FOLDER/shard-{}.safetensors --labels 0-25 …"
#
#SBATCH --job-name=pag-evaluate
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --cpus-per-task=1
set -euo pipefail

folder=$1
shift
mkdir -p "$folder"
# The array may have been cut, or begin elsewhere: shards are counted from 1 among as many as it has.
shard=$((SLURM_ARRAY_TASK_ID - SLURM_ARRAY_TASK_MIN + 1))/$SLURM_ARRAY_TASK_COUNT
status=0
${PAG:-npx --no-install pag} evaluate --shard "$shard" --threads "${SLURM_CPUS_PER_TASK:-1}" \
  --out "$folder/shard-$SLURM_ARRAY_TASK_ID.safetensors" "$@" || status=$?
# Ended by a signal: for want of memory, or by somebody. What cannot be used (status 2) would end so again.
if [ "$status" -gt 128 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 3 ]; then
  echo "ended by signal $((status - 128)); back into the queue"
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
  sleep 60 # Slurm ends this task meanwhile
fi
exit "$status"
