/** What can be set, under which names, and what each setting is when nobody sets it. Declared here only. */
import {
  addresses,
  duration,
  flag,
  integer,
  level,
  nameOf,
  namespaces,
  port,
  restart,
  type Setting,
  text,
} from './kinds.ts';

const SETTINGS = {
  kubeconfig: text(
    'Kubeconfig of the cluster. Absent: the files of KUBECONFIG, ~/.kube/config, or the service account of the pod.',
    { must: 'a path', example: '/etc/flinkjob/kubeconfig' },
  ),
  context: text('Context of the kubeconfig. Absent: its current one.', { must: 'a name', example: 'production' }),
  'watch.namespaces': namespaces("Namespaces whose jobs are looked after. Absent: the operator's own."),
  'watch.allNamespaces': flag('All namespaces, also those that come later. Needs a ClusterRole.', false),
  'jobs.image': text('Image of jobs that name none. Absent: `flinkjob:` and the version of the operator.', {
    must: 'an image of 1 to 1024 characters without blanks',
    example: 'example.org/flinkjob:1.0.0',
    pattern: /^\S{1,1024}$/,
  }),
  'jobs.restart': restart(
    'When a failed job runs again that says so neither in its resource nor in its code, as `spec.restart` of a FlinkJob. Absent: exponentialDelay.',
  ),
  'jobs.upgradeDeadline': duration(
    'A new revision that is not stable by then is rolled back, where `spec.upgrade.deadline` is absent; at least twice the checkpoint interval plus its timeout.',
    { fallback: '10m', from: '1s', to: '24h' },
  ),
  'jobs.stability': duration('A new revision that has run well for so long is good, and is not rolled back any more.', {
    fallback: '2m',
    from: '0s',
    to: '24h',
  }),
  'jobs.savepointDeadline': duration('A savepoint, or a stop with one, that is not done by then is given up.', {
    fallback: '10m',
    from: '1s',
    to: '24h',
  }),
  'jobs.readyHysteresis': duration('A job that failed stays Ready for so long, if it runs again by then.', {
    fallback: '30s',
    from: '0s',
    to: '1h',
  }),
  'jobs.checkpointStatus': duration('The newest checkpoint is written to the status at most so often by itself.', {
    fallback: '10m',
    from: '1s',
    to: '24h',
  }),
  'jobs.networkPolicy': flag(
    'A NetworkPolicy for each job: to its REST API speak its own pods, the operator and the API server. One with `spec.ingress` is open to all.',
    true,
  ),
  'jobs.apiServerAddresses': addresses(
    'From where the API server speaks to pods, as it does for `flinkjob query`, `plan` and others. Absent: from where the NetworkPolicies of jobs let nobody in, unless the network lets it pass, as most do on the node of the pod.',
  ),
  'rest.pollInterval': duration(
    'Between two questions to a job that runs and does not change; three times as long once its revision has proved itself.',
    {
      fallback: '15s',
      from: '1s',
      to: '1h',
    },
  ),
  'rest.timeout': duration('A question to a job that is not answered by then has failed; the job has not.', {
    fallback: '5s',
    from: '100ms',
    to: '1m',
  }),
  'reconcile.workers': integer('Jobs that are worked on at a time.', { fallback: 8, from: 1, to: 128 }),
  'reconcile.syncTimeout': duration('Objects that could not be listed by then after a start end the process.', {
    fallback: '2m',
    from: '1s',
    to: '1h',
  }),
  'leaderElection.enabled': flag(
    'Of several operators one works. Switch it off only where there is never a second.',
    true,
  ),
  'leaderElection.name': nameOf('Name of the Lease, in the namespace of the operator.', 'flinkjob-operator'),
  'leaderElection.leaseDuration': duration('An operator that stopped without a word is followed after so long.', {
    fallback: '15s',
    from: '1s',
    to: '10m',
  }),
  'leaderElection.renewDeadline': duration('A leader that could not renew its lease for so long ends.', {
    fallback: '10s',
    from: '100ms',
    to: '10m',
  }),
  'leaderElection.retryPeriod': duration('Between tries to get or to renew the lease after one that failed.', {
    fallback: '2s',
    from: '10ms',
    to: '1m',
  }),
  'metrics.host': text('Address for /metrics. Absent: all.', { must: 'an address', example: '127.0.0.1' }),
  'metrics.port': port('Port for /metrics; 0 takes a free one.', 8080),
  'metrics.mostJobs': integer('Jobs with metrics of their own; those beyond are in the totals only.', {
    fallback: 1000,
    from: 0,
    to: 100_000,
  }),
  'health.host': text('Address for /livez and /readyz. Absent: all.', { must: 'an address', example: '127.0.0.1' }),
  'health.port': port('Port for /livez and /readyz; 0 takes a free one.', 8081),
  'log.level': level('Lines below it are not written.', 'info'),
  'shutdown.drainTimeout': duration('Work that has not ended so long after SIGTERM is aborted.', {
    fallback: '30s',
    from: '0s',
    to: '10m',
  }),
} satisfies Record<string, Setting>;

/** What settings are called in the file: `metrics.port` is `port` below `metrics`. */
export type SettingKey = keyof typeof SETTINGS;

/** What is read for a setting; undefined where nothing was set and there is no default. */
export type SettingValue<K extends SettingKey> =
  (typeof SETTINGS)[K] extends Setting<infer T>
    ? (typeof SETTINGS)[K]['fallback'] extends string
      ? T
      : T | undefined
    : never;

/** A setting with its names. */
export interface NamedSetting extends Setting {
  readonly key: string;
  /** `--metrics-port` */
  readonly flag: string;
  /** `FLINKJOB_METRICS_PORT` */
  readonly variable: string;
}

/** All settings, in the order in which they are told. */
export const OPERATOR_SETTINGS: readonly NamedSetting[] = Object.entries(SETTINGS).map(([key, setting]) => {
  const words = key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replaceAll('.', '-');
  return { key, flag: `--${words}`, variable: `FLINKJOB_${words.toUpperCase().replaceAll('-', '_')}`, ...setting };
});
