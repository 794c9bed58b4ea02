import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { currentProcess, decideLease, EmbeddedElector, type LeaseFacts, livenessOf } from '../../../src/ha/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';

const facts = (more: Partial<LeaseFacts> & { holder?: string } = {}): LeaseFacts => ({
  record: {
    holder: more.holder ?? 'other',
    process: currentProcess(),
    durationMs: 15_000,
    transitions: 1,
    renewals: 1,
  },
  me: 'me',
  liveness: 'alive',
  unchangedMs: 0,
  longestMs: 60_000,
  ...more,
});

test.each([
  ['there is none', facts({ record: undefined }), 'take'],
  ['it was given back', facts({ holder: '' }), 'take'],
  ['it is mine', facts({ holder: 'me' }), 'mine'],
  ['its holder is dead', facts({ liveness: 'dead' }), 'take'],
  ['its holder lives', facts(), 'wait'],
  ['its holder may live', facts({ liveness: 'unknown', unchangedMs: 15_000 }), 'wait'],
  ['it ran out', facts({ liveness: 'unknown', unchangedMs: 15_001 }), 'take'],
  ['it ran out although its holder lives, stopped', facts({ unchangedMs: 15_001 }), 'take'],
] as const)('a lease of which %s', (_, seen, decision) => {
  expect(decideLease(seen)).toBe(decision);
});

test('a lease that claims to last for ever lasts as long as a few of ours', () => {
  const { record } = facts();
  const endless = record === undefined ? undefined : { ...record, durationMs: 1e12 };
  expect(decideLease(facts({ record: endless, liveness: 'unknown', unchangedMs: 60_001 }))).toBe('take');
});

test('a process is alive while it runs, dead after, and unknown when it is of another machine', async () => {
  expect(livenessOf(currentProcess())).toBe('alive');
  expect(livenessOf({ ...currentProcess(), host: 'another' })).toBe('unknown');
  expect(livenessOf({ ...currentProcess(), startedAt: '1' })).toBe('dead');
  const child = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1000)']);
  await once(child.stdout, 'data');
  const identity = { ...currentProcess(), pid: child.pid ?? 0, startedAt: startOf(child.pid) };
  expect(livenessOf(identity)).toBe('alive');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(livenessOf(identity)).toBe('dead');
});

test.each([
  [15_000, 15_000, 2_000],
  [15_000, 2_400, 2_000],
  [15_000, 10_000, 0],
])('lease times %d, %d, %d are refused', (durationMs, renewDeadlineMs, retryMs) => {
  const times = { durationMs, renewDeadlineMs, retryMs };
  const make = () =>
    new EmbeddedElector({ directory: '/nowhere', identity: 'me', clock: systemClock, newId: String, times });
  expect(make).toThrow('lease times must satisfy');
});

function startOf(pid: number | undefined): string {
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
