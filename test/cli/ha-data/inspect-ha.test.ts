import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { LEADER_ANNOTATION, renderLeaseRecord } from '../../../src/flink/index.ts';
import { captures } from '../../flink/captures.ts';
import { flinkjob } from '../fake-io.ts';

const directory = mkdtempSync(join(tmpdir(), 'inspect-ha-'));
afterAll(() => rmSync(directory, { recursive: true }));

const inspect = (stdin: string, ...options: string[]) => flinkjob(['ha', 'inspect', '-f', '-', ...options], { stdin });

test.each(captures.map((capture) => [capture.name, capture] as const))(
  '%s is shown as JSON, the same from JSON and from YAML',
  async (_, { configMaps, expectedHandles }) => {
    const fromJson = await inspect(JSON.stringify(configMaps), '-o', 'json');
    expect(fromJson).toMatchObject({ code: 0, stderr: '' });
    const { jobs } = JSON.parse(fromJson.stdout) as { jobs: { checkpoints: unknown[]; executionPlan: unknown }[] };
    const handles = jobs.flatMap(({ checkpoints, executionPlan }) => [...checkpoints, executionPlan ?? []].flat());
    expect(handles).toHaveLength(expectedHandles.length);
    const documents = configMaps.items.map((item) => stringify(item)).join('---\n');
    expect(await inspect(documents, '-o', 'json')).toEqual(fromJson);
  },
);

test('the shape of the JSON is stable', async () => {
  const { configMaps } = captures.find(({ name }) => name === '1.18.1/06-five-checkpoints')!;
  const { stdout } = await inspect(JSON.stringify(configMaps), '-o', 'json');
  const jobId = 'd6d219b672f725fea2ba5532b382a085';
  const root = 'file:/flink/runs/ha-1181/ha/default';
  const sessionId = expect.stringMatching(/^[0-9a-f-]{36}$/);
  const leader = {
    sessionId,
    address: expect.stringMatching(/^(pekko.tcp|http):/),
    configMap: 'ha-1181-cluster-config-map',
  };
  expect(JSON.parse(stdout)).toEqual({
    flinkVersions: ['1.15', '1.16', '1.17', '1.18'],
    clusterId: 'ha-1181',
    namespace: 'default',
    configMaps: [
      {
        name: 'ha-1181-cluster-config-map',
        role: 'cluster',
        resourceVersion: expect.any(String),
        bytes: expect.any(Number),
      },
      {
        name: `ha-1181-${jobId}-config-map`,
        role: 'job',
        resourceVersion: expect.any(String),
        bytes: expect.any(Number),
      },
    ],
    leases: [
      {
        configMap: 'ha-1181-cluster-config-map',
        holderIdentity: 'a6058cb1-a207-47c9-9582-b51965763d73',
        leaseDurationMs: 15_000,
        acquireTime: '2026-11-21T05:03:49.241486Z',
        renewTime: expect.stringMatching(/^2026-11-21T05:04:/),
        leaderTransitions: 0,
      },
    ],
    leaders: [
      { component: jobId, jobId, ...leader },
      { component: 'dispatcher', jobId: null, ...leader },
      { component: 'resourcemanager', jobId: null, ...leader },
      { component: 'restserver', jobId: null, ...leader },
    ],
    jobs: [
      {
        jobId,
        configMap: `ha-1181-${jobId}-config-map`,
        leader: { sessionId, address: leader.address },
        checkpoints: [
          {
            id: 5,
            name: 'checkpointID-0000000000000000005',
            uri: `${root}/completedCheckpointa67aa3e17bd1`,
            bytes: 9916,
            serialVersionUID: '-6953210432246692993',
            deleting: false,
          },
        ],
        counter: 6,
        executionPlan: {
          name: `jobGraph-${jobId}`,
          uri: `${root}/submittedJobGraph71ad6cc0540b`,
          bytes: 30138,
          serialVersionUID: '-6953210432246692993',
          deleting: false,
        },
      },
    ],
    findings: [],
  });
});

test('the table shows leaders, pointers and findings', async () => {
  const { configMaps } = captures.find(({ name }) => name === '2.3.0/A3-app-stopping-3')!;
  const { code, stdout } = await inspect(JSON.stringify(configMaps));
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^cluster app-230 in namespace default: 2 ConfigMaps, written by Flink 2\.0, 2\.1, 2\.2, 2\.3\n/,
  );
  expect(stdout).toMatch(/^lease of 15s in app-230-cluster-config-map: held by /m);
  expect(stdout).toMatch(/^dispatcher\t[0-9a-f-]{36}\tpekko\.tcp:/m);
  expect(stdout).toMatch(/\tcheckpointID-0{17}20\t9\.8 KiB\tdeleting\tfile:\/flink\//);
  expect(stdout).toMatch(/\tcounter\t-\tnext is 25\t-\n/);
  expect(stdout).toMatch(/^info\tMarkedForDeletion\t/m);
});

const LEASE = renderLeaseRecord({
  holderIdentity: 'leader',
  leaseDurationMs: 15_000,
  durationForm: 'iso',
  acquireTime: '2026-11-21T12:00:00.000000Z',
  renewTime: '2026-11-21T12:00:00.000000Z',
  leaderTransitions: 0,
});
const cluster = (namespace: string, data: Record<string, string> = {}) => ({
  kind: 'ConfigMap',
  metadata: { name: 'c-cluster-config-map', namespace, annotations: { [LEADER_ANNOTATION]: LEASE } },
  data,
});

test('an error among the findings is an exit code of 1', async () => {
  const bad = cluster('n', { 'executionPlan-0123456789abcdef0123456789abcdef': 'x' });
  const { code, stdout } = await inspect(JSON.stringify(bad), '-o', 'json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ findings: [{ severity: 'error', code: 'UnreadableValue' }] });
});

test('of several clusters one is chosen', async () => {
  const both = JSON.stringify([cluster('a'), cluster('b')]);
  expect(await inspect(both, '-o', 'json')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'error: there are several clusters in -; name one of: a/c, b/c\n',
  });
  const { stdout } = await inspect(both, '-o', 'yaml', 'b/c');
  expect(stdout).toMatch(/^namespace: b$/m);
  expect((await inspect(both)).stdout.match(/^cluster c in namespace .:/gm)).toHaveLength(2);
  expect(await inspect(both, 'd')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'error: there is no cluster d in -; name one of: a/c, b/c\n',
  });
});

test('a file and a cluster exclude each other', async () => {
  expect(await inspect('', '-n', 'production')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("cannot be used with option '-n, --namespace <name>'"),
  });
});

test('a file is read by its name', async () => {
  const path = join(directory, 'c.yaml');
  writeFileSync(path, stringify(cluster('n')));
  expect(await flinkjob(['ha', 'inspect', '-f', 'c.yaml'], { cwd: directory })).toMatchObject({ code: 0 });
  expect(await flinkjob(['ha', 'inspect', '-f', 'gone.yaml'], { cwd: directory })).toEqual({
    code: 1,
    stdout: '',
    stderr: 'error: gone.yaml cannot be read: there is no such file or directory. Check the path.\n',
  });
});

test('texts from the data cannot move the cursor of a terminal', async () => {
  const bad = cluster('n', { 'executionPlan-\u001b[2Jx': 'x' });
  expect((await inspect(JSON.stringify(bad))).stdout).toContain('executionPlan-\\u{1b}[2Jx');
});

test.each<[string, string, RegExp]>([
  ['nothing', '', /standard input cannot be read: it is empty$/m],
  ['broken JSON', '{"kind": ', /standard input cannot be read: it is no JSON: /],
  ['broken YAML', 'kind: [', /it is no YAML: /],
  ['another text', 'hello', /an object is expected/],
  ['YAML with a bomb of aliases', aliasBomb(), /it is no YAML: Excessive alias count/],
  ['YAML of many small values', '- a\n'.repeat(100_000), /it has more than 200000 tokens; give it as JSON/],
  ['YAML nested without end', '['.repeat(50_000), /cannot be read: /],
  ['JSON nested without end', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, /nested more than 64 levels deep/],
])('%s is one clear error', async (_, text, reason) => {
  const { code, stdout, stderr } = await inspect(text);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(reason);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

function aliasBomb(): string {
  const lines = ['a0: &a0 [x, x]'];
  for (let level = 1; level < 30; level++) lines.push(`a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`);
  return lines.join('\n');
}

const anyCapture = captures.find(({ name }) => name === '1.18.1/06-five-checkpoints')!;

test('a directory is read with its JSON files, and documents of JSON between lines as the YAML that they are', async () => {
  const folder = join(directory, 'dumps');
  mkdirSync(join(folder, 'below'), { recursive: true });
  const [first, second] = anyCapture.configMaps.items.map((item) => JSON.stringify(item, null, 2));
  writeFileSync(join(folder, 'a.json'), first!);
  writeFileSync(join(folder, 'below', 'b.yaml'), second!);
  const whole = await inspect(JSON.stringify(anyCapture.configMaps));
  expect(await flinkjob(['ha', 'inspect', '-f', folder])).toEqual(whole);
  expect(await inspect([first, second].join('\n---\n'))).toEqual(whole);
});

test('a byte order mark is passed over, and text in another encoding is said to be so', async () => {
  const text = `\ufeff${JSON.stringify(anyCapture.configMaps)}`;
  const file = join(directory, 'dump.json');
  writeFileSync(file, text);
  expect(await flinkjob(['ha', 'inspect', '-f', file])).toMatchObject({ code: 0, stderr: '' });
  writeFileSync(file, text, 'utf16le');
  expect((await flinkjob(['ha', 'inspect', '-f', file])).stderr).toBe(
    `error: ${file} cannot be read: it is not in UTF-8. Save it so.\n`,
  );
});

test('a hundred thousand and more ConfigMaps are read like a few', async () => {
  const items = Array.from({ length: 200_000 }, () => ({ kind: 'ConfigMap', metadata: { name: 'a' } }));
  const { code, stdout } = await inspect(JSON.stringify({ kind: 'List', items }));
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('NoHaData') });
});

test.each([
  ['[\u001b[31mred', /^error: standard input cannot be read: it is no JSON: .*\\u\{1b\}\[31mred.*\n$/],
  [`{"a":${'['.repeat(100)}`, /^error: standard input cannot be read: it is nested more than 64 levels deep\n$/],
  ['kind: ConfigMap\nmetadata: {name: a}\ndata: {"two\\nlines": 3}', /at \[0\]\.data\."two\\nlines": it is no text\n$/],
  [`a: b\n${'x'.repeat(10_000)}`, /^error: standard input cannot be read: it is no YAML: .{1,400}\n$/],
])('what cannot be read is told in one short line that a terminal can show: %j', async (text, expected) => {
  const { code, stderr } = await inspect(text);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(expected) });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may get through.
  expect(stderr.trimEnd()).not.toMatch(/[\u0000-\u001f]/);
});

test('of many clusters some are named', async () => {
  const items = Array.from({ length: 500 }, (_, index) => ({
    kind: 'ConfigMap',
    metadata: { name: `c${index}-cluster-config-map` },
  }));
  const { stderr } = await inspect(JSON.stringify({ kind: 'List', items }), 'nope');
  expect(stderr).toMatch(/name one of: c0, (c\d+, ){19}…\n$/);
});

test.each([
  ['flinkjob.dev/seq', { metadata: { 'flinkjob.dev/epoch': '3', 'flinkjob.dev/attempt': '1' }, data: { layout: '1' } }],
  ['layout', { metadata: { 'flinkjob.dev/epoch': '3', 'flinkjob.dev/seq': '9', 'flinkjob.dev/attempt': '1' } }],
])('the object of a TypeScript job that lost %s is said to be one that nobody can lead', async (key, lost) => {
  const { metadata: annotations, ...data } = lost;
  const object = { kind: 'ConfigMap', metadata: { name: 'flights-ha', annotations }, ...data };
  const { code, stdout } = await inspect(JSON.stringify(object), '-o', 'json');
  const { findings } = JSON.parse(stdout) as { findings: unknown };
  expect({ code, findings }).toMatchObject({
    code: 1,
    findings: [{ severity: 'error', code: 'UnreadableValue', configMap: 'flights-ha', key }],
  });
});
