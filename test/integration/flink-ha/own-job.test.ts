/** `flinkjob ha` on the ConfigMap of a TypeScript job, written by the services that the job uses. */
import { hash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test as anyTest, expect, onTestFinished } from 'vitest';
import type { OwnInspection } from '../../../src/cli/ha-data/own-job.ts';
import type { HaVerification } from '../../../src/cli/ha-data/verification-record.ts';
import {
  CHECKPOINT_NEVER_RETAINED,
  type CompletedCheckpoint,
  checkpointKey,
  type HighAvailabilityServices,
  openKubernetesHaServices,
} from '../../../src/ha/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { openStorage } from '../../../src/storage/index.ts';
import { aClient, tokenConnection } from '../../builders/kube.ts';
import { kubeconfigFile } from '../../builders/kubeconfig.ts';
import { flinkjob, type Ran } from '../../cli/fake-io.ts';
import { clusterForTests } from '../../cluster/index.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);
const JOB_ID = 'a0b1c2d3e4f5061728394a5b6c7d8e9f';
const SAVED = 'test/fixtures/state-v1';
const MERGE = 'application/merge-patch+json';

/** A job `flights` that leads and has a checkpoint, and the commands that look at it. */
class OwnJob {
  readonly folder = mkdtempSync(join(tmpdir(), 'own-job-'));
  readonly storage = openStorage(pathToFileURL(this.folder).href);
  readonly namespace: string;
  services!: HighAvailabilityServices;

  static async withCheckpoint(): Promise<OwnJob> {
    const job = new OwnJob(await cluster!.namespace());
    await job.#start();
    return job;
  }

  private constructor(namespace: string) {
    this.namespace = namespace;
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  get path(): string {
    return `/api/v1/namespaces/${this.namespace}/configmaps/flights-ha`;
  }

  async ha(command: string, ...options: string[]): Promise<Ran> {
    using kubeconfig = kubeconfigFile(cluster!.access, this.namespace);
    return await flinkjob(['ha', command, 'flights', '--kubeconfig', kubeconfig.path, ...options]);
  }

  async verify(): Promise<HaVerification & { code: number }> {
    const { code, stdout } = await this.ha('verify', '--storage', pathToFileURL(this.folder).href, '-o', 'json');
    return { code, ...(JSON.parse(stdout) as HaVerification) };
  }

  /** The file that the pointer to the checkpoint leads to. */
  get record(): string {
    const folder = join(this.folder, JOB_ID, 'ha');
    return join(folder, readdirSync(folder).find((name) => name.startsWith('completedCheckpoint')) ?? '');
  }

  async #start(): Promise<void> {
    this.services = await openKubernetesHaServices({
      client: aClient(tokenConnection(cluster!)),
      namespace: this.namespace,
      job: 'flights',
      clock: systemClock,
      random: () => 0.5,
      storage: this.storage,
      jobId: JOB_ID,
      identity: 'pod_1',
      createAbove: 4,
    });
    onTestFinished(() => this.services.close());
    const election = this.services.getJobManagerLeaderElectionService(JOB_ID);
    const { sessionId } = await new Promise<{ sessionId: string }>((grantLeadership, handleError) => {
      election.startLeaderElection({ grantLeadership, revokeLeadership: () => {}, handleError });
    });
    await election.confirmLeadership(sessionId, 'http://10.0.0.1:8081');
    const counter = this.services.getCheckpointRecoveryFactory().createCheckpointIdCounter(JOB_ID);
    await counter.start();
    await counter.setCount(8);
    const store = await this.services.getCheckpointRecoveryFactory().createCompletedCheckpointStore(JOB_ID, 1);
    await store.addCheckpointAndSubsumeOldestOne(await this.#checkpoint(7));
  }

  /** A checkpoint with state of every kind. */
  async #checkpoint(checkpointId: number): Promise<CompletedCheckpoint> {
    const location = `${JOB_ID}/chk-${checkpointId}-5-0123456789abcdef`;
    for (const name of readdirSync(SAVED).filter((each) => each === '_metadata' || each.endsWith('.state'))) {
      await this.storage.write(`${location}/${name}`, readFileSync(join(SAVED, name)), { exclusive: true });
    }
    return {
      checkpointId,
      epoch: 5,
      timestamp: 1_700_000_000_000,
      location,
      metadataSha256: hash('sha256', readFileSync(join(SAVED, '_metadata')), 'hex'),
      bytes: 1,
      isSavepoint: false,
      properties: CHECKPOINT_NEVER_RETAINED,
    };
  }
}

test('the object of a job is shown in the record of a cluster, with its epoch and attempt', async () => {
  const job = await OwnJob.withCheckpoint();
  const { code, stdout } = await job.ha('inspect', '-o', 'json');
  expect(code).toBe(0);
  const sessionId = expect.stringMatching(/^[0-9a-f-]{36}$/);
  const leader = { sessionId, address: 'http://10.0.0.1:8081' };
  expect(JSON.parse(stdout) as OwnInspection).toEqual({
    flinkVersions: [],
    clusterId: 'flights',
    namespace: job.namespace,
    configMaps: [
      {
        name: 'flights-ha',
        role: 'job',
        resourceVersion: expect.stringMatching(/^\d+$/),
        bytes: expect.any(Number),
      },
    ],
    leases: [],
    leaders: [{ component: `job-${JOB_ID}`, jobId: JOB_ID, ...leader, configMap: 'flights-ha' }],
    jobs: [
      {
        jobId: JOB_ID,
        configMap: 'flights-ha',
        leader,
        checkpoints: [
          {
            id: 7,
            name: checkpointKey(7),
            uri: expect.stringMatching(new RegExp(`^${JOB_ID}/ha/completedCheckpoint-6-`)),
            bytes: expect.any(Number),
            serialVersionUID: null,
            deleting: false,
          },
        ],
        counter: 9,
        executionPlan: null,
      },
    ],
    findings: [],
    object: { epoch: '6', attempt: '0', leader: 'pod_1' },
  });
  const { stdout: table } = await job.ha('inspect');
  expect(table).toMatch(/^job flights in namespace \S+: attempt 0, epoch 6, led last by pod_1\n/);
});

test('files that are all there and whole are good', async () => {
  const job = await OwnJob.withCheckpoint();
  const { code, pointers, findings } = await job.verify();
  expect({ code, findings }).toEqual({ code: 0, findings: [] });
  expect(pointers).toMatchObject([{ key: checkpointKey(7), verdict: 'good', stateFiles: expect.any(Number) }]);
  expect(pointers[0]?.stateFiles).toBeGreaterThan(3);
});

test.each<[string, (job: OwnJob) => void, string]>([
  ['a record that is gone', (job) => rmSync(job.record), 'FileMissing'],
  ['a record with another byte', (job) => writeFileSync(job.record, flipped(job.record)), 'FileDamaged'],
  ['a manifest that is gone', (job) => rmSync(inCheckpoint(job, '_metadata')), 'MetadataUnreadable'],
  [
    'a manifest with another byte',
    (job) => writeFileSync(inCheckpoint(job, '_metadata'), flipped(inCheckpoint(job, '_metadata'))),
    'MetadataUnreadable',
  ],
  ['a state file that is gone', (job) => rmSync(aStateFile(job)), 'StateFileMissing'],
  ['a state file that was cut off', (job) => truncateSync(aStateFile(job), 1), 'StateFileShort'],
])('%s is an error', async (_, spoil, code) => {
  const job = await OwnJob.withCheckpoint();
  spoil(job);
  const verified = await job.verify();
  expect(verified).toMatchObject({ code: 1, pointers: [{ verdict: 'bad' }], findings: [{ severity: 'error', code }] });
});

test('a value that is no pointer, a counter behind, and a file that nothing points to are found', async () => {
  const job = await OwnJob.withCheckpoint();
  await cluster!.call('PATCH', job.path, { data: { [checkpointKey(6)]: '???', counter: '7' } }, MERGE);
  const orphan = join(job.folder, JOB_ID, 'ha', 'completedCheckpoint-5-0123456789abcdef');
  writeFileSync(orphan, 'x');
  utimesSync(orphan, 1_700_000_000, 1_700_000_000);
  const { code, findings } = await job.verify();
  expect(code).toBe(1);
  expect(findings.map((each) => [each.severity, each.code])).toEqual([
    ['error', 'UnreadableValue'],
    ['error', 'CounterBehind'],
    ['info', 'OrphanFile'],
  ]);
});

test('without its storage nothing is claimed about the files', async () => {
  const job = await OwnJob.withCheckpoint();
  const { code, stdout } = await job.ha('verify', '-o', 'json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    pointers: [{ verdict: 'unchecked' }],
    findings: [{ severity: 'warning', code: 'FileUnchecked' }],
  });
});

test('a repair is refused: the leader of the job does it', async () => {
  const job = await OwnJob.withCheckpoint();
  const { code, stderr } = await job.ha('repair', '--dry-run');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: flights is a TypeScript job: its leader passes over a broken checkpoint/);
});

const inCheckpoint = ({ folder }: OwnJob, name: string): string =>
  join(folder, JOB_ID, 'chk-7-5-0123456789abcdef', name);

function aStateFile(job: OwnJob): string {
  const [name = ''] = readdirSync(inCheckpoint(job, '')).filter((each) => each.endsWith('.state'));
  return inCheckpoint(job, name);
}

function flipped(file: string): Buffer {
  const bytes = readFileSync(file);
  const last = bytes.length - 2;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  return bytes;
}
