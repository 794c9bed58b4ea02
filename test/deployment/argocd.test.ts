/** What Argo CD is told of FlinkJobs, run in Lua as it runs it. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type CONDITIONS, PHASES, validateFlinkJob } from '../../src/api/index.ts';
import { type LuaValue, runScript } from './lua.ts';

const { data } = parse(readFileSync('manifests/argocd-cm.yaml', 'utf8')) as { data: Record<string, string> };
const HEALTH = data['resource.customizations.health.flinkjob.dev_FlinkJob'] ?? '';
const ACTIONS = parse(data['resource.customizations.actions.flinkjob.dev_FlinkJob'] ?? '') as {
  readonly 'discovery.lua': string;
  readonly definitions: readonly { readonly name: string; readonly 'action.lua': string }[];
};

type Fields = Record<string, LuaValue>;

const condition = (
  type: (typeof CONDITIONS)[number],
  status: 'True' | 'False' | 'Unknown',
  message: string,
): Fields => ({
  type,
  status,
  reason: 'Progressing',
  message,
  lastTransitionTime: '2026-11-21T10:00:00Z',
});

/** A job of generation 3, as a cluster has it. */
function aJob(status: Fields | undefined, spec: Fields = {}): Fields {
  const job = {
    apiVersion: 'flinkjob.dev/v1alpha1',
    kind: 'FlinkJob',
    metadata: { name: 'flights', generation: 3 },
    spec: { typescript: { module: 'job.js' }, storage: { uri: 's3://bucket/jobs' }, ...spec },
    ...(status === undefined ? {} : { status }),
  };
  expect(validateFlinkJob(structuredClone(job)).violations).toEqual([]);
  if (status?.['phase'] !== undefined) expect(PHASES).toContain(status['phase']);
  return job;
}

const seen = (phase: string, ...conditions: Fields[]): Fields => ({ observedGeneration: 3, phase, conditions });
const ready = condition('Ready', 'True', 'runs');

describe('health', () => {
  test.each<[string, Fields, Fields]>([
    [
      'a job that nobody has looked at goes on',
      aJob(undefined),
      { status: 'Progressing', message: 'Waiting for the operator' },
    ],
    [
      'a status as the API server fills it in is none',
      aJob({ observedGeneration: -1 }),
      { status: 'Progressing', message: 'Waiting for the operator to look at generation 3' },
    ],
    [
      'what is said of an older generation does not count',
      aJob({ ...seen('Running', ready), observedGeneration: 2 }),
      { status: 'Progressing', message: 'Waiting for the operator to look at generation 3' },
    ],
    ['a job that runs is healthy', aJob(seen('Running', ready)), { status: 'Healthy', message: 'runs' }],
    [
      'a job that has finished is healthy',
      aJob(seen('Succeeded', condition('Ready', 'True', 'finished'))),
      { status: 'Healthy', message: 'finished' },
    ],
    [
      'a job that starts goes on, and says what it waits for',
      aJob(seen('Starting', condition('Ready', 'False', 'attempt 1 starts'), condition('Reconciling', 'True', 'x'))),
      { status: 'Progressing', message: 'attempt 1 starts' },
    ],
    [
      'a job that is given up is degraded, with the cause',
      aJob(
        seen('Failed', condition('Ready', 'False', 'failed'), condition('Stalled', 'True', 'restarts exhausted: OOM')),
      ),
      { status: 'Degraded', message: 'restarts exhausted: OOM' },
    ],
    [
      'a job that runs an older revision because the new one is invalid is degraded',
      aJob(seen('Running', condition('Ready', 'False', 'x'), condition('Stalled', 'True', 'spec.args is invalid'))),
      { status: 'Degraded', message: 'spec.args is invalid' },
    ],
    [
      'a job that is suspended as asked is suspended',
      aJob(seen('Suspended', condition('Ready', 'True', 'suspended')), { state: 'Suspended' }),
      { status: 'Suspended', message: 'Suspended as asked' },
    ],
    [
      'a job that is to be suspended goes on until it is',
      aJob(seen('Suspending', condition('Ready', 'False', 'takes a savepoint')), { state: 'Suspended' }),
      { status: 'Progressing', message: 'takes a savepoint' },
    ],
    [
      'without a word of readiness a job goes on',
      aJob(seen('Pending')),
      { status: 'Progressing', message: 'Waiting for the operator' },
    ],
  ])('%s', (_what, job, health) => {
    expect(runScript(HEALTH, job)).toEqual(health);
  });
});

describe('actions', () => {
  const offered = (job: Fields): string[] =>
    Object.entries(runScript(ACTIONS['discovery.lua'], job) as Record<string, { disabled: boolean }>)
      .filter(([, { disabled }]) => !disabled)
      .map(([name]) => name)
      .sort();
  const specAfter = (name: string, job: Fields): Fields => {
    const script = ACTIONS.definitions.find((definition) => definition.name === name)?.['action.lua'] ?? '';
    return (runScript(script, job) as { spec: Fields }).spec;
  };

  test('what is offered fits the life of the job, and has a script', () => {
    const running = aJob(seen('Running', ready));
    expect(offered(running)).toEqual(['restart', 'savepoint', 'suspend']);
    expect(offered(aJob(seen('Suspended'), { state: 'Suspended' }))).toEqual(['resume']);
    expect(offered(aJob(undefined))).toEqual(['restart', 'suspend']);
    const all = Object.keys(runScript(ACTIONS['discovery.lua'], running) as object);
    expect(ACTIONS.definitions.map(({ name }) => name)).toEqual(all.sort());
  });

  test('suspend and resume change the state, and nothing else', () => {
    const { spec } = aJob(undefined) as { spec: Fields };
    expect(specAfter('suspend', aJob(seen('Running', ready)))).toEqual({ ...spec, state: 'Suspended' });
    expect(specAfter('resume', aJob(seen('Suspended'), { state: 'Suspended' }))).toEqual({ ...spec, state: 'Running' });
  });

  test.each(['savepoint', 'restart'])('%s asks with a number above all there were', (name) => {
    const handled = { ...seen('Running', ready), handledTriggers: { [name]: 4 } };
    const triggers = (job: Fields) => specAfter(name, job)['triggers'];
    expect(triggers(aJob(seen('Running', ready)))).toEqual({ [name]: 1 });
    expect(triggers(aJob(handled))).toEqual({ [name]: 5 });
    expect(triggers(aJob(handled, { triggers: { [name]: 7 } }))).toEqual({ [name]: 8 });
  });

  test('a trigger leaves the others as they are', () => {
    const job = aJob(seen('Running', ready), {
      triggers: { savepoint: 3, restore: 1 },
      restoreFrom: 's3://bucket/jobs/flights/savepoint-1',
    });
    expect(specAfter('restart', job)['triggers']).toEqual({ savepoint: 3, restore: 1, restart: 1 });
  });
});
