/** From the resource and the environment of a pod to the order that its process carries out. Pure. */
import type { FlinkJobSettings } from '../../api/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { httpUrl, InvalidJobError, type JobModule } from '../../stream/index.ts';
import { type JobOrder, orderedBySettings } from '../job-process/job-order.ts';
import type { HaPlace } from '../job-process/open-ha.ts';
import type { PodEnvironment } from './pod-environment.ts';

/** Facts that an order in a pod is made from. */
export interface PodFacts {
  readonly settings: FlinkJobSettings;
  readonly environment: PodEnvironment;
  /** Modules are relative to it: the working directory of the image. */
  readonly workingDirectory: string;
  readonly terminationLog: string;
}

/** @throws InvalidJobError for a job that no pod of ours can run */
export function podOrder({ settings, environment, workingDirectory, terminationLog }: PodFacts): JobOrder {
  const { jobId, attempt, since, restPort } = environment;
  const module = moduleOf(settings, environment);
  return {
    ...orderedBySettings(settings, { module, workingDirectory, since }),
    jobId,
    attempt,
    storageUri: settings.storageUri,
    highAvailability: haPlaceOf(settings, environment),
    ...(environment.restoreFrom === undefined ? {} : { restoreFrom: environment.restoreFrom }),
    terminationLog,
    rest: { host: listeningHost(environment), port: restPort },
  };
}

/** All addresses of the pod, in the family that its own is of. */
export function listeningHost({ podIp }: Pick<PodEnvironment, 'podIp'>): string {
  return podIp.includes(':') ? '::' : '0.0.0.0';
}

/** What others reach the pod by. */
export function podUrl({ podIp, restPort }: Pick<PodEnvironment, 'podIp' | 'restPort'>): string {
  return httpUrl(podIp, restPort);
}

function moduleOf({ source, name }: FlinkJobSettings, { sourceFile }: PodEnvironment): JobModule {
  switch (source?.kind) {
    case 'module':
      return { kind: 'file', path: source.module };
    case 'inline':
      return { kind: 'inline', source: source.source };
    case 'configMap':
      if (sourceFile !== undefined) return { kind: 'file', path: sourceFile };
      throw new InvalidJobError(
        'POD_ENVIRONMENT_INVALID',
        `job ${name} takes its program from ConfigMap ${source.name}, and this pod has no file of it.`,
      );
    case undefined:
      throw new InvalidJobError(
        'POD_ENVIRONMENT_INVALID',
        `job ${name} has no spec.typescript: its pods are those of Apache Flink.`,
      );
    default:
      return assertNever(source);
  }
}

function haPlaceOf({ namespace, name, highAvailability }: FlinkJobSettings, { podUid }: PodEnvironment): HaPlace {
  const { backend, zookeeper } = highAvailability;
  switch (backend) {
    case 'Kubernetes':
      return { backend, namespace, job: name, podUid };
    case 'ZooKeeper':
      if (zookeeper !== undefined) return { backend, ...zookeeper, cluster: `${namespace}/${name}` };
      break;
    case 'Embedded':
      break;
    default:
      return assertNever(backend);
  }
  throw new InvalidJobError(
    'POD_ENVIRONMENT_INVALID',
    `job ${name} has spec.highAvailability.backend ${backend}, which no pod can use. Write Kubernetes, or ZooKeeper with its quorum.`,
  );
}
