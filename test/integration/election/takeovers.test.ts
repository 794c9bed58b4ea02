import { test as anyTest, expect } from 'vitest';
import { clusterForTests } from '../../cluster/index.ts';
import { ENDINGS, takeoverRun } from '../../soak/takeovers.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

/** Records hold whole seconds; a server that others use takes its time. */
const LEASE = { durationMs: 2_000, renewDeadlineMs: 1_600, retryMs: 200 };

test('clocks that run at half or at double speed: leaders may change too often, none writes after the next', async () => {
  const endings = ['kill', 'stop'] as const;
  const clockRates = [0.5, 1, 2];
  const report = await takeoverRun({
    cluster: cluster!,
    seed: 8,
    jobs: 2,
    takeovers: 3,
    endings,
    lease: LEASE,
    clockRates,
  });
  expect(report.takeovers).toHaveLength(6);
});

test('leaders that are killed, stopped, blocked, cut off or told to go: 24 takeovers, and the server accepts no write of an old one', async () => {
  const report = await takeoverRun({
    cluster: cluster!,
    seed: 7,
    jobs: 3,
    takeovers: 8,
    endings: ENDINGS,
    lease: LEASE,
  });
  expect(report.takeovers).toHaveLength(24);
  expect(report.writes).toBeGreaterThan(48);
});
