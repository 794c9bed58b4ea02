/** The HA data of a Flink cluster in words: a stable record for people and programs. */
import type { LeaderInformation } from '../wire/leader-information.ts';
import type { FlinkStateHandle } from '../wire/state-handle.ts';
import { type ConfigMapShape, type FlinkConfigMap, readFlinkConfigMap } from './config-map.ts';
import type { FlinkHaEntry } from './entries.ts';
import { type HaFinding, haFindings } from './findings.ts';
import { jobIdOfComponent } from './names.ts';
import { versionEvidence } from './version-evidence.ts';

/** A pointer, as JSON has it. */
export interface HaHandle {
  /** The key in the ConfigMap. */
  readonly name: string;
  /** Null for a handle that holds its bytes itself. */
  readonly uri: string | null;
  /** What Flink noted when it wrote the file. */
  readonly bytes: number;
  /** Decimal; null for a handle without a delete marker. */
  readonly serialVersionUID: string | null;
  readonly deleting: boolean;
}

/** A completed checkpoint. */
export interface HaCheckpoint extends HaHandle {
  readonly id: number;
}

/** A leader of a component. */
export interface HaLeader extends LeaderInformation {
  readonly component: string;
  /** Of a JobMaster. */
  readonly jobId: string | null;
  readonly configMap: string;
}

/** One job, whether it is stored, has checkpoints, or only a leader. */
export interface HaJob {
  readonly jobId: string;
  /** Null where the job has none of its own. */
  readonly configMap: string | null;
  readonly leader: LeaderInformation | null;
  /** By id. */
  readonly checkpoints: readonly HaCheckpoint[];
  /** The id that the next checkpoint gets; null when it is not there. */
  readonly counter: number | null;
  readonly executionPlan: HaHandle | null;
}

/** The lease by which JobManagers are elected. */
export interface HaLease {
  readonly configMap: string;
  readonly holderIdentity: string;
  readonly leaseDurationMs: number;
  readonly acquireTime: string;
  readonly renewTime: string;
  readonly leaderTransitions: number;
}

/** A ConfigMap that was looked at. */
export interface HaConfigMap {
  readonly name: string;
  readonly role: FlinkConfigMap['role']['role'];
  readonly resourceVersion: string | null;
  readonly bytes: number;
}

/** The HA data of one cluster. */
export interface HaInspection {
  /** Releases that can have written it, as `major.minor`, oldest first. */
  readonly flinkVersions: readonly string[];
  readonly clusterId: string | null;
  readonly namespace: string | null;
  readonly configMaps: readonly HaConfigMap[];
  readonly leases: readonly HaLease[];
  readonly leaders: readonly HaLeader[];
  readonly jobs: readonly HaJob[];
  readonly findings: readonly HaFinding[];
}

/** Inspects ConfigMaps: one record for each cluster in them, by namespace and name; a single empty one when there is none. */
export function inspectHaData(shapes: readonly ConfigMapShape[]): HaInspection[] {
  const clusters = Map.groupBy(
    shapes.map(readFlinkConfigMap).filter((configMap) => configMap !== undefined),
    ({ role, metadata }) => JSON.stringify([metadata.namespace ?? null, role.clusterId]),
  );
  if (clusters.size === 0) return [inspection([])];
  return [...clusters].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, configMaps]) => inspection(configMaps));
}

function inspection(configMaps: readonly FlinkConfigMap[]): HaInspection {
  const versions = versionEvidence(configMaps);
  const leaders = configMaps.flatMap(leadersOf);
  const jobs = jobsOf(configMaps, leaders);
  return {
    flinkVersions: versions.flinkVersions,
    clusterId: configMaps[0]?.role.clusterId ?? null,
    namespace: configMaps[0]?.metadata.namespace ?? null,
    configMaps: configMaps.map(({ metadata, role, sizeBytes }) => ({
      name: metadata.name,
      role: role.role,
      resourceVersion: metadata.resourceVersion ?? null,
      bytes: sizeBytes,
    })),
    leases: configMaps.flatMap(leasesOf),
    leaders,
    jobs,
    findings: haFindings({ configMaps, jobs, versions }),
  };
}

function leasesOf({ metadata, lease }: FlinkConfigMap): HaLease[] {
  if (lease.state !== 'read') return [];
  const { durationForm: _, ...record } = lease.record;
  return [{ configMap: metadata.name, ...record }];
}

function leadersOf({ metadata: { name: configMap }, entries, role }: FlinkConfigMap): HaLeader[] {
  if (role.role === 'component') {
    const { componentId: component, jobId = null } = role;
    const [address, sessionId] = [otherText(entries, 'address'), otherText(entries, 'sessionId')];
    return address === undefined || sessionId === undefined
      ? []
      : [{ component, jobId, sessionId, address, configMap }];
  }
  return entries.flatMap((entry) => {
    if (entry.kind !== 'leader') return [];
    const { componentId: component, information } = entry;
    return [{ component, jobId: jobIdOfComponent(component) ?? null, ...information, configMap }];
  });
}

function otherText(entries: readonly FlinkHaEntry[], key: string): string | undefined {
  const entry = entries.find((each) => each.key === key);
  return entry?.kind === 'other' ? entry.text : undefined;
}

type PlanEntry = Extract<FlinkHaEntry, { kind: 'plan' }>;

/** What there is of jobs, by job id. */
interface JobParts {
  readonly configMaps: ReadonlyMap<string, FlinkConfigMap>;
  readonly plans: ReadonlyMap<string, PlanEntry>;
  readonly leaders: ReadonlyMap<string, HaLeader>;
}

/** A job is known by its own ConfigMap, by its stored plan, or by the leader of its JobMaster. */
function jobsOf(configMaps: readonly FlinkConfigMap[], leaders: readonly HaLeader[]): HaJob[] {
  const plans = configMaps.flatMap(({ entries }) => entries.filter((entry) => entry.kind === 'plan'));
  const parts: JobParts = {
    configMaps: byJob(configMaps, ({ role }) => ('jobId' in role ? role.jobId : undefined)),
    plans: byJob(plans, ({ jobId }) => jobId),
    leaders: byJob(leaders, ({ jobId }) => jobId ?? undefined),
  };
  const jobIds = new Set([...parts.configMaps.keys(), ...parts.plans.keys(), ...parts.leaders.keys()]);
  return [...jobIds].sort().map((jobId) => jobOf(jobId, parts));
}

function byJob<T>(items: readonly T[], jobIdOf: (item: T) => string | undefined): Map<string, T> {
  const found = new Map<string, T>();
  for (const item of items) {
    const jobId = jobIdOf(item);
    if (jobId !== undefined) found.set(jobId, item);
  }
  return found;
}

function jobOf(jobId: string, { configMaps, plans, leaders }: JobParts): HaJob {
  const own = configMaps.get(jobId);
  const leader = leaders.get(jobId);
  const plan = plans.get(jobId);
  const counter = own?.entries.find((entry) => entry.kind === 'counter');
  return {
    jobId,
    configMap: own?.metadata.name ?? null,
    leader: leader === undefined ? null : { sessionId: leader.sessionId, address: leader.address },
    checkpoints: (own?.entries ?? []).flatMap(checkpointOf).sort((a, b) => a.id - b.id),
    counter: counter?.nextCheckpointId ?? null,
    executionPlan: plan === undefined ? null : handleOf(plan.key, plan.handle),
  };
}

function checkpointOf(entry: FlinkHaEntry): HaCheckpoint[] {
  return entry.kind === 'checkpoint' ? [{ id: entry.checkpointId, ...handleOf(entry.key, entry.handle) }] : [];
}

function handleOf(name: string, { marker, stream }: FlinkStateHandle): HaHandle {
  return {
    name,
    uri: stream.in === 'file' ? stream.uri : null,
    bytes: stream.in === 'file' ? Number(stream.sizeBytes) : stream.data.length,
    serialVersionUID: marker?.serialVersionUid ?? null,
    deleting: marker?.deleting ?? false,
  };
}
