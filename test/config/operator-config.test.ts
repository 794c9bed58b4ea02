import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OPERATOR_SETTINGS, OperatorConfigError, readOperatorConfig } from '../../src/config/index.ts';
import { failureOf } from '../builders/failure-of.ts';
import { aTemporaryDirectory } from '../builders/temporary-directory.ts';

interface Given {
  readonly flags?: Record<string, string>;
  readonly environment?: Record<string, string>;
  /** Text of the file. */
  readonly yaml?: string;
}

function sourcesOf({ flags = {}, environment = {}, yaml }: Given) {
  if (yaml === undefined) return { flags, environment };
  const file = join(aTemporaryDirectory(), 'operator.yaml');
  writeFileSync(file, yaml);
  return { flags, environment, file };
}

const read = async (given: Given = {}) => (await readOperatorConfig(sourcesOf(given))).config;

/** What is said to be wrong; the folder of the file is left out. */
async function problemsOf(given: Given): Promise<string[]> {
  const error = await failureOf(readOperatorConfig(sourcesOf(given)));
  expect(error).toBeInstanceOf(OperatorConfigError);
  return (error as OperatorConfigError).problems.map((line) =>
    line.replaceAll(/\/\S*\/operator\.yaml/g, 'operator.yaml'),
  );
}

test('without a word everything has its default', async () => {
  expect(await read()).toEqual({
    kubeconfig: undefined,
    context: undefined,
    namespaces: 'own',
    jobs: {
      image: undefined,
      restart: undefined,
      upgradeDeadlineMs: 600_000,
      stabilityMs: 120_000,
      savepointDeadlineMs: 600_000,
      readyHysteresisMs: 30_000,
      checkpointStatusMs: 600_000,
      hasNetworkPolicy: true,
      apiServerAddresses: [],
    },
    rest: { pollIntervalMs: 15_000, timeoutMs: 5_000 },
    reconcile: { workers: 8, syncTimeoutMs: 120_000 },
    leaderElection: {
      isEnabled: true,
      name: 'flinkjob-operator',
      durationMs: 15_000,
      renewDeadlineMs: 10_000,
      retryMs: 2_000,
    },
    metrics: { host: undefined, port: 8080, mostJobs: 1000 },
    health: { host: undefined, port: 8081 },
    logLevel: 'info',
    drainMs: 30_000,
  });
});

test('a flag wins over a variable, a variable over the file, the file over the default', async () => {
  const yaml = 'metrics: { port: 1001 }\nhealth: { port: 1002 }\nreconcile:\n  workers: 3\n';
  const environment = { FLINKJOB_METRICS_PORT: '2001', FLINKJOB_HEALTH_PORT: '2002' };
  const config = await read({ yaml, environment, flags: { 'metrics.port': '3001' } });
  expect(config.metrics.port).toBe(3001);
  expect(config.health.port).toBe(2002);
  expect(config.reconcile.workers).toBe(3);
});

test('values are what the file says, whether it says them as YAML has them or as text', async () => {
  const config = await read({
    yaml: `
watch:
  namespaces: [flights, payments, flights]
jobs:
  image: example.org/jobs:1
  restart: { fixedDelay: { attempts: 3, delay: 10s } }
leaderElection: { enabled: false }
metrics: { port: "0", host: 127.0.0.1 }
log: { level: debug }
shutdown: { drainTimeout: 1m30s }
rest:
`,
  });
  expect(config.namespaces).toEqual(['flights', 'payments']);
  expect(config.jobs.image).toBe('example.org/jobs:1');
  expect(config.jobs.restart).toEqual({ type: 'fixedDelay', attempts: 3, delayMs: 10_000 });
  expect(config.leaderElection.isEnabled).toBe(false);
  expect(config.metrics).toMatchObject({ port: 0, host: '127.0.0.1' });
  expect(config.logLevel).toBe('debug');
  expect(config.drainMs).toBe(90_000);
});

test('lists and strategies can be written into a variable or a flag', async () => {
  const config = await read({
    environment: { FLINKJOB_WATCH_NAMESPACES: 'flights, payments' },
    flags: { 'jobs.restart': 'none: {}' },
  });
  expect(config.namespaces).toEqual(['flights', 'payments']);
  expect(config.jobs.restart).toEqual({ type: 'none' });
  expect((await read({ flags: { 'watch.allNamespaces': 'true' } })).namespaces).toBe('all');
});

test('ranges of addresses are of either family, and nothing else', async () => {
  const ranges = async (text: string) =>
    (await read({ flags: { 'jobs.apiServerAddresses': text } })).jobs.apiServerAddresses;
  expect(await ranges('172.18.0.0/16, fd00::/8, 172.18.0.0/16')).toEqual(['172.18.0.0/16', 'fd00::/8']);
  for (const wrong of ['172.18.0.1', '172.18.0.0/33', 'fd00::/129', 'host/8', '10.0.0.0/8/8', '10.0.0.0/x'])
    await expect(ranges(wrong), wrong).rejects.toThrow('CIDR');
});

test('an empty variable is one that is not set', async () => {
  expect((await read({ environment: { FLINKJOB_METRICS_PORT: '' } })).metrics.port).toBe(8080);
});

test('everything that is wrong is told at once, with its place, its value, the rule and the remedy', async () => {
  const problems = await problemsOf({
    yaml: `
metrics:
  port: 70000
leaderElecton: { enabled: true }
health: 8081
reconcile:
  worker: 1
`,
    environment: { FLINKJOB_REST_TIMEOUT: 'soon', FLINKJOB_HEALTH_PORT: 'tcp://10.0.0.1:80' },
    flags: { 'log.level': 'loud', 'jobs.restart': '{ fixedDelay: { attempts: many } }' },
  });
  expect(problems).toEqual([
    'leaderElecton (operator.yaml, line 4): there is no such setting. Did you mean leaderElection?',
    'health (operator.yaml, line 5): must be a map of settings. Write e.g. metrics: { port: 8080 }',
    'reconcile.worker (operator.yaml, line 7): there is no such setting. Did you mean reconcile.workers?',
    expect.stringMatching(
      /^jobs\.restart \(--jobs-restart\): spec\.restart\.fixedDelay\.attempts: "many" is not allowed: must be an integer/,
    ),
    'rest.timeout (FLINKJOB_REST_TIMEOUT) is "soon": must be a duration from 100ms to 1m. Write e.g. 5s',
    'metrics.port (operator.yaml, line 3) is 70000: must be an integer from 0 to 65535. Write e.g. 8080',
    'health.port (FLINKJOB_HEALTH_PORT) is "tcp://10.0.0.1:80": must be an integer from 0 to 65535. Kubernetes sets it for a Service of that name: set enableServiceLinks: false in the pod',
    'log.level (--log-level) is "loud": must be one of debug, info, warn, error. Write e.g. debug',
  ]);
});

test('settings that do not go together are told of, also where others are wrong', async () => {
  const problems = await problemsOf({
    yaml: `
watch: { namespaces: [flights], allNamespaces: true }
metrics: { port: 9000 }
health: { port: 9000 }
leaderElection: { leaseDuration: 5s, renewDeadline: 10s, retryPeriod: 9s }
log: { level: loud }
`,
  });
  expect(problems).toEqual([
    expect.stringMatching(/^log\.level /),
    expect.stringMatching(/^watch\.namespaces and watch\.allNamespaces are both set/),
    expect.stringMatching(/^metrics\.port and health\.port are both 9000/),
    expect.stringMatching(/^leaderElection\.renewDeadline is 10000 ms: must be below leaseDuration, 5000 ms/),
    expect.stringMatching(/^leaderElection\.retryPeriod is 9000 ms: must be below renewDeadline, 10000 ms/),
  ]);
});

test('ports that are to be free ones may be the same number', async () => {
  expect((await read({ flags: { 'metrics.port': '0', 'health.port': '0' } })).health.port).toBe(0);
});

test('what is no setting is named without its value', async () => {
  const problems = await problemsOf({ yaml: 's3: { secretAccessKey: hunter2 }\n' });
  expect(problems).toEqual(['s3 (operator.yaml, line 1): there is no such setting. Remove it']);
});

test.each([
  ['a: [', 'line'],
  ['[1, 2]', 'the file'],
  ['metrics: {}\n---\nhealth: {}\n', 'second document'],
])('a file that is no map of settings is refused: %j', async (yaml, words) => {
  expect((await problemsOf({ yaml })).join('\n')).toContain(words);
});

test('a file that is not there is named', async () => {
  const error = await failureOf(readOperatorConfig({ flags: {}, environment: {}, file: '/nowhere/operator.yaml' }));
  expect(error.message).toMatch(/^the configuration has one problem\n {2}\/nowhere\/operator\.yaml cannot be read/);
});

test('an empty file says nothing', async () => {
  expect((await read({ yaml: '# nothing yet\n' })).metrics.port).toBe(8080);
});

test('what is in force is told as it was written', async () => {
  const { effective } = await readOperatorConfig(sourcesOf({ flags: { 'rest.timeout': '2s' } }));
  expect(effective).toMatchObject({ 'rest.timeout': '2s', 'metrics.port': '8080' });
  expect(Object.keys(effective)).not.toContain('jobs.image');
});

test('each setting has a flag and a variable of its own, a default that can be read, and an example', async () => {
  for (const name of ['key', 'flag', 'variable'] as const) {
    expect(new Set(OPERATOR_SETTINGS.map((setting) => setting[name])).size).toBe(OPERATOR_SETTINGS.length);
  }
  for (const { key, fallback, example, read: reading, description } of OPERATOR_SETTINGS) {
    expect(await reading(fallback ?? example), key).toHaveProperty('value');
    expect(await reading(example), key).toHaveProperty('value');
    expect(description, key).toMatch(/^[A-Z/].*\.$/);
  }
  expect(OPERATOR_SETTINGS.find(({ key }) => key === 'leaderElection.leaseDuration')).toMatchObject({
    flag: '--leader-election-lease-duration',
    variable: 'FLINKJOB_LEADER_ELECTION_LEASE_DURATION',
  });
});
