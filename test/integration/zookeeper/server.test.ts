/** The server of the tests itself: it ends with whoever started it. */
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test as anyTest, expect, onTestFinished } from 'vitest';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import type { ArtifactFacts } from '../../zookeeper/artifacts.ts';
import { zooKeeperForTests } from '../../zookeeper/desk.ts';
import { startZooKeeper } from '../../zookeeper/start.ts';

const test = anyTest.skipIf((await zooKeeperForTests()) === undefined);

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** A process that starts a server, says its port, and waits to be killed. */
function aStarter(facts: ArtifactFacts = {}, environment: NodeJS.ProcessEnv = {}) {
  const start = join(import.meta.dirname, '..', '..', 'zookeeper', 'start.ts');
  const program = `import { startZooKeeper } from ${JSON.stringify(start)};
    const server = await startZooKeeper(${JSON.stringify(facts)}); console.log(server.port); setInterval(() => {}, 1000);`;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  onTestFinished(() => void starter.kill('SIGKILL'));
  return starter;
}

/** A folder that has all that a server is found by; its `java` is this program. */
function aMachineWhoseJavaIs(program: string): string {
  const folder = aTemporaryDirectory();
  writeFileSync(join(folder, 'java'), `#!${process.execPath}\n${program}`, { mode: 0o755 });
  for (const jar of ['zookeeper', 'zookeeper-jute', 'slf4j-api', 'metrics-core'])
    writeFileSync(join(folder, `${jar}.jar`), '');
  return folder;
}

test('a server whose starter is killed is gone', async () => {
  const starter = aStarter();
  const { value } = await createInterface({ input: starter.stdout })[Symbol.asyncIterator]().next();
  const port = Number(value);
  expect(await isListening(port)).toBe(true);
  starter.kill('SIGKILL');
  await expect.poll(() => isListening(port), { timeout: 30_000 }).toBe(false);
});

test('a server whose starter is killed before it serves leaves nothing', async () => {
  const folder = aMachineWhoseJavaIs('setInterval(() => {}, 60_000);');
  const servers = aTemporaryDirectory();
  const starter = aStarter({ debian: folder, path: folder, javaHome: undefined }, { JAVA_HOME: '', TMPDIR: servers });
  const logs = () =>
    readdirSync(servers, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.log'));
  await expect.poll(() => logs().length, { timeout: 30_000 }).toBe(1);
  starter.kill('SIGKILL');
  await expect.poll(() => readdirSync(servers), { timeout: 30_000 }).toEqual([]);
});

test('a server that takes the first question and never answers it is asked again', async () => {
  const folder = aMachineWhoseJavaIs(`
    const port = /clientPort=(\\d+)/.exec(require('node:fs').readFileSync(process.argv.at(-1), 'utf8'))[1];
    let asked = 0;
    require('node:net').createServer((s) => asked++ === 0 || s.end('Zookeeper version: none')).listen(port, '127.0.0.1');`);
  const found = await startZooKeeper({ debian: folder, path: folder, javaHome: undefined });
  expect(found).toMatchObject({ port: expect.any(Number) });
  if ('stop' in found) await found.stop();
});
