import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { explain, type FlinkJobStatus } from '../../../src/api/index.ts';
import type { EventReport } from '../../../src/cli/cluster-job/event-report.ts';
import type { JobSeen } from '../../../src/cli/cluster-job/look-at-job.ts';
import { clusterStatusLines } from '../../../src/cli/cluster-job/status-lines.ts';
import { statusReport } from '../../../src/cli/cluster-job/status-report.ts';
import { codeBlocks } from '../../docs/markdown.ts';
import { ago, aJobObject, anEndedPod, aPod, condition, managed, NOW } from './builders.ts';

const TERMINAL = { isTty: true, env: { NO_COLOR: '1' } };

function seen(parts: Partial<JobSeen>): JobSeen {
  return { job: aJobObject(), pods: [], events: [], checkpoints: undefined, notes: [], ...parts };
}

const screen = (parts: Partial<JobSeen>, terminal = TERMINAL) =>
  clusterStatusLines(statusReport(seen(parts), NOW), NOW, terminal);

const checkpoint = {
  latest: { id: 812, uri: 's3://bucket/jobs/9f0c/chk-812', bytes: 12_900_000, tookMs: 340, completed: ago(34) },
  failed: 0,
};

const RESTARTING: JobSeen = seen({
  job: aJobObject(
    {
      phase: 'Restarting',
      jobId: '9f0c1a2b3c4d5e6f708192a3b4c5d6e7',
      runtime: 'typescript',
      parallelism: 2,
      maxParallelism: 128,
      conditions: [
        condition('Ready', 'False', 'ProgressingWithRetry', 'attempt 3 failed'),
        condition('Reconciling', 'True', 'ProgressingWithRetry', 'attempt 3 failed'),
        condition('CheckpointHealthy', 'True', 'Succeeded', '', 86_400),
      ],
      attempt: { number: 3, started: ago(260), epoch: 5 },
      tasks: { running: 0, total: 4 },
      restarts: { count: 2, lastCause: 'flights-3-0 was killed: OOMKilled', nextAt: ago(-4) },
      checkpoint,
      savepoints: [
        { trigger: 2, uri: 's3://bucket/jobs/9f0c/savepoint-2', completed: ago(11_000), state: 'Completed' },
        { trigger: 1, uri: 's3://bucket/jobs/9f0c/savepoint-1', completed: ago(90_000), state: 'Completed' },
      ],
      handledTriggers: { savepoint: 2 },
      revision: 'flights-6c7f',
      desiredRevision: 'flights-6c7f',
    },
    {
      spec: { triggers: { savepoint: 3 } },
      metadata: { managedFields: [managed('argocd-controller', { 'f:spec': { 'f:image': {} } })] },
    },
  ),
  pods: [anEndedPod('flights-3-0', 137, 'OOMKilled'), aPod('flights-3-1')],
  events: [
    {
      at: ago(140),
      type: 'Warning',
      reason: 'OOMKilled',
      object: 'Pod/flights-3-0',
      note: 'used more memory than its limit of 512Mi',
      count: 2,
    },
    {
      at: ago(134),
      type: 'Warning',
      reason: 'Restart',
      object: 'FlinkJob/flights',
      note: 'attempt 3 failed',
      count: 1,
    },
  ],
});

test('a job that restarts is shown on one screen, as docs/kubectl.md shows it', () => {
  const shown = codeBlocks('docs/kubectl.md').find(({ lines }) => lines[0]?.startsWith('$ kubectl flinkjob status'));
  expect(clusterStatusLines(statusReport(RESTARTING, NOW), NOW, TERMINAL)).toEqual(shown?.lines.slice(1));
});

test('a job that nobody has looked at is explained', () => {
  expect(screen({ job: aJobObject(null) })).toEqual([
    'Job         team-a/flights',
    'Phase       Pending',
    'Why         No operator has looked at this resource for 25h0m: there is no status.',
    expect.stringMatching(/^To do {7}Start the operator/),
    'Runs        example.org/flights:1.4.2, parallelism 2',
    'Checkpoint  none yet',
  ]);
});

test('elsewhere than on a terminal labels and values are separated by tabs', () => {
  const lines = screen({ job: aJobObject({ phase: 'Running' }) }, { isTty: false, env: { NO_COLOR: '1' } });
  expect(lines).toContain('Phase\tRunning');
});

test('a job that runs needs nothing done', () => {
  const lines = screen({
    job: aJobObject({ phase: 'Running', conditions: [condition('Ready', 'True', 'Succeeded')] }),
  });
  expect(lines.filter((line) => line.startsWith('To do'))).toEqual([]);
});

test('a suspended job says how it goes on', () => {
  const lines = screen({ job: aJobObject({ phase: 'Suspended', checkpoint }) });
  expect(lines).toContain('Why         The job is suspended, as spec.state asks; its state is kept in checkpoint 812.');
  expect(lines).toContain('To do       kubectl flinkjob resume flights -n team-a starts it again from there.');
});

test('a change that is not in effect says what it will do', () => {
  const status = {
    phase: 'Running',
    revision: 'flights-1',
    desiredRevision: 'flights-2',
    pendingChange: 'Restart',
  } as const;
  expect(screen({ job: aJobObject(status) })).toContain('Revision    flights-1; flights-2 is wanted (needs a restart)');
});

test('a savepoint says how far it is, and where the one before it lies', () => {
  const complete = { trigger: 1, state: 'Completed' as const, uri: 's3://a', completed: ago(90) };
  const savepoint = (...savepoints: NonNullable<FlinkJobStatus['savepoints']>) =>
    lineOf('Savepoint', screen({ job: aJobObject({ phase: 'Running', savepoints }) }));
  expect(savepoint({ trigger: 1, state: 'Failed', cause: 'no space left' })).toBe('number 1 is Failed: no space left');
  expect(savepoint({ trigger: 2, state: 'Requested', requested: ago(134) }, complete)).toBe(
    'number 2 is Requested for 2m14s; before: 1m30s ago, s3://a',
  );
  expect(savepoint(complete, { ...complete, trigger: 0 })).toBe('1m30s ago, s3://a; 1 older');
});

test('what the job itself tells of its checkpoints goes before what status says', () => {
  const completed = {
    id: 900,
    state_size: 1024,
    end_to_end_duration: 12,
    trigger_timestamp: NOW - 2_012,
    external_path: 's3://b/chk-900',
  };
  const checkpoints = { counts: { failed: 3 }, latest: { completed } } as unknown as NonNullable<
    JobSeen['checkpoints']
  >;
  const lines = screen({ job: aJobObject({ phase: 'Running', checkpoint }), checkpoints });
  expect(lines).toContain('Checkpoint  900, 2s ago, 1.0 KiB, took 12ms, s3://b/chk-900; 3 failed');
});

test('only the last events are shown', () => {
  const events = Array.from(
    { length: 9 },
    (_, index): EventReport => ({
      at: ago(90 - index),
      type: 'Normal',
      reason: `R${index}`,
      object: 'FlinkJob/flights',
      note: '',
      count: 1,
    }),
  );
  const lines = screen({ events });
  expect(lines.filter((line) => line.includes('FlinkJob/flights'))).toHaveLength(5);
  expect(lines.at(-1)).toContain('R8');
});

test('control characters of strangers do not reach a terminal', () => {
  const lines = screen({
    job: aJobObject({
      phase: 'Failed',
      conditions: [condition('Stalled', 'True', 'InvalidJob', 'bad \u001b[2J thing')],
      restarts: { count: 1, lastCause: '\u001b]0;title\u0007' },
      lastError: { code: 'X', message: '\u001b[31m' },
    }),
    events: [{ at: ago(1), type: 'Normal', reason: '\u001b', object: 'FlinkJob/flights', note: '\u001b', count: 1 }],
    notes: ['\u001b'],
  });
  expect(lines.filter((line) => line.includes('\u001b'))).toEqual([]);
});

test('a resource that is being deleted says so, whatever its status says', () => {
  const report = statusReport(
    seen({ job: aJobObject({ phase: 'Running' }, { metadata: { deletionTimestamp: ago(5) } }) }),
    NOW,
  );
  expect(report).toMatchObject({ phase: 'Deleting', since: ago(5), explanation: { reason: 'Deleting' } });
});

test('a spec that is not even an object is shown, too', () => {
  expect(screen({ job: { metadata: { name: 'flights', namespace: 'team-a' }, spec: 'nonsense' } })).toContain(
    'Phase       Pending',
  );
});

test('the page of the plugin is linked from the README', () => {
  expect(readFileSync('README.md', 'utf8')).toContain('(docs/kubectl.md)');
});

const lineOf = (label: string, lines: readonly string[]) =>
  lines
    .find((line) => line.startsWith(label))
    ?.slice(label.length)
    .trim();

test('what happens next by itself is said with its time', () => {
  const next = (status: object, metadata: object = {}, spec: object = {}) =>
    lineOf('Next', screen({ job: aJobObject(status, { metadata, spec }) }));
  const upgrade = { step: 'Stabilizing' as const, deadline: ago(-90) };
  expect(next({ phase: 'Upgrading', upgrade })).toBe('in 1m30s the change is rolled back, unless it runs well by then');
  const restarts = { count: 1, nextAt: ago(-7) };
  expect(next({ phase: 'Restarting', attempt: { number: 3 }, restarts })).toBe('in 7s attempt 4 begins');
  expect(next({ phase: 'Restarting', attempt: { number: 3 }, restarts: { count: 1, nextAt: ago(7) } })).toBeUndefined();
  const deletion = { deletion: { timeout: '2m' } };
  expect(next({ phase: 'Deleting' }, { deletionTimestamp: ago(30) }, deletion)).toBe(
    'in 1m30s what is not done is skipped',
  );
  expect(next({ phase: 'Running', restarts })).toBeUndefined();
});

test('a job that comes up says what it waits for', () => {
  const conditions = [condition('Reconciling', 'True', 'Progressing', explain('Progressing').cause)];
  const why = (pods: JobSeen['pods'], more: object = {}) => {
    const attempt = { number: 3, ...more };
    const tasks = { running: 1, total: 4 };
    return lineOf('Why', screen({ job: aJobObject({ phase: 'Starting', attempt, tasks, conditions }), pods }));
  };
  const doing = 'The operator is carrying out what the resource asks for: ';
  expect(why([])).toBe(`${doing}attempt 3 has no pod yet.`);
  expect(why([anEndedPod('flights-3-0', 12, 'Error')])).toBe(`${doing}attempt 3 has no pod yet.`);
  const coming = aPod('flights-3-1', { phase: 'Pending' });
  expect(why([coming])).toBe(`${doing}pod flights-3-1 of attempt 3 is coming up (Pending).`);
  expect(why([coming, aPod('flights-3-0')])).toBe(`${doing}1 of 4 tasks run.`);
});

test('an attempt that is over is not without a leader, it has ended', () => {
  const attempt = { number: 3, started: ago(260), epoch: 5 };
  const lines = screen({ job: aJobObject({ phase: 'Suspended', attempt }) });
  expect(lineOf('Attempt', lines)).toBe('3, started 4m20s ago, ended, epoch 5');
});

test('what an attempt began from is shown, and that the wanted revision was rolled back', () => {
  const lines = screen({
    job: aJobObject({
      phase: 'Running',
      attempt: { number: 3, restoredFrom: 's3://bucket/chk-6' },
      revision: 'flights-a',
      desiredRevision: 'flights-b',
      conditions: [condition('RolledBack', 'True', 'RolledBack', 'x')],
    }),
  });
  expect(lineOf('Began from', lines)).toBe('s3://bucket/chk-6');
  expect(lineOf('Revision', lines)).toBe('flights-a; flights-b is wanted (did not become stable)');
});

test('whatever stands in a status, nothing of it moves the cursor of the terminal it is shown on', () => {
  const ESCAPE = '\u001b[2J';
  const strange = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strange);
    if (typeof value === 'string') return Number.isNaN(Date.parse(value)) ? `${value}${ESCAPE}` : value;
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, strange(field)]));
  };
  const { job } = RESTARTING;
  const pods = [anEndedPod('flights-3-0', 137, `OOMKilled${ESCAPE}`)];
  const edited = {
    ...job,
    metadata: { ...job.metadata, managedFields: [managed(`argocd${ESCAPE}`, { 'f:spec': {} })] },
  };
  const status = strange({ ...job.status, lastError: { code: 'X', message: 'no' }, desiredRevision: 'flights-7d80' });
  const report = statusReport({ ...RESTARTING, pods, notes: [ESCAPE], job: { ...edited, status } as typeof job }, NOW);
  const lines = clusterStatusLines(report, NOW, { isTty: false, env: {} });
  expect(lines.filter((line) => line.includes('\u001b'))).toEqual([]);
});
