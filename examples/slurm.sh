#!/bin/bash
# A run on several nodes of a Slurm cluster, one rank a task:
#   sbatch examples/slurm.sh examples/camvid.yaml [key=value ...]
#   sbatch --nodes 4 --cpus-per-task 32 examples/slurm.sh examples/camvid.yaml batch=32
# From a folder that all nodes see: a clone, or one where `npm install pspnet` was said. `batch` is of all ranks together.
# On GPUs: --gpus-per-task=1, and as many tasks on a node as it has GPUs.
#SBATCH --job-name=pspnet
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
# What is pre-empted, or loses a node, is queued again under its number, and goes on at its last checkpoint.
#SBATCH --requeue
# Two minutes before the time is up all ranks save after the same step, and end; another job goes on: name=slurm-4711 resume=true.
#SBATCH --signal=TERM@120
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -euo pipefail

export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}"
# srun does not take it over from sbatch by itself.
export SRUN_CPUS_PER_TASK="${SLURM_CPUS_PER_TASK:-1}"
# Where a node has several networks, the one that ranks are to use:
# export GLOO_SOCKET_IFNAME=ib0

# One rank that fails ends the others, so that the job ends, or is queued again, as a whole.
exec srun --kill-on-bad-exit=1 node_modules/.bin/pspnet train "$1" name="slurm-$SLURM_JOB_ID" "${@:2}"
