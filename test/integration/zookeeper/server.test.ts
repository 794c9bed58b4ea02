/** The server of the tests itself: it ends with whoever started it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test as anyTest, expect, onTestFinished } from 'vitest';
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

test('a server whose starter is killed is gone', async () => {
  const start = join(import.meta.dirname, '..', '..', 'zookeeper', 'start.ts');
  const program = `import { startZooKeeper } from ${JSON.stringify(start)};
    const server = await startZooKeeper(); console.log(server.port); setInterval(() => {}, 1000);`;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { value } = await createInterface({ input: starter.stdout })[Symbol.asyncIterator]().next();
  const port = Number(value);
  expect(await isListening(port)).toBe(true);
  starter.kill('SIGKILL');
  await expect.poll(() => isListening(port), { timeout: 30_000 }).toBe(false);
});

test('a server that takes the first question and never answers it is asked again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flinkjob-slow-server-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const slow = `#!${process.execPath}
    const port = /clientPort=(\\d+)/.exec(require('node:fs').readFileSync(process.argv.at(-1), 'utf8'))[1];
    let asked = 0;
    require('node:net').createServer((s) => asked++ === 0 || s.end('Zookeeper version: none')).listen(port, '127.0.0.1');`;
  writeFileSync(join(folder, 'java'), slow, { mode: 0o755 });
  for (const jar of ['zookeeper', 'zookeeper-jute', 'slf4j-api', 'metrics-core'])
    writeFileSync(join(folder, `${jar}.jar`), '');
  const found = await startZooKeeper({ debian: folder, path: folder, javaHome: undefined });
  expect(found).toMatchObject({ port: expect.any(Number) });
  if ('stop' in found) await found.stop();
});
