/** What somebody should know about HA data: an ordered list of small checks, each a sentence about one fact. */
import type { FlinkConfigMap } from './config-map.ts';
import { newestCheckpointId } from './entries.ts';
import type { HaJob } from './inspection.ts';
import type { VersionEvidence } from './version-evidence.ts';

/** `error`: a restart fails or loses state. `warning`: it may. `info`: worth knowing. */
export type FindingSeverity = 'error' | 'warning' | 'info';

/** What there is to find, in the order in which it is told; docs/ha-data.md says what to do about each. */
export const HA_FINDING_CODES = [
  'NoHaData',
  'UnreadableValue',
  'BothSerialVersions',
  'MixedVersions',
  'CounterMissing',
  'CounterBehind',
  'ExecutionPlanMissing',
  'NoLiveCheckpoint',
  'MarkedForDeletion',
  'LeaseUnreadable',
  'LeaseMissing',
  'NoLeader',
  'StateTooLarge',
  // What only a look at the files tells.
  'FileMissing',
  'FileSizeDiffers',
  'FileDamaged',
  'MetadataMissing',
  'MetadataUnreadable',
  'MetadataOfAnother',
  'StateFileMissing',
  'StateFileShort',
  'FileUnchecked',
  'MetadataUnnamed',
  'MarkedFileGone',
  'OrphanFile',
  'JobHasEnded',
] as const;
export type HaFindingCode = (typeof HA_FINDING_CODES)[number];

/** One finding. */
export interface HaFinding {
  readonly severity: FindingSeverity;
  readonly code: HaFindingCode;
  readonly configMap?: string;
  readonly key?: string;
  readonly jobId?: string;
  readonly message: string;
}

/** What all checks look at: the data of one cluster. */
export interface FindingFacts {
  readonly configMaps: readonly FlinkConfigMap[];
  readonly jobs: readonly HaJob[];
  readonly versions: VersionEvidence;
}

/** Above this nothing may be written any more; Kubernetes refuses 1 MiB. */
export const CONFIG_MAP_LIMIT_BYTES = 900 * 1024;

/** All findings, in the order of the checks. */
export function haFindings(facts: FindingFacts): HaFinding[] {
  return CHECKS.flatMap((check) => check(facts));
}

type Check = (facts: FindingFacts) => HaFinding[];

const noHaData: Check = ({ configMaps }) =>
  configMaps.length > 0
    ? []
    : [{ severity: 'warning', code: 'NoHaData', message: "none of the ConfigMaps is one of Flink's HA data" }];

const unreadableValue: Check = ({ configMaps }) =>
  configMaps.flatMap(({ metadata: { name }, entries }) =>
    entries.flatMap((entry): HaFinding[] =>
      entry.kind === 'unreadable'
        ? [{ severity: 'error', code: 'UnreadableValue', configMap: name, key: entry.key, message: entry.reason }]
        : [],
    ),
  );

const bothSerialVersions: Check = ({ versions }) =>
  versions.hasBothMarkerUids
    ? [
        {
          severity: 'error',
          code: 'BothSerialVersions',
          message:
            'handles of different lines of Flink stand side by side; a JobManager of one line takes those of the other for corrupt and can start empty. Restore a savepoint or an explicit checkpoint instead',
        },
      ]
    : [];

const mixedVersions: Check = ({ versions: { isMixed, flinkVersions } }) =>
  isMixed
    ? [
        {
          severity: 'warning',
          code: 'MixedVersions',
          message: `no single release writes all of this; the handles are those of ${flinkVersions.join(', ')}`,
        },
      ]
    : [];

const newestId = ({ configMap }: HaJob, { configMaps }: FindingFacts): number =>
  newestCheckpointId(configMaps.find(({ metadata }) => metadata.name === configMap)?.entries ?? []);

const counterMissing: Check = (facts) =>
  facts.jobs.flatMap((job): HaFinding[] =>
    job.counter === null && newestId(job, facts) >= 0
      ? [
          {
            severity: 'error',
            code: 'CounterMissing',
            jobId: job.jobId,
            message: 'there are checkpoints and no counter: ids would begin at 1 again',
          },
        ]
      : [],
  );

const counterBehind: Check = (facts) =>
  facts.jobs.flatMap((job): HaFinding[] =>
    job.counter !== null && job.counter <= newestId(job, facts)
      ? [
          {
            severity: 'error',
            code: 'CounterBehind',
            jobId: job.jobId,
            message: `the next checkpoint would get the id ${job.counter}, and checkpoint ${newestId(job, facts)} exists`,
          },
        ]
      : [],
  );

const executionPlanMissing: Check = ({ jobs }) =>
  jobs.flatMap(({ jobId, executionPlan }): HaFinding[] =>
    executionPlan === null
      ? [
          {
            severity: 'warning',
            code: 'ExecutionPlanMissing',
            jobId,
            message:
              'no stored job: a session cluster that starts does not recover it, an application submits it again',
          },
        ]
      : [],
  );

const noLiveCheckpoint: Check = ({ jobs }) =>
  jobs.flatMap(({ jobId, checkpoints }): HaFinding[] =>
    checkpoints.some(({ deleting }) => !deleting)
      ? []
      : [
          {
            severity: 'warning',
            code: 'NoLiveCheckpoint',
            jobId,
            message: 'no checkpoint to start from: the job would start from its savepoint, or empty',
          },
        ],
  );

const markedForDeletion: Check = ({ configMaps }) =>
  configMaps.flatMap(({ metadata: { name }, entries }) =>
    entries.flatMap((entry): HaFinding[] =>
      (entry.kind === 'plan' || entry.kind === 'checkpoint') && entry.handle.marker?.deleting === true
        ? [
            {
              severity: 'info',
              code: 'MarkedForDeletion',
              configMap: name,
              key: entry.key,
              message: 'it is being deleted: its file is gone or will be, and Flink does not use it',
            },
          ]
        : [],
    ),
  );

const leaseUnreadable: Check = ({ configMaps }) =>
  configMaps.flatMap(({ metadata: { name }, lease }): HaFinding[] =>
    lease.state === 'unreadable'
      ? [
          {
            severity: 'error',
            code: 'LeaseUnreadable',
            configMap: name,
            message: 'the leader annotation is no lease record: no JobManager can lead until it is corrected',
          },
        ]
      : [],
  );

const leaseMissing: Check = ({ configMaps }) =>
  configMaps.flatMap(({ metadata: { name }, lease, role }): HaFinding[] =>
    lease.state === 'none' && role.role !== 'job'
      ? [
          {
            severity: 'error',
            code: 'LeaseMissing',
            configMap: name,
            message: 'it is there without the leader annotation: a JobManager tries to make it anew, for ever',
          },
        ]
      : [],
  );

const noLeader: Check = ({ configMaps }) =>
  configMaps.flatMap(({ metadata: { name }, lease }): HaFinding[] =>
    lease.state === 'read' && lease.record.holderIdentity === ''
      ? [{ severity: 'info', code: 'NoLeader', configMap: name, message: 'the lease was released; nobody leads' }]
      : [],
  );

const stateTooLarge: Check = ({ configMaps }) =>
  configMaps.flatMap(({ metadata: { name }, sizeBytes }): HaFinding[] =>
    sizeBytes > CONFIG_MAP_LIMIT_BYTES
      ? [
          {
            severity: 'error',
            code: 'StateTooLarge',
            configMap: name,
            message: `${sizeBytes} bytes are more than ${CONFIG_MAP_LIMIT_BYTES}; Kubernetes refuses writes above 1 MiB. Retain fewer checkpoints`,
          },
        ]
      : [],
  );

const CHECKS: readonly Check[] = [
  noHaData,
  unreadableValue,
  bothSerialVersions,
  mixedVersions,
  counterMissing,
  counterBehind,
  executionPlanMissing,
  noLiveCheckpoint,
  markedForDeletion,
  leaseUnreadable,
  leaseMissing,
  noLeader,
  stateTooLarge,
];
