/**
 * Set up once per test run, in the process that vitest starts in. It starts nothing: it hands out the one cluster of the
 * run, which comes to be when the first test file asks for it and ends with the run. Test files run in processes of their
 * own and find the desk by the path of its socket.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ClusterAccess } from './access.ts';
import { type RunningCluster, startCluster } from './start.ts';

const SOCKET = 'FLINKJOB_TEST_CLUSTER_DESK';

type Answer = { readonly access: ClusterAccess } | { readonly unavailable: string } | { readonly failure: string };

/** vitest's global set-up. It runs once for each project; the first opens the desk, for all. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[SOCKET] !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'flinkjob-desk-'));
  const path = join(folder, 'desk');
  let cluster: Promise<RunningCluster | { unavailable: string }> | undefined;
  const serve = async (call: IncomingMessage): Promise<Answer> => {
    cluster ??= startCluster({ say }).then(told);
    const found = await cluster;
    if ('unavailable' in found) return found;
    if (call.url === '/controller-manager') await found.startControllerManager();
    return { access: found.access };
  };
  const server = createServer((call, answer) => void respond(answer, serve(call)));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  server.unref();
  process.env[SOCKET] = path;
  // A run that is interrupted is not torn down; the cluster ends by its keeper, the folder by this.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return async () => {
    delete process.env[SOCKET];
    server.close();
    const found = await cluster?.catch(() => undefined);
    if (found !== undefined && !('unavailable' in found)) await found.stop();
    rmSync(folder, { recursive: true, force: true });
  };
}

/** The cluster of this test run, or the reason why there is none. */
export async function askDesk(
  path: '/cluster' | '/controller-manager',
): Promise<ClusterAccess | { unavailable: string }> {
  const socketPath = process.env[SOCKET];
  if (socketPath === undefined)
    throw new Error('no desk hands out a cluster: is test/cluster/desk.ts set up in vitest.config.ts?');
  const answer = await new Promise<Answer>((resolve, reject) => {
    const call = request({ socketPath, path, agent: false }, (response) => {
      text(response).then((body) => resolve(JSON.parse(body) as Answer), reject);
    });
    call.once('error', reject);
    call.end();
  });
  if ('failure' in answer) throw new Error(answer.failure);
  return 'access' in answer ? answer.access : answer;
}

function say(line: string): void {
  console.log(`test cluster: ${line}`);
}

function told<T extends RunningCluster | { unavailable: string }>(cluster: T): T {
  if ('unavailable' in cluster) say(`skipped, for ${cluster.unavailable}`);
  else say(`a Kubernetes API server is up after ${(cluster.startedInMs / 1000).toFixed(1)} s`);
  return cluster;
}

async function respond(answer: ServerResponse, work: Promise<Answer>): Promise<void> {
  const body = await work.catch((error: Error): Answer => ({ failure: error.message }));
  answer.end(JSON.stringify(body));
}
