import { describe, expect, it } from "vitest";
import { placeFromEnvironment } from "./launcher.js";

describe("the place that a launcher gives a process", () => {
  it("is none without one", () => {
    expect(placeFromEnvironment({ PATH: "/bin" })).toBeNull();
    // sbatch sets these for its script, which is one process.
    expect(placeFromEnvironment({ SLURM_PROCID: "0", SLURM_NTASKS: "4", SLURM_JOB_ID: "7" })).toBeNull();
  });

  it("is torchrun's", () => {
    const environment = { RANK: "3", WORLD_SIZE: "4", LOCAL_RANK: "1", MASTER_ADDR: "node1", MASTER_PORT: "1234" };
    expect(placeFromEnvironment(environment)).toEqual({
      launcher: "torchrun",
      rank: 3,
      worldSize: 4,
      localRank: 1,
      store: "tcp://node1:1234",
    });
  });

  it("is at the store of torchrun's agent, apart for each attempt", () => {
    const elastic = { TORCHELASTIC_USE_AGENT_STORE: "True", TORCHELASTIC_RESTART_COUNT: "2" };
    const environment = { RANK: "0", WORLD_SIZE: "2", MASTER_ADDR: "::1", MASTER_PORT: "1234", ...elastic };
    expect(placeFromEnvironment(environment)).toMatchObject({
      store: "tcp://[::1]:1234",
      serves: false,
      prefix: "/worker/attempt_2",
      restarts: 2,
    });
  });

  it("is Open MPI's", () => {
    const environment = {
      OMPI_COMM_WORLD_RANK: "1",
      OMPI_COMM_WORLD_SIZE: "2",
      OMPI_COMM_WORLD_LOCAL_RANK: "0",
      MASTER_ADDR: "10.0.0.1",
    };
    expect(placeFromEnvironment(environment)).toMatchObject({ rank: 1, localRank: 0, store: "tcp://10.0.0.1:29500" });
  });

  it.each([
    ["node[03-07,12],other1", "node03"],
    ["login", "login"],
    ["a1,a2", "a1"],
  ])("is Slurm's, whose first node of %s holds the store", (nodes, first) => {
    const step = { SLURM_PROCID: "1", SLURM_NTASKS: "2", SLURM_LOCALID: "1", SLURM_JOB_ID: "4711", SLURM_STEP_ID: "0" };
    const place = placeFromEnvironment({ ...step, SLURM_STEP_NODELIST: nodes });
    expect(place).toMatchObject({ rank: 1, worldSize: 2, localRank: 1, launcher: "Slurm", restarts: 0 });
    expect(placeFromEnvironment({ ...step, SLURM_STEP_NODELIST: nodes, SLURM_RESTART_COUNT: "2" })?.restarts).toBe(2);
    expect(place?.store).toMatch(new RegExp(`^tcp://${first}:\\d{5}$`));
    expect(placeFromEnvironment({ ...step, SLURM_STEP_NODELIST: nodes, SLURM_STEP_ID: "1" })?.store).not.toBe(
      place?.store,
    );
  });

  it.each([
    [{ RANK: "0", WORLD_SIZE: "2" }, /torchrun: expected MASTER_ADDR, the host of rank 0, found none/],
    [{ RANK: "x", WORLD_SIZE: "2", MASTER_ADDR: "a" }, /expected a whole number in RANK, found "x"/],
    [{ RANK: "2", WORLD_SIZE: "2", MASTER_ADDR: "a" }, /expected RANK below WORLD_SIZE, found 2 of 2/],
  ])("is refused where %o says none", (environment, message) => {
    expect(() => placeFromEnvironment(environment)).toThrow(message);
  });
});
