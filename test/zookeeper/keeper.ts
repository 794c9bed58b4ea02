/**
 * The process that owns a test server. Its parent writes one line (what to start) and is answered with one; when the
 * parent's end of the pipe closes, for whatever reason, the server is killed and its folder removed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

/** The line of the parent. */
export interface Wish {
  readonly java: string;
  readonly classpath: string;
  readonly tickMs: number;
}

const START_MS = 60_000;
/** How long a server that serves takes to answer; one that is only starting may take a question and never answer it. */
const ANSWER_MS = 500;

const [, , folder] = process.argv;
if (import.meta.main && folder !== undefined) await keep(folder);

async function keep(folder: string): Promise<void> {
  const lines = createInterface({ input: process.stdin });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => lines.close());
  let server: ChildProcess | undefined;
  lines.once('close', () => server?.kill('SIGKILL'));
  // Whatever ends this process, also a parent that listens no more.
  process.stdout.on('error', () => lines.close());
  process.on('exit', () => server?.kill('SIGKILL'));
  try {
    for await (const line of lines) {
      const started = await start(folder, JSON.parse(line) as Wish, (child) => {
        server = child;
      }).catch((error: Error) => ({ failure: error.message }));
      process.stdout.write(`${JSON.stringify(started)}\n`);
    }
  } finally {
    server?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A server on a port that was free; when somebody was faster, another one. */
async function start(folder: string, wish: Wish, own: (child: ChildProcess) => void): Promise<{ port: number }> {
  const stopAt = performance.now() + START_MS;
  let tail = '';
  while (performance.now() < stopAt) {
    const port = await freePort();
    const child = spawn(wish.java, javaArguments(folder, wish, port), { stdio: ['ignore', 'pipe', 'pipe'] });
    own(child);
    const keepTail = (chunk: Buffer): void => {
      tail = (tail + chunk.toString()).slice(-2_000);
    };
    child.stdout.on('data', keepTail);
    child.stderr.on('data', keepTail);
    child.once('error', (error) => {
      tail += error.message;
    });
    while (child.exitCode === null && child.pid !== undefined && performance.now() < stopAt) {
      if (await isServing(port)) return { port };
      await pause(20);
    }
    child.kill('SIGKILL');
    if (!tail.includes('Address already in use')) break;
  }
  throw new Error(`ZooKeeper did not start: ${tail}`);
}

function javaArguments(folder: string, { classpath, tickMs }: Wish, port: number): string[] {
  const configuration = {
    tickTime: tickMs,
    maxSessionTimeout: 60_000,
    dataDir: join(folder, 'data'),
    clientPortAddress: '127.0.0.1',
    clientPort: port,
    maxClientCnxns: 0,
    'admin.enableServer': false,
    // A test server's data need not survive the machine.
    forceSync: 'no',
    snapCount: 1_000_000,
  };
  const file = join(folder, 'zoo.cfg');
  const lines = Object.entries(configuration).map(([key, value]) => `${key}=${value}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  const quick = ['-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Xshare:auto'];
  return [...quick, '-cp', classpath, 'org.apache.zookeeper.server.ZooKeeperServerMain', file];
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** ZooKeeper's own question after its state. */
function isServing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write('srvr'));
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(answer.includes('Zookeeper version')));
  });
}
