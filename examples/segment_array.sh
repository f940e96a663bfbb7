#!/usr/bin/env bash
# Many videos on a Slurm cluster: eight jobs, each takes every eighth video of the list.
#
#     sbatch segment_array.sh runs/action/best.pt videos.txt out
#
# A job that was stopped can be submitted again: finished videos are passed over, the others begin
# anew. On one machine with several GPUs, without Slurm:
#
#     torchrun --nproc-per-node 4 -m -- handact segment --checkpoint BEST.pt -o out recordings/*.mp4
#SBATCH --job-name=handact
#SBATCH --array=0-7
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=12:00:00
set -euo pipefail

checkpoint=$1 list=$2 output=$3
mapfile -t videos < "$list"
handact segment --checkpoint "$checkpoint" --output "$output" \
    --share "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" "${videos[@]}"
