/**
 * Set up once per test run, in the process that vitest starts in. It starts nothing: it hands out the one ZooKeeper server
 * of the run, which comes to be when the first test file asks for it and ends with the run.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type RunningServer, startZooKeeper } from './start.ts';

const SOCKET = 'FLINKJOB_TEST_ZOOKEEPER_DESK';

type Answer = { readonly port: number } | { readonly unavailable: string } | { readonly failure: string };

/** vitest's global set-up. It runs once for each project; the first opens the desk, for all. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[SOCKET] !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'flinkjob-zookeeper-desk-'));
  const path = join(folder, 'desk');
  let running: Promise<RunningServer | { unavailable: string }> | undefined;
  const answer = async (): Promise<Answer> => {
    running ??= startZooKeeper({ say }).then(told);
    const found = await running.catch((error: Error) => ({ failure: error.message }));
    return 'port' in found ? { port: found.port } : found;
  };
  const server = createServer((caller) => {
    caller.on('error', () => {});
    answer().then(
      (found) => caller.end(JSON.stringify(found)),
      () => caller.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  server.unref();
  process.env[SOCKET] = path;
  // A run that is interrupted is not torn down; the server ends by its keeper, the folder by this.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return async () => {
    delete process.env[SOCKET];
    server.close();
    const found = await running?.catch(() => undefined);
    if (found !== undefined && 'stop' in found) await found.stop();
    rmSync(folder, { recursive: true, force: true });
  };
}

/**
 * Where the ZooKeeper server of this test run listens, as a quorum; undefined where this machine can have none, and the run
 * then says why. To be awaited at the top of a test file.
 */
export async function zooKeeperForTests(): Promise<{ readonly port: number; readonly quorum: string } | undefined> {
  const path = process.env[SOCKET];
  if (path === undefined)
    throw new Error('no desk hands out a server: is test/zookeeper/desk.ts set up in vitest.config.ts?');
  const answer = JSON.parse(await text(connect(path))) as Answer;
  if ('failure' in answer) throw new Error(answer.failure);
  return 'port' in answer ? { port: answer.port, quorum: `127.0.0.1:${answer.port}` } : undefined;
}

function say(line: string): void {
  console.log(`test ZooKeeper: ${line}`);
}

function told<T extends RunningServer | { unavailable: string }>(found: T): T {
  if ('unavailable' in found) say(`skipped, for ${found.unavailable}`);
  else say(`a server is up after ${(found.startedInMs / 1000).toFixed(1)} s`);
  return found;
}
