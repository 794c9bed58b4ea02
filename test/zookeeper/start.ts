/** Starts a ZooKeeper server that lives as long as this process, at most. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type ArtifactFacts, findArtifacts } from './artifacts.ts';
import type { Wish } from './keeper.ts';

export interface RunningServer {
  readonly port: number;
  /** From the call to a server that serves; what had to be fetched is not in it. */
  readonly startedInMs: number;
  /** Ends it and removes what it wrote. It also ends with this process, however that ends. */
  stop(): Promise<void>;
}

/** So that a session may last as little as two of them. */
const TICK_MS = 100;

/** `unavailable` says why this machine can have none. Throws when it does not start. */
export async function startZooKeeper(facts: ArtifactFacts = {}): Promise<RunningServer | { unavailable: string }> {
  const artifacts = await findArtifacts(facts);
  if (!artifacts.found) return { unavailable: artifacts.reason };
  const started = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'flinkjob-zookeeper-'));
  const keeper = spawn(process.execPath, [join(import.meta.dirname, 'keeper.ts'), folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => keeper.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    keeper.ref();
    keeper.stdin.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const wish: Wish = { java: artifacts.java, classpath: artifacts.classpath, tickMs: TICK_MS };
  keeper.stdin.on('error', () => {});
  keeper.stdin.write(`${JSON.stringify(wish)}\n`);
  const lines = createInterface({ input: keeper.stdout })[Symbol.asyncIterator]();
  const { value } = await lines.next();
  const answer = JSON.parse(value ?? '{"failure":"its keeper has ended"}') as { port: number } | { failure: string };
  if ('failure' in answer) {
    await stop();
    throw new Error(answer.failure);
  }
  // The server must not keep alive whoever forgot to stop it.
  keeper.unref();
  for (const pipe of [keeper.stdin, keeper.stdout]) (pipe as unknown as { unref?: () => void }).unref?.();
  return { port: answer.port, startedInMs: performance.now() - started, stop };
}
