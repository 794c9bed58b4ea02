import { expect, test } from 'vitest';
import { executionPlanStore } from '../../src/ha/execution-plan-store.ts';
import {
  AlreadyExistException,
  type ExecutionPlan,
  executionPlanKey,
  NotExistException,
  PossibleInconsistentStateException,
  type StateHandleStore,
  StringResourceVersion,
} from '../../src/ha/index.ts';
import { IOException } from '../../src/lib/java-errors.ts';

const JOB = '0123456789abcdef0123456789abcdef';
const KEY = executionPlanKey(JOB);
const plan: ExecutionPlan = { jobId: JOB };

/** A store of which only what the test names can be called; the calls are kept. */
async function aStore(parts: Partial<StateHandleStore<ExecutionPlan>>) {
  const calls: unknown[][] = [];
  const recorded = Object.fromEntries(
    Object.entries(parts).map(([name, call]) => [
      name,
      (...given: unknown[]) => {
        calls.push([name, ...given]);
        return (call as (...given: unknown[]) => unknown)(...given);
      },
    ]),
  );
  const warnings: string[] = [];
  const handles = recorded as unknown as StateHandleStore<ExecutionPlan>;
  const store = executionPlanStore(handles, (message) => warnings.push(message));
  await store.start();
  return { store, calls, warnings };
}

const absent = async () => StringResourceVersion.notExisting();
const isThere = async () => StringResourceVersion.valueOf('3.14');
const nothing = async () => {};
const handleOf = (state: () => Promise<ExecutionPlan>) => ({ retrieveState: state }) as never;

test('a plan that cannot be read is let go of, and the error names it', async () => {
  const { store, calls } = await aStore({
    getAndLock: async () => handleOf(() => Promise.reject(new IOException('bytes have changed'))),
    release: nothing,
  });
  await expect(store.recoverExecutionPlan(JOB)).rejects.toThrow(
    /^Could not retrieve submitted ExecutionPlan from state handle under executionPlan-.*bytes have changed/,
  );
  expect(calls).toEqual([
    ['getAndLock', KEY],
    ['release', KEY],
  ]);
});

test('a plan is replaced at the version that was seen', async () => {
  const version = await isThere();
  const { store, calls } = await aStore({
    getAndLock: async () => handleOf(async () => plan),
    exists: async () => version,
    replace: nothing,
  });
  await store.recoverExecutionPlan(JOB);
  await store.putExecutionPlan(plan);
  expect(calls.at(-1)).toEqual(['replace', KEY, version, plan]);
});

test('a plan that somebody adds or removes meanwhile is looked for again, and said', async () => {
  const answers = [absent, isThere, absent];
  const failures = [new AlreadyExistException(KEY, 'x'), undefined];
  const { store, calls, warnings } = await aStore({
    getAndLock: async () => handleOf(async () => plan),
    exists: () => (answers.shift() ?? absent)(),
    addAndLock: async () => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return undefined as never;
    },
    replace: () => Promise.reject(new NotExistException('gone')),
  });
  await store.recoverExecutionPlan(JOB);
  await store.putExecutionPlan(plan);
  expect(calls.map(([name]) => name)).toEqual([
    'getAndLock',
    'exists',
    'addAndLock',
    'exists',
    'replace',
    'exists',
    'addAndLock',
  ]);
  expect(warnings).toHaveLength(2);
});

test('a plan that changes all the time is given up', async () => {
  const { store, calls } = await aStore({
    exists: absent,
    addAndLock: () => Promise.reject(new AlreadyExistException(KEY, 'x')),
  });
  await expect(store.putExecutionPlan(plan)).rejects.toThrow('changes all the time');
  expect(calls).toHaveLength(20);
});

test('an outcome that stays unknown reaches the caller, and is not tried again', async () => {
  const { store, calls } = await aStore({
    exists: absent,
    addAndLock: () => Promise.reject(new PossibleInconsistentStateException(KEY, 'x', undefined)),
  });
  await expect(store.putExecutionPlan(plan)).rejects.toThrow(PossibleInconsistentStateException);
  expect(calls).toHaveLength(2);
});

test('a removal that another process or another leader stops is an error; the plan stays known', async () => {
  const answers = [false, true];
  const { store } = await aStore({ releaseAndTryRemove: async () => answers.shift() ?? false });
  await expect(store.globalCleanup(JOB)).rejects.toThrow(`Could not remove job graph with job id ${JOB}`);
  await store.globalCleanup(JOB);
});

test('names that are no jobs are passed over, and said', async () => {
  const { store, warnings } = await aStore({ getAllHandles: async () => [KEY, 'executionPlan-nonsense'] });
  expect(await store.getJobIds()).toEqual([JOB]);
  expect(warnings).toEqual([expect.stringContaining('executionPlan-nonsense')]);
});

test('stopping lets go of everything', async () => {
  const { store, calls } = await aStore({ releaseAll: nothing });
  await store.stop();
  expect(calls).toEqual([['releaseAll']]);
});
