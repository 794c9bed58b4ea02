import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { encodeHandleText, flinkPathUri } from '../../../src/flink/index.ts';
import {
  CHECKPOINT,
  CHECKPOINT_KEY,
  inHa,
  JOB_ID,
  JOB_MAP,
  METADATA,
  PLAN,
  PLAN_KEY,
  pointerText,
  ROOT,
  STATE_FILE,
  StoredFlinkCluster,
} from '../../builders/stored-flink-cluster.ts';
import { flinkjob, type Ran } from '../fake-io.ts';

interface Verified {
  readonly pointers: readonly { readonly key: string; readonly verdict: string; readonly stateFiles: number | null }[];
  readonly findings: readonly { readonly severity: string; readonly code: string; readonly message: string }[];
}

const verify = (stored: StoredFlinkCluster, ...options: string[]): Promise<Ran> =>
  flinkjob(['ha', 'verify', '-f', '-', '--storage', stored.storage, ...options], {
    stdin: JSON.stringify(stored.configMaps),
  });

async function verified(stored: StoredFlinkCluster, ...options: string[]): Promise<Verified & { code: number }> {
  const { code, stdout, stderr } = await verify(stored, '-o', 'json', ...options);
  expect(stderr).toBe('');
  return { code, ...(JSON.parse(stdout) as Verified) };
}

test('data whose files are all there and whole is good', async () => {
  using stored = new StoredFlinkCluster();
  expect(await verified(stored)).toEqual({
    code: 0,
    flinkVersions: ['2.0', '2.1', '2.2', '2.3'],
    clusterId: 'live',
    namespace: null,
    pointers: [
      {
        configMap: 'live-cluster-config-map',
        key: PLAN_KEY,
        uri: inHa(PLAN),
        bytes: 11,
        deleting: false,
        stateFiles: null,
        verdict: 'good',
      },
      {
        configMap: JOB_MAP,
        key: CHECKPOINT_KEY,
        uri: inHa(CHECKPOINT),
        bytes: 7320,
        deleting: false,
        stateFiles: 1,
        verdict: 'good',
      },
    ],
    findings: [],
  });
});

/** What is done to good data, and what is then found. */
const faults: [string, (stored: StoredFlinkCluster) => void, string, RegExp][] = [
  [
    'a checkpoint whose file is gone',
    (stored) => stored.remove(`ha/live/${CHECKPOINT}`),
    'FileMissing',
    /^file:\/flink\/run\/ha\/live\/completedCheckpoint920b06e66d09 does not exist: .*--drop-key checkpointID-0{17}39$/,
  ],
  [
    'a stored job whose file is gone',
    (stored) => stored.remove(`ha/live/${PLAN}`),
    'FileMissing',
    /a JobManager fails on it at every start/,
  ],
  [
    'a file that was cut off',
    (stored) => truncateSync(join(stored.folder, 'ha/live', CHECKPOINT), 7319),
    'FileSizeDiffers',
    /has 7319 bytes, and 7320 were written/,
  ],
  [
    'a file with other bytes',
    (stored) => stored.put(`ha/live/${CHECKPOINT}`, Buffer.alloc(7320)),
    'FileDamaged',
    /is not what Flink writes \(it is no serialized Java object\)/,
  ],
  ['a `_metadata` that is gone', (stored) => stored.remove(METADATA), 'MetadataMissing', /chk-39\/_metadata does not/],
  [
    'a `_metadata` that is damaged',
    (stored) => stored.put(METADATA, Buffer.alloc(100)),
    'MetadataUnreadable',
    /_metadata is no _metadata: /,
  ],
  [
    'a state file that is gone',
    (stored) => stored.remove(STATE_FILE),
    'StateFileMissing',
    /^1 of 1 state files do not/,
  ],
  [
    'a state file that was cut off',
    (stored) => stored.put(STATE_FILE, Buffer.alloc(10)),
    'StateFileShort',
    /^1 of 1 state files are cut off, .*dd4f82fc/,
  ],
  [
    'a key that leads to another checkpoint',
    (stored) => {
      stored.job['checkpointID-0000000000000000038'] = stored.job[CHECKPOINT_KEY] ?? '';
      delete stored.job[CHECKPOINT_KEY];
    },
    'MetadataOfAnother',
    /is that of checkpoint 39: a restart would take its state for that of 38/,
  ],
];

test.each(faults)('%s is an error, and the exit code 1', async (_, spoil, code, message) => {
  using stored = new StoredFlinkCluster();
  spoil(stored);
  const { findings, ...rest } = await verified(stored);
  expect(rest.code).toBe(1);
  expect(findings).toEqual([
    expect.objectContaining({ severity: 'error', code, message: expect.stringMatching(message) }),
  ]);
  expect(rest.pointers.filter(({ verdict }) => verdict === 'bad')).toHaveLength(1);
});

test('a marked entry needs no file; without one it is told that only the entry is left', async () => {
  using stored = new StoredFlinkCluster();
  stored.job['checkpointID-0000000000000000037'] = pointerText(inHa('completedCheckpoint000000000037'), 9, {
    deleting: true,
  });
  stored.job['checkpointID-0000000000000000038'] = pointerText(inHa('completedCheckpoint000000000038'), 9, {
    deleting: true,
  });
  stored.put('ha/live/completedCheckpoint000000000038', Buffer.alloc(9));
  const { code, findings } = await verified(stored);
  expect(code).toBe(0);
  expect(findings.map((finding) => [finding.severity, finding.code])).toEqual([
    ['info', 'MarkedForDeletion'],
    ['info', 'MarkedForDeletion'],
    ['info', 'MarkedFileGone'],
  ]);
});

test('files that nothing points to are found beside those that are pointed to, unless they are young', async () => {
  using stored = new StoredFlinkCluster();
  stored.put('ha/live/completedCheckpoint0123456789ab', Buffer.alloc(5));
  stored.put('ha/live/submittedJobGraph0123456789ab', Buffer.alloc(6));
  stored.put('ha/live/completedCheckpoint0123456789ac', Buffer.alloc(7), 1_000);
  stored.put('ha/live/something-else', Buffer.alloc(8));
  stored.put('ha/live/blob/job_x/completedCheckpoint0123456789ad', Buffer.alloc(9));
  const { code, findings } = await verified(stored);
  expect(code).toBe(0);
  expect(findings.map((finding) => [finding.severity, finding.code, finding.message.split(':', 2).join(':')])).toEqual([
    ['info', 'OrphanFile', `nothing points to ${inHa('completedCheckpoint0123456789ab')} (5 bytes)`],
    ['info', 'OrphanFile', `nothing points to ${inHa('submittedJobGraph0123456789ab')} (6 bytes)`],
  ]);
});

test('a file of another cluster with the same directory is no orphan when that cluster is in sight', async () => {
  using stored = new StoredFlinkCluster();
  const uri = inHa('submittedExecutionPlan0123456789ab');
  stored.put('ha/live/submittedExecutionPlan0123456789ab', Buffer.alloc(5));
  const data = { [PLAN_KEY]: pointerText(uri, 5) };
  const stdin = JSON.stringify([
    ...stored.configMaps,
    { kind: 'ConfigMap', metadata: { name: 'b-cluster-config-map' }, data },
  ]);
  const { stdout } = await flinkjob(['ha', 'verify', 'live', '-f', '-', '--storage', stored.storage, '-o', 'json'], {
    stdin,
  });
  expect(JSON.parse(stdout)).toMatchObject({ findings: [] });
});

test('what lies in a storage without a driver is said to be unchecked, with what to do', async () => {
  using stored = new StoredFlinkCluster();
  stored.job[CHECKPOINT_KEY] = pointerText('gs://bucket/ha/live/completedCheckpoint920b06e66d09', 7320);
  const { code, pointers, findings } = await verified(stored);
  expect(code).toBe(0);
  expect(pointers.map(({ verdict }) => verdict)).toEqual(['good', 'unchecked']);
  expect(findings).toMatchObject(
    [
      { severity: 'info', code: 'OrphanFile' },
      {
        severity: 'warning',
        code: 'FileUnchecked',
        message: expect.stringMatching(
          /cannot be checked: there is no driver for gs; .* --storage gs:\/\/…=file:\/\/\/…$/,
        ),
      },
    ].reverse(),
  );
  const mapped = ['--storage', `gs://bucket/ha=file://${join(stored.folder, 'ha')}`];
  expect(await verified(stored, ...mapped)).toMatchObject({ code: 0, findings: [] });
});

test('where nothing is mounted no file is said to be missing', async () => {
  using stored = new StoredFlinkCluster();
  const empty = join(stored.folder, 'not-mounted');
  mkdirSync(empty);
  for (const mapping of [
    [],
    ['--storage', `file:/flink=file://${empty}`],
    ['--storage', 'file:/flink=file:///no/such'],
  ]) {
    const stdin = JSON.stringify(stored.configMaps);
    const { code, stdout } = await flinkjob(['ha', 'verify', '-f', '-', '-o', 'json', ...mapping], { stdin });
    const { pointers, findings } = JSON.parse(stdout) as Verified;
    expect({ code, verdicts: pointers.map(({ verdict }) => verdict) }).toEqual({
      code: 0,
      verdicts: ['unchecked', 'unchecked'],
    });
    expect(findings[0]?.message).toMatch(/ is empty or not there on this machine; .* say so: --storage /);
  }
});

test('a checkpoint that holds its bytes itself, or names no files, is not called bad', async () => {
  using stored = new StoredFlinkCluster();
  const data = readFileSync(join('test/fixtures/flink/checkpoint-file/completed-checkpoint'));
  stored.job[CHECKPOINT_KEY] = encodeHandleText({
    marker: { serialVersionUid: '1994325530560040316', deleting: false },
    stream: { in: 'handle', name: 'x', data },
  });
  stored.remove(`ha/live/${CHECKPOINT}`);
  expect(await verified(stored)).toMatchObject({ code: 0, findings: [] });
  const unnamed = Buffer.from('aced00057400026f6b', 'hex');
  stored.put('ha/live/completedCheckpoint000000000039', unnamed);
  stored.job[CHECKPOINT_KEY] = pointerText(inHa('completedCheckpoint000000000039'), unnamed.length);
  expect(await verified(stored)).toMatchObject({
    code: 0,
    findings: [{ severity: 'info', code: 'MetadataUnnamed' }],
  });
});

test('a directory that cannot be read is a warning, not an answer', async () => {
  using stored = new StoredFlinkCluster();
  stored.job[CHECKPOINT_KEY] = pointerText(`${inHa(CHECKPOINT)}/completedCheckpoint000000000039`, 7320);
  const { findings } = await verified(stored);
  expect(findings.map(({ code }) => code)).toContain('FileUnchecked');
});

test.each([
  ['', 'no JobManager runs it again'],
  ['_DIRTY', 'a JobManager only removes what it had stored'],
])('the result of a job (%s) explains why it does not come back', async (suffix, then) => {
  using stored = new StoredFlinkCluster();
  const result = { result: { id: JOB_ID, 'application-status': 'FAILED', 'net-runtime': 1 }, version: 1 };
  stored.put(`ha/job-result-store/live/${JOB_ID}${suffix}.json`, Buffer.from(JSON.stringify(result)));
  stored.put('ha/job-result-store/live/else.json', Buffer.from('{}'));
  stored.put(`ha/job-result-store/other/${JOB_ID}.json`, Buffer.from('{}'));
  const { code, findings } = await verified(stored);
  expect(code).toBe(0);
  const uri = `file:/flink/run/ha/job-result-store/live/${JOB_ID}${suffix}.json`;
  const message = `${uri} says that it has ended (FAILED): ${then}`;
  expect(findings).toEqual([{ severity: 'warning', code: 'JobHasEnded', jobId: JOB_ID, message }]);
});

test('pointers that lead out of any storage make nobody wait', async () => {
  using stored = new StoredFlinkCluster();
  execFileSync('mkfifo', [join(stored.folder, 'ha/live/completedCheckpoint000000000001')]);
  const strange = [
    inHa('completedCheckpoint000000000001'),
    'file:/completedCheckpoint000000000002',
    'file:/dev/zero',
    'file:/flink/run/ha/%00',
    'file:/flink/run/ha/..',
    'file:',
    '/',
  ];
  strange.forEach((uri, index) => {
    stored.job[`checkpointID-000000000000000000${index}`] = pointerText(uri, 1);
  });
  const { code, pointers } = await verified(stored);
  expect(code).toBe(1);
  expect(pointers.filter(({ verdict }) => verdict === 'good')).toHaveLength(2);
});

test('names with signs that URIs give a meaning are found', async () => {
  using stored = new StoredFlinkCluster();
  const name = 'a:b c%20d=é#?';
  stored.put(`ha/live/${name}`, readFileSync('test/fixtures/flink/checkpoint-file/completed-checkpoint'));
  stored.job[CHECKPOINT_KEY] = pointerText(flinkPathUri(`${ROOT}/ha/live`, name), 7320);
  stored.remove(`ha/live/${CHECKPOINT}`);
  expect(await verified(stored)).toMatchObject({ code: 0, findings: [] });
});

test('the table names each pointer with its verdict', async () => {
  using stored = new StoredFlinkCluster();
  stored.remove(STATE_FILE);
  const { code, stdout } = await verify(stored);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^cluster live: 2 pointers, 1 good, 1 bad, 0 not checked\n/);
  expect(stdout).toContain(`bad\t${CHECKPOINT_KEY}\t7.1 KiB\t1\t${inHa(CHECKPOINT)}\n`);
  expect(stdout).toMatch(/^error\tStateFileMissing\tlive-\S+ checkpointID-0{17}39\t1 of 1 state files/m);
});

test('a mapping that is not understood is one clear error', async () => {
  using stored = new StoredFlinkCluster();
  expect(await verify(stored, '--storage', 'file:///mnt')).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'error: --storage file:///mnt is not understood: write FROM=TO with two URIs, such as s3://bucket/ha=file:///mnt/ha\n',
  });
});
