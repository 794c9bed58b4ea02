import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PHASES } from '../../../src/api/index.ts';
import { PrometheusMetrics } from '../../../src/observability/index.ts';
import { type JobFigures, jobMetrics } from '../../../src/reconcilers/flinkjob/job-metrics.ts';
import { nextJourney } from '../../../src/reconcilers/flinkjob/phase-journey.ts';
import { TestClock } from '../../../src/stream/testing/test-clock.ts';

const NOW = 1_000_000;

function aJob(name: string, figures: Partial<JobFigures> = {}): JobFigures {
  return {
    namespace: 'flights',
    name,
    runtime: 'typescript',
    phase: 'Running',
    restarts: 0,
    failedCheckpoints: 0,
    unhealthyPods: {},
    savepoints: [],
    ...figures,
  };
}

function setUp(cap = 100) {
  const metrics = new PrometheusMetrics();
  const clock = new TestClock(NOW);
  const jobs = jobMetrics(metrics, { cap, clock });
  /** Values by series, with the labels of the job `a` left out. */
  const read = async (): Promise<Record<string, number>> => {
    const { body } = await metrics.page();
    const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return Object.fromEntries(
      lines.map((line) => {
        const at = line.lastIndexOf(' ');
        const series = line
          .slice(0, at)
          .replace('namespace="flights",name="a",runtime="typescript"', 'a')
          .replace(',}', '}');
        return [series, Number(line.slice(at + 1))];
      }),
    );
  };
  return { jobs, clock, read };
}

test('a job has series of its own, and is part of the totals', async () => {
  const { jobs, clock, read } = setUp();
  jobs.report(
    aJob('a', {
      restarts: 3,
      failedCheckpoints: 2,
      lastCheckpoint: { completedAt: NOW - 5_000, bytes: 4_096 },
      parallelism: 8,
      version: '1.4',
      revision: 'a-1',
      unhealthyPods: { OOMKilled: 1 },
      errorCode: 'JOB_FAILED',
    }),
  );
  clock.advanceBy(2_000);
  expect(await read()).toMatchObject({
    'flinkjob_phase{a,phase="Running"}': 1,
    'flinkjob_info{a,version="1.4",revision="a-1"}': 1,
    'flinkjob_error_info{a,code="JOB_FAILED"}': 1,
    'flinkjob_pods_unhealthy{a,reason="OOMKilled"}': 1,
    'flinkjob_restarts_total{a}': 3,
    'flinkjob_checkpoints_failed_total{a}': 2,
    'flinkjob_last_checkpoint_age_seconds{a}': 7,
    'flinkjob_last_checkpoint_size_bytes{a}': 4_096,
    'flinkjob_parallelism{a}': 8,
    'flinkjob_jobs{phase="Running"}': 1,
    'flinkjob_jobs{phase="Failed"}': 0,
    flinkjob_jobs_without_metrics: 0,
    // Restarts of before this process began are none of its.
    flinkjob_all_restarts_total: 0,
  });
});

test('what no longer holds is not told any more', async () => {
  const { jobs, read } = setUp();
  const before = { phase: 'Failed', revision: 'a-1', unhealthyPods: { OOMKilled: 2 }, errorCode: 'X' } as const;
  jobs.report(aJob('a', before));
  jobs.report(aJob('a', { phase: 'Running', revision: 'a-2' }));
  const series = Object.keys(await read()).filter((each) => each.includes('{a'));
  expect(series.filter((each) => /Failed|a-1|OOM|error/.test(each))).toEqual([]);
  expect(series).toContain('flinkjob_phase{a,phase="Running"}');
  expect(series).toContain('flinkjob_info{a,version="",revision="a-2"}');
});

test('counts of a job go on where its status says, and begin again with another job of its name', async () => {
  const { jobs, read } = setUp();
  for (const restarts of [3, 3, 5]) jobs.report(aJob('a', { restarts }));
  expect(await read()).toMatchObject({ 'flinkjob_restarts_total{a}': 5, flinkjob_all_restarts_total: 2 });
  jobs.report(aJob('a', { restarts: 1 }));
  expect(await read()).toMatchObject({ 'flinkjob_restarts_total{a}': 1, flinkjob_all_restarts_total: 2 });
});

test('upgrades are counted by how they ended, also of jobs without series', async () => {
  const { jobs, clock, read } = setUp(1);
  const travel = (name: string, ...phases: JobFigures['phase'][]) => {
    for (const phase of phases) {
      jobs.report(aJob(name, { phase }));
      clock.advanceBy(2_000);
    }
  };
  travel('a', 'Running', 'Upgrading', 'Running', 'Upgrading', 'RollingBack', 'Running');
  expect(await read()).toMatchObject({
    'flinkjob_upgrades_total{a,outcome="succeeded"}': 1,
    'flinkjob_upgrades_total{a,outcome="rolledBack"}': 1,
    'flinkjob_upgrade_duration_seconds{a}': 4,
  });
  travel('b', 'Running', 'Upgrading', 'Failed', 'Starting', 'Running', 'Upgrading', 'Suspended');
  const values = await read();
  expect(Object.entries(values).filter(([series]) => series.startsWith('flinkjob_all_upgrades'))).toEqual([
    ['flinkjob_all_upgrades_total{outcome="succeeded"}', 1],
    ['flinkjob_all_upgrades_total{outcome="rolledBack"}', 1],
    ['flinkjob_all_upgrades_total{outcome="failed"}', 1],
  ]);
  expect(values.flinkjob_jobs_without_metrics).toBe(1);
});

test('savepoints are counted once, by how they ended, from when anybody looks', async () => {
  const { jobs, read } = setUp();
  const [first, second, third] = [
    { id: '1', outcome: 'completed' },
    { id: '2', outcome: 'failed' },
    { id: '3', outcome: 'completed' },
  ] as const;
  jobs.report(aJob('a', { savepoints: [first] }));
  for (const _ of [1, 2]) jobs.report(aJob('a', { savepoints: [third, second, first] }));
  expect(await read()).toMatchObject({
    'flinkjob_savepoints_total{a,outcome="completed"}': 1,
    'flinkjob_savepoints_total{a,outcome="failed"}': 1,
    'flinkjob_all_savepoints_total{outcome="completed"}': 1,
  });
});

test('a job that is gone leaves nothing behind, and makes room for another', async () => {
  const { jobs, read } = setUp(1);
  jobs.report(
    aJob('a', {
      unhealthyPods: { OOMKilled: 1 },
      errorCode: 'X',
      lastCheckpoint: { completedAt: 1, bytes: 1 },
      parallelism: 1,
    }),
  );
  jobs.report(aJob('a', { phase: 'Upgrading' }));
  jobs.report(aJob('a', { phase: 'Failed', savepoints: [{ id: '1', outcome: 'failed' }] }));
  expect(
    Object.keys(await read()).filter((series) => /upgrade|savepoint/.test(series) && series.includes('{a')),
  ).toHaveLength(3);
  jobs.gone(aJob('a'));
  expect(Object.keys(await read()).filter((series) => series.includes('{a'))).toEqual([]);
  expect(await read()).toMatchObject({ 'flinkjob_jobs{phase="Running"}': 0 });
  jobs.report(aJob('a'));
  expect(await read()).toMatchObject({ 'flinkjob_phase{a,phase="Running"}': 1 });
});

test('however jobs come and go, no more than the cap have series, and all are in the totals', async () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const step = fc.oneof(
    fc.record({ do: fc.constant('report'), name, phase: fc.constantFrom(...PHASES) }),
    fc.record({ do: fc.constant('gone'), name, phase: fc.constant('Running' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { jobs, read } = setUp(2);
      const there = new Set<string>();
      for (const { do: what, name: which, phase } of steps) {
        if (what === 'gone') jobs.gone(aJob(which));
        else jobs.report(aJob(which, { phase }));
        if (what === 'gone') there.delete(which);
        else there.add(which);
      }
      const values = await read();
      const own = Object.keys(values).filter((series) => series.startsWith('flinkjob_phase{'));
      const total = PHASES.reduce((sum, phase) => sum + (values[`flinkjob_jobs{phase="${phase}"}`] ?? 0), 0);
      expect(own.length).toBeLessThanOrEqual(2);
      expect(total).toBe(there.size);
    }),
    { seed: 7, numRuns: 50 },
  );
});

test('time in phases and on the way between states to stay in is told when it ends', async () => {
  const { jobs, clock, read } = setUp();
  for (const [phase, seconds] of [
    ['Pending', 1],
    ['Starting', 4],
    ['Running', 100],
    ['Upgrading', 20],
    ['RollingBack', 10],
    ['Running', 0],
  ] as const) {
    jobs.report(aJob('a', { phase, phaseSince: clock.now() }));
    clock.advanceBy(seconds * 1_000);
  }
  expect(await read()).toMatchObject({
    'flinkjob_phase_seconds_sum{phase="Pending"}': 1,
    'flinkjob_phase_seconds_sum{phase="Running"}': 100,
    'flinkjob_phase_seconds_sum{phase="Upgrading"}': 20,
    'flinkjob_transition_seconds_sum{transition="start"}': 5,
    'flinkjob_transition_seconds_sum{transition="rollback"}': 30,
  });
});

test('what began before anybody looked is not measured', () => {
  const first = nextJourney(undefined, { phase: 'Starting' }, 1_000);
  const second = nextJourney(first, { phase: 'Running' }, 5_000);
  expect(second).toMatchObject({ left: [], arrived: [], since: 5_000 });
  const third = nextJourney(second, { phase: 'Restarting' }, 6_000);
  expect(third.left).toEqual([{ phase: 'Running', seconds: 1 }]);
  expect(nextJourney(third, { phase: 'Running' }, 8_000).arrived).toEqual([{ transition: 'restart', seconds: 2 }]);
});

test('a job that is resumed is not one that is started', () => {
  const suspended = nextJourney(undefined, { phase: 'Suspended', phaseSince: 0 }, 0);
  const starting = nextJourney(suspended, { phase: 'Starting' }, 1_000);
  expect(nextJourney(starting, { phase: 'Running' }, 3_000).arrived).toEqual([{ transition: 'resume', seconds: 2 }]);
});

test('the same figures again change nothing', async () => {
  const { jobs, read } = setUp();
  jobs.report(aJob('a', { restarts: 1 }));
  const once = await read();
  jobs.report(aJob('a', { restarts: 1 }));
  expect(await read()).toEqual(once);
});
