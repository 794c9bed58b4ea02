import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';
import { decodeHandle, embeddedBackend } from '../../../src/ha/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { filesystemStorage } from '../../../src/storage/index.ts';
import { SeededRandom } from '../../builders/seeded-random.ts';
import type { LeaderOrder } from './leader-process.ts';

const LEASE = { durationMs: 600, renewDeadlineMs: 400, retryMs: 60 };
const KILLS = 40;
const STOPS = 4;
const random = new SeededRandom(40);
const JOB = '0123456789abcdef0123456789abcdef';

interface Said {
  readonly what: 'restored' | 'added' | 'stopping' | 'broken';
  readonly epoch: number;
  readonly latest?: number;
  readonly checkpointId?: number;
  readonly broken?: number;
}
interface Version {
  readonly epoch: number;
  readonly seq: number;
  readonly leader: string;
  readonly writer: string;
}

let directory = '';
const running = new Map<string, ChildProcess>();
afterEach(async () => {
  for (const child of running.values()) child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

test(`leaders killed ${KILLS} times and stopped ${STOPS} times: epochs only grow, no old leader writes, no pointer dangles`, {
  timeout: 240_000,
}, async () => {
  directory = await mkdtemp(join(tmpdir(), 'ha-kill-'));
  const said: Said[] = [];
  const exits: string[] = [];
  let kills = 0;
  let stops = 0;
  let started = 0;
  let isEnding = false;

  const start = (): void => {
    const identity = `process-${started}`;
    // Some kill themselves between two steps of a write; some stop there for longer than their lease, until enough did.
    const chances = started % 2 === 0 ? { killChance: 0.005 } : { stopChance: stops < STOPS ? 0.2 : 0 };
    started += 1;
    const order: LeaderOrder = { directory, jobId: JOB, identity, lease: LEASE, seed: started, ...chances };
    const program = join(import.meta.dirname, 'leader-process.ts');
    const child = spawn(process.execPath, [program, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] });
    running.set(identity, child);
    let killing: NodeJS.Timeout | undefined;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const heard = JSON.parse(line) as Said;
      said.push(heard);
      if (heard.what === 'restored') killing = setTimeout(() => child.kill('SIGKILL'), random.between(0, 300));
      if (heard.what === 'stopping') {
        stops += 1;
        clearTimeout(killing);
        setTimeout(() => child.kill('SIGCONT'), 1_500);
      }
    });
    child.on('exit', (code, signal) => {
      running.delete(identity);
      exits.push(String(signal ?? code));
      if (signal === 'SIGKILL') kills += 1;
      if (!isEnding) start();
    });
  };

  for (let i = 0; i < 3; i += 1) start();
  await expect.poll(() => kills >= KILLS && stops >= STOPS, { timeout: 200_000, interval: 50 }).toBe(true);
  isEnding = true;
  for (const child of running.values()) child.kill('SIGKILL');
  await expect.poll(() => running.size, { timeout: 30_000 }).toBe(0);

  // Nothing went wrong but the killing: 12 is a leader that found it leads no longer.
  expect(said.filter(({ what }) => what === 'broken')).toEqual([]);
  expect(exits.filter((exit) => exit !== 'SIGKILL' && exit !== '12')).toEqual([]);
  expect(exits).toContain('12');

  const versions = await history();
  expect(versions.map(({ seq }) => seq)).toEqual(versions.map((_, i) => i));
  const epochs = versions.map(({ epoch }) => epoch);
  expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
  // Every version of an epoch was written by the one process that raised it: none by an older leader after it.
  expect(versions.filter(({ epoch, writer, leader }) => epoch > 0 && writer !== leader)).toEqual([]);
  expect(new Set(epochs.filter((epoch) => epoch > 0)).size).toBe(
    new Set(versions.map(({ leader }) => leader).filter(Boolean)).size,
  );

  // Whoever restored saw everything that had been acknowledged before.
  for (const { epoch, latest } of said.filter(({ what }) => what === 'restored')) {
    const acknowledged = said.filter((other) => other.what === 'added' && other.epoch < epoch);
    expect(latest).toBeGreaterThanOrEqual(Math.max(0, ...acknowledged.map(({ checkpointId = 0 }) => checkpointId)));
  }
  expect(said.filter(({ broken = 0 }) => broken > 0)).toEqual([]);
  const ids = said.filter(({ what }) => what === 'added').map(({ checkpointId }) => checkpointId);
  expect(new Set(ids).size).toBe(ids.length);

  // What is pointed to now is there, with its bytes.
  const storage = filesystemStorage({ directory: join(directory, 'storage'), clock: systemClock });
  const { handles } = embeddedBackend({
    directory: join(directory, 'ha'),
    jobId: JOB,
    clock: systemClock,
    newId: String,
  });
  for (const text of (await handles.read())?.entries.values() ?? []) {
    const stored = decodeHandle(text);
    if (stored.kind === 'live')
      expect((await storage.stat(stored.pointer.path))?.sizeBytes).toBe(stored.pointer.sizeBytes);
  }
});

async function history(): Promise<Version[]> {
  const path = join(directory, 'ha', `${JOB}-ha`);
  const names = (await readdir(path)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(path, name), 'utf8')).value as Version));
}
