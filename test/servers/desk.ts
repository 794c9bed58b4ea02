/**
 * Hands out the one server that all test files of a run share. A desk is opened once per run, in the process that vitest
 * starts in, and starts nothing: the server comes to be when the first test file asks for it, and ends with the run. Test
 * files run in processes of their own and find the desk by the path of its socket.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Unavailable } from './keeper-process.ts';

/** The server of a desk. */
export interface DeskFacts<Running, Wanted extends string, Handed> {
  /** How the run's output and its environment speak of it: `test cluster`. */
  readonly name: string;
  start(say: (line: string) => void): Promise<Running | Unavailable>;
  /** What a test file is given that wants this of the server. It goes there as JSON. */
  hand(running: Running, wanted: Wanted): Promise<Handed> | Handed;
}

export interface Desk<Wanted extends string, Handed> {
  /** vitest's global set-up. It runs once for each project; the first opens the desk, for all. */
  setup(): Promise<(() => Promise<void>) | undefined>;
  /** What a test file is given, or the reason why this machine can have no server. Throws when it does not start. */
  ask(wanted: Wanted): Promise<Handed | Unavailable>;
}

interface RunningServer {
  readonly startedInMs: number;
  stop(): Promise<void>;
}

type Answer<Handed> = { readonly handed: Handed } | Unavailable | { readonly failure: string };

/** One desk per kind of server. To be exported by a file of `globalSetup` in vitest.config.ts. */
export function deskOf<Running extends RunningServer, Wanted extends string, Handed>(
  facts: DeskFacts<Running, Wanted, Handed>,
): Desk<Wanted, Handed> {
  const variable = `FLINKJOB_${facts.name.replaceAll(' ', '_').toUpperCase()}_DESK`;
  return {
    async setup() {
      if (process.env[variable] !== undefined) return undefined;
      const { path, close } = await open(facts);
      process.env[variable] = path;
      return async () => {
        delete process.env[variable];
        await close();
      };
    },
    async ask(wanted) {
      const path = process.env[variable];
      if (path === undefined)
        throw new Error(`no desk hands out a ${facts.name}: is its desk.ts set up in vitest.config.ts?`);
      const answer = JSON.parse(await text(connect(path).end(wanted))) as Answer<Handed>;
      if ('failure' in answer) throw new Error(answer.failure);
      return 'handed' in answer ? answer.handed : answer;
    },
  };
}

/** Opens a desk; closing it stops the server, should there be one. */
async function open<Running extends RunningServer, Wanted extends string, Handed>({
  name,
  start,
  hand,
}: DeskFacts<Running, Wanted, Handed>): Promise<{ path: string; close: () => Promise<void> }> {
  const say = (line: string): void => console.log(`${name}: ${line}`);
  const folder = mkdtempSync(join(tmpdir(), 'flinkjob-desk-'));
  let running: Promise<Running | Unavailable> | undefined;
  const answerTo = async (wanted: Wanted): Promise<Answer<Handed>> => {
    running ??= start(say).then((found) => {
      if ('unavailable' in found) say(`skipped, for ${found.unavailable}`);
      else say(`up after ${(found.startedInMs / 1000).toFixed(1)} s`);
      return found;
    });
    const found = await running;
    return 'unavailable' in found ? found : { handed: await hand(found, wanted) };
  };
  const serve = async (caller: Socket): Promise<void> => {
    const wanted = (await text(caller)) as Wanted;
    const answer = await answerTo(wanted).catch((error: Error) => ({ failure: error.message }));
    caller.end(JSON.stringify(answer));
  };
  // Half open: who has asked has said all it has to say, and is answered.
  const server = createServer({ allowHalfOpen: true }, (caller) => {
    caller.on('error', () => {});
    serve(caller).catch(() => caller.destroy());
  });
  const path = join(folder, 'desk');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  server.unref();
  // A run that is interrupted is not torn down; the server ends by its keeper, the folder by this.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const close = async (): Promise<void> => {
    server.close();
    const found = await running?.catch(() => undefined);
    if (found !== undefined && 'stop' in found) await found.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { path, close };
}
