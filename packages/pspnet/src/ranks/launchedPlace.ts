import { type Place, placeFromEnvironment } from "@pspnet/torch";

/** The rank that torchrun, Slurm or Open MPI made of this process; null where none did. */
export function launchedPlace(): Place | null {
  return placeFromEnvironment(process.env);
}
