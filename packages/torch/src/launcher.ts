import { PspnetError } from "@pspnet/core";
import type { ProcessGroupOptions } from "./processGroup.js";

/** Where a launcher has put this process. */
export interface Place extends Pick<ProcessGroupOptions, "rank" | "worldSize" | "store" | "serves" | "prefix"> {
  /** Among the processes of this machine, from 0. */
  readonly localRank: number;
  /** How many those are, all of which see the same GPUs; unknown when it is left out. */
  readonly localSize?: number;
  /** Who says so. */
  readonly launcher: string;
  /** How often the launcher has started all processes again. */
  readonly restarts?: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What each launcher calls a process's place. */
const LAUNCHERS = [
  { launcher: "torchrun", rank: "RANK", worldSize: "WORLD_SIZE", localRank: "LOCAL_RANK" },
  {
    launcher: "Open MPI",
    rank: "OMPI_COMM_WORLD_RANK",
    worldSize: "OMPI_COMM_WORLD_SIZE",
    localRank: "OMPI_COMM_WORLD_LOCAL_RANK",
  },
  { launcher: "Slurm", rank: "SLURM_PROCID", worldSize: "SLURM_NTASKS", localRank: "SLURM_LOCALID" },
] as const;

/** PyTorch's. */
const DEFAULT_PORT = 29500;

/**
 * The place that torchrun (and what sets its variables: Kubernetes' PyTorchJob), Open MPI or Slurm gives this process by the environment;
 * null where none does. The master is `MASTER_ADDR` and `MASTER_PORT`; of Slurm's job else its first node, and a port that follows from its
 * number. Slurm's variables count only in what `srun` started: `sbatch` sets some of them too.
 *
 * @throws {PspnetError} `environment` where variables are missing or no numbers.
 */
export function placeFromEnvironment(environment: Environment): Place | null {
  const found = LAUNCHERS.find(
    ({ rank, worldSize }) => environment[rank] !== undefined && environment[worldSize] !== undefined,
  );
  if (found === undefined || (found.launcher === "Slurm" && environment.SLURM_STEP_ID === undefined)) return null;
  const number = (name: string) => wholeNumber(environment, name, found.launcher);
  const worldSize = number(found.worldSize);
  const rank = number(found.rank);
  if (rank >= worldSize)
    throw wrong(found.launcher, `${found.rank} below ${found.worldSize}`, `${rank} of ${worldSize}`);
  const localRank = environment[found.localRank] === undefined ? rank : number(found.localRank);
  const place = { launcher: found.launcher, rank, worldSize, localRank, ...masterOf(environment, found.launcher) };
  // A job that is queued again has the same number.
  if (found.launcher === "Slurm") return { ...place, restarts: Number(environment.SLURM_RESTART_COUNT ?? 0) };
  // An agent of torchrun holds the store itself, for one attempt after another.
  if (environment.TORCHELASTIC_USE_AGENT_STORE !== "True") return place;
  const restarts = Number(environment.TORCHELASTIC_RESTART_COUNT ?? 0);
  return { ...place, serves: false, prefix: `/worker/attempt_${restarts}`, restarts };
}

function masterOf(environment: Environment, launcher: string): Pick<Place, "store"> {
  const { MASTER_ADDR, MASTER_PORT, SLURM_JOB_ID, SLURM_STEP_ID } = environment;
  const slurm = launcher === "Slurm";
  const host =
    MASTER_ADDR ?? (slurm ? firstNode(environment.SLURM_STEP_NODELIST ?? environment.SLURM_JOB_NODELIST) : undefined);
  if (host === undefined) throw wrong(launcher, "MASTER_ADDR, the host of rank 0", "none");
  const of = slurm ? 15000 + ((Number(SLURM_JOB_ID) * 16 + Number(SLURM_STEP_ID)) % 15000) : DEFAULT_PORT;
  const port = MASTER_PORT === undefined ? of : wholeNumber(environment, "MASTER_PORT", launcher);
  return { store: `tcp://${host.includes(":") ? `[${host}]` : host}:${port}` };
}

/** Of Slurm's list of hosts: `node[03-07,12],other1` begins with node03. */
function firstNode(list: string | undefined): string | undefined {
  const [, name, number = ""] = /^([^,[]+)(?:\[(\d+))?/.exec(list ?? "") ?? [];
  return name === undefined ? undefined : name + number;
}

function wholeNumber(environment: Environment, name: string, launcher: string): number {
  const text = environment[name];
  if (text !== undefined && /^\d+$/.test(text)) return Number(text);
  throw wrong(launcher, `a whole number in ${name}`, text === undefined ? "none" : JSON.stringify(text));
}

function wrong(launcher: string, expected: string, found: string): PspnetError {
  return new PspnetError("environment", `${launcher}: expected ${expected}, found ${found} in the environment`);
}
