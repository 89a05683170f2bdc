import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { PspnetError } from "pspnet";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Thread } from "../src/threads/thread.js";

let folder: string;
let file: URL;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-threads-"));
  file = pathToFileURL(join(folder, "worker.mjs"));
  const [answering, parent] = ["core/dist/threads/answerQuestions.js", "pspnet/dist/threads/parentThread.js"].map(
    (path) => new URL(`../../${path}`, import.meta.url),
  );
  await writeFile(
    file,
    `import { setTimeout } from "node:timers/promises";
     import { answerQuestions } from "${answering}";
     import { parentThread } from "${parent}";
     answerQuestions(parentThread(), async ({ wait, exit }, { signal, tell }) => {
       if (exit !== undefined) process.exit(exit);
       tell("begun");
       await setTimeout(wait, null, { signal });
       return wait;
     });`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Question {
  readonly wait?: number;
  readonly exit?: number;
}
const open = () => new Thread<Question, number, string>(file, { name: "test", data: null });

test("answers find their questions, in whatever order they come, and news come before", async () => {
  const thread = open();
  const heard: unknown[] = [];
  const ask = async (wait: number) => {
    heard.push(await thread.ask({ wait }, { onNews: (news) => heard.push(news) }));
  };
  const all = [ask(200), ask(1)];
  expect(thread.waiting).toBe(2);
  await Promise.all(all);
  expect(heard).toEqual(["begun", "begun", 1, 200]);
  await thread.close();
});

test("a signal ends one question with its reason, abort all; closing waits for the rest", async () => {
  const thread = open();
  const controller = new AbortController();
  const aborted = expect(thread.ask({ wait: 60_000 }, { signal: controller.signal })).rejects.toThrow("enough");
  const kept = thread.ask({ wait: 50 });
  controller.abort(new Error("enough"));
  await aborted;
  const closed = thread.close();
  expect(await kept).toBe(50);
  await closed;

  const other = open();
  const both = [other.ask({ wait: 60_000 }), other.ask({ wait: 60_000 })];
  other.abort();
  for (const { status } of await Promise.allSettled(both)) expect(status).toBe("rejected");
  await other.close();
});

test("a thread that ends fails what was asked and what is asked, with the reason", async () => {
  const thread = open();
  const waiting = thread.ask({ wait: 60_000 });
  const ended = { code: "environment", message: "test: its thread ended: it exited with 3" };
  await expect(Promise.all([waiting, thread.ask({ exit: 3 })])).rejects.toMatchObject(ended);
  await expect(waiting).rejects.toMatchObject(ended);
  await expect(thread.ask({ wait: 1 })).rejects.toMatchObject(ended);
  const terminated = open();
  const asked = expect(terminated.ask({ wait: 60_000 })).rejects.toThrow("over");
  await terminated.terminate(new PspnetError("interrupted", "over"));
  await asked;
});

test("a worker that is not built is an error that says so", () => {
  const nowhere = pathToFileURL(join(folder, "nowhere.js"));
  expect(() => new Thread(nowhere, { name: "test", data: null })).toThrow(
    /^test: expected a built worker in .*nowhere/,
  );
});
