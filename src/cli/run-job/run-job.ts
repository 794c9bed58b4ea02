/**
 * Runs the process of one pod: reads what the pod was told, opens the door, contends, runs the job when it leads. A pod that is
 * there for work in the storage does that instead.
 */

import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import {
  type FlinkJobSettings,
  InvalidFlinkJobError,
  POD_VARIABLES,
  parseFlinkJob,
  resolveFlinkJob,
} from '../../api/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { encodeTerminationRecord, JOB_EXIT } from '../../lib/exit-codes.ts';
import type { Logger } from '../../lib/logger.ts';
import { InvalidJobError, importJob, openDoor } from '../../stream/index.ts';
import type { JobOrder } from '../job-process/job-order.ts';
import { runJobProcess } from '../job-process/job-process.ts';
import { type PodEnvironment, readPodEnvironment, terminationLogIn } from './pod-environment.ts';
import { podLog } from './pod-log.ts';
import { listeningHost, podOrder, podUrl } from './pod-order.ts';
import { Standby } from './standby.ts';
import { runStorageWork } from './storage-work.ts';

export interface PodPorts {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Aborted by SIGTERM. */
  readonly stop: AbortSignal;
  readonly log: Logger;
}

/** Runs a pod to its end and returns its exit code. Never throws. */
export async function runPod(ports: PodPorts): Promise<number> {
  const { variables, stop, log } = ports;
  const terminationLog = terminationLogIn(variables);
  const storageOrder = variables[POD_VARIABLES.storageOrder];
  if (storageOrder !== undefined) {
    return runStorageWork({
      order: storageOrder,
      resourceFile: variables[POD_VARIABLES.resource] ?? '',
      terminationLog,
      stop,
      log,
    });
  }
  let attempt = 0;
  try {
    const environment = readPodEnvironment(variables);
    attempt = environment.attempt;
    const settings = await settingsOf(environment);
    const { workingDirectory } = ports;
    const order = podOrder({ settings, environment, workingDirectory, terminationLog });
    // As in the lines of the operator: one search finds both.
    const named = { ...ports, log: log.with({ job: `${settings.namespace}/${settings.name}` }) };
    return await contend(order, environment, named);
  } catch (error) {
    const isInvalid = error instanceof InvalidJobError || error instanceof InvalidFlinkJobError;
    const exitCode = isInvalid ? JOB_EXIT.invalid : JOB_EXIT.failed;
    const outcome = isInvalid ? 'invalid' : 'failed';
    log.error('the process cannot begin', { cause: messageOf(error) });
    const record = encodeTerminationRecord({ exitCode, outcome, attempt, epoch: 0, cause: messageOf(error) });
    writeFileSync(terminationLog, record);
    return exitCode;
  }
}

async function settingsOf({ resourceFile }: PodEnvironment): Promise<FlinkJobSettings> {
  return resolveFlinkJob(parseFlinkJob(await readFile(resourceFile, 'utf8'), resourceFile));
}

async function contend(order: JobOrder, environment: PodEnvironment, { stop, log }: PodPorts): Promise<number> {
  const standby = new Standby();
  const door = await openDoor({
    host: listeningHost(environment),
    port: environment.restPort,
    clock: systemClock,
    otherwise: standby.handle,
  });
  const tell = podLog(log.with({ attempt: order.attempt }));
  const warn = (message: string, error: unknown): void =>
    tell({ type: 'log', level: 'warn', message, facts: { cause: messageOf(error) } });
  try {
    return await runJobProcess(order, {
      tell: (message) => {
        if (message.type === 'leading') standby.ready();
        tell(message);
      },
      stop,
      door: standby.behind(door, podUrl(environment)),
      standBy: (services) => {
        const retriever = services.getJobManagerLeaderRetriever(order.jobId);
        retriever.start({
          notifyLeaderAddress: (address) => standby.follow(address ?? undefined),
          handleError: (error) => warn('does not see who leads', error),
        });
        load(order).then(
          () => standby.ready(),
          // When this process leads the job fails of it, and says so in its ledger.
          (error: unknown) => warn('the program cannot be loaded', error),
        );
        return () => retriever.stop();
      },
    });
  } finally {
    await door.close();
  }
}

/** Loads the program before it is needed. */
async function load({ program: { module, workingDirectory } }: JobOrder): Promise<void> {
  await importJob(module, workingDirectory);
}
