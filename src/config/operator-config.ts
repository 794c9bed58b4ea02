/** Reads a configuration: from flags, variables, a file and defaults to one complete record, or to all that is wrong. */
import type { RestartSettings } from '../api/index.ts';
import { readFromFile, type Written } from './config-file.ts';
import { OperatorConfigError } from './errors.ts';
import type { LogLevel } from './kinds.ts';
import { type NamedSetting, OPERATOR_SETTINGS, type SettingKey, type SettingValue } from './settings.ts';

/** The configuration, complete; durations in milliseconds. */
export interface OperatorConfig {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** Names, or the operator's own namespace, or all there are. */
  readonly namespaces: readonly string[] | 'own' | 'all';
  readonly jobs: {
    /** @default the runtime image of the operator's version */
    readonly image: string | undefined;
    readonly restart: RestartSettings | undefined;
    readonly upgradeDeadlineMs: number;
    readonly stabilityMs: number;
    readonly savepointDeadlineMs: number;
    readonly readyHysteresisMs: number;
    readonly checkpointStatusMs: number;
    readonly hasNetworkPolicy: boolean;
    readonly apiServerAddresses: readonly string[];
  };
  readonly rest: { readonly pollIntervalMs: number; readonly timeoutMs: number };
  readonly reconcile: {
    readonly workers: number;
    readonly syncTimeoutMs: number;
  };
  readonly leaderElection: {
    readonly isEnabled: boolean;
    readonly name: string;
    readonly durationMs: number;
    readonly renewDeadlineMs: number;
    readonly retryMs: number;
  };
  readonly metrics: { readonly host: string | undefined; readonly port: number; readonly mostJobs: number };
  readonly health: { readonly host: string | undefined; readonly port: number };
  readonly logLevel: LogLevel;
  readonly drainMs: number;
}

/** Where a configuration is read from. */
export interface ConfigSources {
  /** Values of flags by the key of their setting. */
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A file in YAML. @default none */
  readonly file?: string;
}

/** A configuration that was read. */
export interface ReadConfig {
  readonly config: OperatorConfig;
  /** All settings as they were written, for people. */
  readonly effective: Readonly<Record<string, unknown>>;
}

/** Reads a configuration. Throws OperatorConfigError with everything that is wrong. */
export async function readOperatorConfig({ flags, environment, file }: ConfigSources): Promise<ReadConfig> {
  const problems: string[] = [];
  const inFile = file === undefined ? new Map<string, Written>() : await readFromFile(file, problems);
  const values = new Map<string, unknown>();
  const effective: Record<string, unknown> = {};
  for (const setting of OPERATOR_SETTINGS) {
    const { key, flag: name, variable, fallback } = setting;
    const written = writtenText(flags[key], name) ?? writtenText(environment[variable], variable) ?? inFile.get(key);
    const value = written?.value ?? fallback;
    if (value === undefined) continue;
    const reading = await setting.read(value);
    effective[key] = value;
    if ('value' in reading) values.set(key, reading.value);
    else problems.push(...complaints(setting, written, reading.wrong));
  }
  problems.push(...clashes(values));
  if (problems.length > 0) throw new OperatorConfigError(problems);
  return { config: record(<K extends SettingKey>(key: K) => values.get(key) as SettingValue<K>), effective };
}

/** An empty variable is one that is not set: manifests have no other way to say so. */
function writtenText(value: string | undefined, from: string): Written | undefined {
  return value === undefined || value === '' ? undefined : { value, from };
}

function complaints(setting: NamedSetting, written: Written | undefined, rules: readonly string[]): string[] {
  const place = written === undefined ? '' : ` (${written.from})`;
  if (rules.length > 0) return rules.map((rule) => `${setting.key}${place}: ${rule}`);
  const { value } = written ?? {};
  const shown = JSON.stringify(value) ?? String(value);
  const isServiceLink = typeof value === 'string' && /^(tcp|udp|sctp):\/\//.test(value);
  const remedy = isServiceLink
    ? 'Kubernetes sets it for a Service of that name: set enableServiceLinks: false in the pod'
    : `Write e.g. ${setting.example}`;
  return [`${setting.key}${place} is ${shown.slice(0, 80)}: must be ${setting.must}. ${remedy}`];
}

/** Rules about several settings. Those that could not be read have been told of already. */
function clashes(values: ReadonlyMap<string, unknown>): string[] {
  const found: string[] = [];
  if (values.get('watch.allNamespaces') === true && values.has('watch.namespaces')) {
    found.push('watch.namespaces and watch.allNamespaces are both set: they exclude each other. Remove one of them');
  }
  const [metrics, health] = [values.get('metrics.port'), values.get('health.port')];
  if (metrics !== undefined && metrics !== 0 && metrics === health) {
    found.push(
      `metrics.port and health.port are both ${metrics}: they must differ. Write e.g. metrics.port: 8080, health.port: 8081`,
    );
  }
  const [lasts, deadline, retry] = ['leaseDuration', 'renewDeadline', 'retryPeriod'].map((name) =>
    Number(values.get(`leaderElection.${name}`)),
  );
  // As `checkedLeaseTimes`, in the words of the settings. What is NaN could not be read.
  if (Number(lasts) <= Number(deadline)) {
    found.push(
      `leaderElection.renewDeadline is ${deadline} ms: must be below leaseDuration, ${lasts} ms, so that a leader ends before another begins. Write e.g. 10s and 15s`,
    );
  }
  if (Number(deadline) <= 1.2 * Number(retry)) {
    found.push(
      `leaderElection.retryPeriod is ${retry} ms: must be below renewDeadline, ${deadline} ms, divided by 1.2, so that a leader can try again. Write e.g. 2s and 10s`,
    );
  }
  return found;
}

function record(of: <K extends SettingKey>(key: K) => SettingValue<K>): OperatorConfig {
  return {
    kubeconfig: of('kubeconfig'),
    context: of('context'),
    namespaces: of('watch.allNamespaces') ? 'all' : (of('watch.namespaces') ?? 'own'),
    jobs: {
      image: of('jobs.image'),
      restart: of('jobs.restart'),
      upgradeDeadlineMs: of('jobs.upgradeDeadline'),
      stabilityMs: of('jobs.stability'),
      savepointDeadlineMs: of('jobs.savepointDeadline'),
      readyHysteresisMs: of('jobs.readyHysteresis'),
      checkpointStatusMs: of('jobs.checkpointStatus'),
      hasNetworkPolicy: of('jobs.networkPolicy'),
      apiServerAddresses: of('jobs.apiServerAddresses') ?? [],
    },
    rest: { pollIntervalMs: of('rest.pollInterval'), timeoutMs: of('rest.timeout') },
    reconcile: {
      workers: of('reconcile.workers'),
      syncTimeoutMs: of('reconcile.syncTimeout'),
    },
    leaderElection: {
      isEnabled: of('leaderElection.enabled'),
      name: of('leaderElection.name'),
      durationMs: of('leaderElection.leaseDuration'),
      renewDeadlineMs: of('leaderElection.renewDeadline'),
      retryMs: of('leaderElection.retryPeriod'),
    },
    metrics: { host: of('metrics.host'), port: of('metrics.port'), mostJobs: of('metrics.mostJobs') },
    health: { host: of('health.host'), port: of('health.port') },
    logLevel: of('log.level'),
    drainMs: of('shutdown.drainTimeout'),
  };
}
