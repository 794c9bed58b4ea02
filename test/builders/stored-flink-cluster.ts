/** The HA data of a Flink cluster with one job and one checkpoint, and its files: a checkpoint that real Flink wrote. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encodeHandleText, MARKER_UIDS, type MarkerUid, renderLeaseRecord } from '../../src/flink/index.ts';

const FIXTURE = 'test/fixtures/flink/checkpoint-file';

export const JOB_ID = '6d48e89083d7f192143c2377f212712b';
/** Where Flink had its files when it wrote the checkpoint. */
export const ROOT = 'file:/flink/run';
export const CHECKPOINT = 'completedCheckpoint920b06e66d09';
export const PLAN = 'submittedExecutionPlan06efb65d4771';
export const METADATA = `checkpoints/${JOB_ID}/chk-39/_metadata`;
export const STATE_FILE = `checkpoints/${JOB_ID}/chk-39/dd4f82fc-8b9c-4119-bc3f-dc9dfdbe63e1`;
export const CHECKPOINT_KEY = 'checkpointID-0000000000000000039';
export const PLAN_KEY = `executionPlan-${JOB_ID}`;
export const CLUSTER_MAP = 'live-cluster-config-map';
export const JOB_MAP = `live-${JOB_ID}-config-map`;

/** A file in the HA directory of a cluster, as handles name it. */
export const inHa = (name: string): string => `${ROOT}/ha/live/${name}`;

/** The value of a pointer. */
export function pointerText(
  uri: string,
  sizeBytes: number,
  { deleting = false, uid = MARKER_UIDS[1] }: { deleting?: boolean; uid?: MarkerUid } = {},
): string {
  return encodeHandleText({
    marker: { serialVersionUid: uid, deleting },
    stream: { in: 'file', uri, sizeBytes: BigInt(sizeBytes) },
  });
}

/** Files in a folder of their own, and the data of the two ConfigMaps; tests change both. */
export class StoredFlinkCluster implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'flink-ha-'));
  readonly cluster: Record<string, string>;
  readonly job: Record<string, string>;
  /** Of the cluster's ConfigMap: who led is gone. Undefined takes it away. */
  leaderAnnotation: string | undefined = renderLeaseRecord({
    holderIdentity: 'a JobManager',
    leaseDurationMs: 15_000,
    durationForm: 'iso',
    acquireTime: '2026-11-21T12:00:00.000000Z',
    renewTime: '2026-11-21T12:00:00.000000Z',
    leaderTransitions: 0,
  });

  constructor(uid?: MarkerUid) {
    const checkpoint = readFileSync(join(FIXTURE, 'completed-checkpoint'));
    const plan = Buffer.from('aced0005740004706c616e', 'hex');
    this.put(`ha/live/${CHECKPOINT}`, checkpoint);
    this.put(`ha/live/${PLAN}`, plan);
    this.put(METADATA, readFileSync(join(FIXTURE, 'metadata')));
    this.put(STATE_FILE, Buffer.alloc(20_856));
    const marker = uid === undefined ? {} : { uid };
    this.cluster = { [PLAN_KEY]: pointerText(inHa(PLAN), plan.length, marker) };
    this.job = { [CHECKPOINT_KEY]: pointerText(inHa(CHECKPOINT), checkpoint.length, marker), counter: '40' };
  }

  /** Writes a file; an hour old, so that nobody takes it for one that is about to be pointed to. */
  put(path: string, bytes: Uint8Array, ageMs = 3_600_000): void {
    const full = join(this.folder, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, bytes);
    const at = (Date.now() - ageMs) / 1_000;
    utimesSync(full, at, at);
  }

  remove(path: string): void {
    rmSync(join(this.folder, path));
  }

  /** The ConfigMaps as kubectl lists them. */
  get configMaps(): object[] {
    const annotations =
      this.leaderAnnotation === undefined
        ? {}
        : { annotations: { 'control-plane.alpha.kubernetes.io/leader': this.leaderAnnotation } };
    return [
      { kind: 'ConfigMap', metadata: { name: CLUSTER_MAP, ...annotations }, data: this.cluster },
      { kind: 'ConfigMap', metadata: { name: JOB_MAP }, data: this.job },
    ];
  }

  /** How the files are reached from here. */
  get storage(): string {
    return `file:///flink/run=file://${this.folder}`;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
