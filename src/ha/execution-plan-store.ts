/**
 * What is to be run, kept for the next leader. Follows Flink's ExecutionPlanStore (before 2.0 JobGraphStore): a plan that
 * this store has neither recovered nor put is somebody else's, and is not overwritten.
 */

import { messageOf } from '../lib/errors.ts';
import {
  FlinkRuntimeException,
  IllegalStateException,
  IOException,
  NoSuchElementException,
} from '../lib/java-errors.ts';
import { AlreadyExistException, NotExistException } from './errors.ts';
import { executionPlanJobId, executionPlanKey } from './keys.ts';
import type { JsonValue } from './ledger.ts';
import type { StateHandleStore } from './state-handle-store.ts';

/** The plan of a job: its id, and whatever its runtime needs. */
export interface ExecutionPlan {
  readonly jobId: string;
  readonly [field: string]: JsonValue | undefined;
}

/** Told of plans that others add or remove. Backends that do not watch never call it. */
export interface ExecutionPlanListener {
  onAddedExecutionPlan(jobId: string): void;
  onRemovedExecutionPlan(jobId: string): void;
}

export interface ExecutionPlanStore {
  /** Once, before anything else. */
  start(listener?: ExecutionPlanListener): Promise<void>;
  stop(): Promise<void>;
  /** The plan, or undefined when there is none. From then on it is this store's. */
  recoverExecutionPlan(jobId: string): Promise<ExecutionPlan | undefined>;
  putExecutionPlan(plan: ExecutionPlan): Promise<void>;
  /** Writes `resourceRequirements` into the plan; NoSuchElementException when there is none. */
  putJobResourceRequirements(jobId: string, requirements: JsonValue): Promise<void>;
  /** Removes the plan, also one never seen here. */
  globalCleanup(jobId: string): Promise<void>;
  /** Forgets the plan and leaves it to others. */
  localCleanup(jobId: string): Promise<void>;
  getJobIds(): Promise<string[]>;
}

/** Races of put with others that add and remove the same plan, before it gives up. */
const PUT_TRIES = 10;

export function executionPlanStore(
  handles: StateHandleStore<ExecutionPlan>,
  warn: (message: string) => void,
): ExecutionPlanStore {
  const mine = new Set<string>();
  let isRunning = false;

  const demandRunning = (): void => {
    if (!isRunning) throw new IllegalStateException('Not running. Forgot to call start()?');
  };

  const read = async (jobId: string): Promise<ExecutionPlan | undefined> => {
    try {
      return await (await handles.getAndLock(executionPlanKey(jobId))).retrieveState();
    } catch (error) {
      if (error instanceof NotExistException) return undefined;
      await handles.release(executionPlanKey(jobId));
      if (!(error instanceof IOException)) throw error;
      throw new FlinkRuntimeException(
        `Could not retrieve submitted ExecutionPlan from state handle under ${executionPlanKey(jobId)}: ` +
          `${messageOf(error)}. This indicates that the retrieved state handle is broken. ` +
          'Try cleaning the state handle store.',
        { cause: error },
      );
    }
  };

  /** False when another write came in between, so that the names have to be looked at again. */
  const tryPut = async (plan: ExecutionPlan): Promise<boolean> => {
    const key = executionPlanKey(plan.jobId);
    const version = await handles.exists(key);
    try {
      if (!version.isExisting()) await handles.addAndLock(key, plan);
      else if (mine.has(plan.jobId)) await handles.replace(key, version, plan);
      else {
        throw new IllegalStateException(
          "Trying to update a graph you didn't #getAllSubmittedJobGraphs() or #putJobGraph() yourself before.",
        );
      }
    } catch (error) {
      if (!(error instanceof AlreadyExistException) && !(error instanceof NotExistException)) throw error;
      warn(`${key} was changed by somebody else meanwhile: ${messageOf(error)}`);
      return false;
    }
    mine.add(plan.jobId);
    return true;
  };

  const store: ExecutionPlanStore = {
    async start() {
      isRunning = true;
    },

    async stop() {
      isRunning = false;
      mine.clear();
      await handles.releaseAll();
    },

    async recoverExecutionPlan(jobId) {
      demandRunning();
      const plan = await read(jobId);
      if (plan !== undefined) mine.add(jobId);
      return plan;
    },

    async putExecutionPlan(plan) {
      demandRunning();
      for (let tries = 1; !(await tryPut(plan)); tries += 1) {
        if (tries === PUT_TRIES) throw new FlinkRuntimeException(`the plan of job ${plan.jobId} changes all the time`);
      }
    },

    async putJobResourceRequirements(jobId, requirements) {
      const plan = await store.recoverExecutionPlan(jobId);
      if (plan === undefined) throw new NoSuchElementException(`there is no execution plan of job ${jobId}`);
      await store.putExecutionPlan({ ...plan, resourceRequirements: requirements });
    },

    async globalCleanup(jobId) {
      demandRunning();
      if (!(await handles.releaseAndTryRemove(executionPlanKey(jobId)))) {
        throw new FlinkRuntimeException(`Could not remove job graph with job id ${jobId}: this process does not lead.`);
      }
      mine.delete(jobId);
    },

    async localCleanup(jobId) {
      demandRunning();
      mine.delete(jobId);
      await handles.release(executionPlanKey(jobId));
    },

    async getJobIds() {
      demandRunning();
      const jobIds: string[] = [];
      for (const key of await handles.getAllHandles()) {
        const jobId = executionPlanJobId(key);
        if (jobId === undefined) warn(`${key} does not name a job and is passed over`);
        else jobIds.push(jobId);
      }
      return jobIds;
    },
  };
  return store;
}
