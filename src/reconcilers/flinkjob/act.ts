/**
 * Carries out one step. Every write is such that doing it twice does no harm: names are deterministic, deletions carry the
 * uid of what was meant, changes of the ledger are tested against the version they were computed from.
 */
import { API_GROUP, FINALIZER, LABELS } from '../../api/index.ts';
import { keyOf, type TrackedClient } from '../../controller/index.ts';
import { beginningOf, isBegunWith, ledgerViewOf, openAttemptOf, supervisorLedger } from '../../ha/index.ts';
import {
  ApiError,
  CONFIG_MAPS,
  CONTROLLER_REVISIONS,
  FLINK_JOBS,
  type KubeObject,
  LEASES,
  PODS,
  ROLE_BINDINGS,
} from '../../kube/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { jobPod, labelsOf, leaderLease, objectNames, storagePod } from '../../resources/index.ts';
import { childrenOf, objectFacts } from './children.ts';
import { createOwned, isTerminating, saysTerminating } from './create-owned.ts';
import { NameConflictError, ReconcileError } from './errors.ts';
import { type FlinkJobFacts, isOf, livePods, type RevisionOnRecord } from './facts.ts';
import type { JobRest } from './job-rest.ts';
import type { JobMemory } from './memory.ts';
import { addressOf, type DoneAlready, handlesOf, openOf } from './observe.ts';
import { podSeen, storagePodSeen } from './pod-seen.ts';
import { controllerRevision } from './revisions.ts';
import type { Step } from './step.ts';

/** What a step is carried out with: of one reconcile. */
export interface Acting {
  readonly client: TrackedClient;
  readonly memory: JobMemory;
  readonly done: DoneAlready;
  readonly rest: JobRest;
  readonly clock: Clock;
  readonly random: () => number;
}

/** `again`: look and decide anew at once; so after `refused`, as nothing was done. `wait`: it shows in a copy, and that wakes the key. */
export type Acted = 'again' | 'refused' | 'wait';

/** Who writes, in `flinkjob.dev/writer`. */
const WRITER = 'operator';
const LEDGER_RETRIES = 3;

export async function act(step: Exclude<Step, { do: 'rest' }>, facts: FlinkJobFacts, acting: Acting): Promise<Acted> {
  const { client, memory, done } = acting;
  const { object } = facts;
  const ref = { namespace: object.namespace, name: object.name };
  switch (step.do) {
    case 'addFinalizer':
      await begun(step, facts, acting);
      return 'again';
    case 'removeFinalizer':
      await changeFinalizers(facts, client, 'remove');
      return 'wait';
    case 'deleteJob':
      await client.delete(FLINK_JOBS, ref, { preconditions: { uid: object.uid } });
      return 'wait';
    case 'recordRevision':
      await recordRevision(step.revision, facts, acting);
      return 'again';
    case 'deleteRevisions':
      await deleteRevisions(step.names, facts, client);
      return 'wait';
    case 'createHandles':
      return createHandles(step, facts, acting);
    case 'deleteHandles':
      await deleteHandles(step.uid, facts, acting);
      return 'again';
    case 'writeLedger':
      return writeLedger(step, facts, acting);
    case 'makeChildren':
      await makeChildren(step.names, facts, acting);
      return 'again';
    case 'deleteChildren':
      await Promise.all(
        step.children.map(async ({ kind, ref: child, uid, name }) => {
          await client.delete(kind, child, { preconditions: { uid } });
          done.children.add(name);
        }),
      );
      return 'again';
    case 'freeLease':
      await freeLease(step.attempt, facts, client);
      memory.leaseFreedOf = step.mark;
      return 'again';
    case 'makePods':
      await Promise.all(step.indexes.map((index) => makePod(step.attempt, index, facts, acting)));
      return 'again';
    case 'deletePods':
      await deletePods(step, facts, acting);
      return 'again';
    case 'forcePods':
      for (const pod of step.pods) {
        const options = { preconditions: { uid: pod.uid }, gracePeriodSeconds: 0 };
        await client.delete(PODS, { ...ref, name: pod.name }, options);
        done.pods.set(pod.uid, { ...pod, isForced: true });
      }
      return 'again';
    case 'probeNamespace':
      memory.isNamespaceTerminating = await isTerminating(object, client);
      return 'again';
    case 'workInStorage':
      await workInStorage(step, facts, acting);
      return 'again';
    case 'endStorageWork': {
      const { pod } = step;
      await client.delete(PODS, { ...ref, name: pod.name }, { preconditions: { uid: pod.uid } });
      done.storagePod = { ...pod, isDeleting: true };
      return 'again';
    }
    case 'stopWithSavepoint':
    case 'takeSavepoint':
      return begin(step, facts, acting);
    default:
      return assertNever(step);
  }
}

/** Two writes at a time; when one of them fails, the other one has ended as well. */
async function begun(
  { revision }: Extract<Step, { do: 'addFinalizer' }>,
  facts: FlinkJobFacts,
  acting: Acting,
): Promise<void> {
  const recording = revision === undefined ? undefined : recordRevision(revision, facts, acting);
  const [changed, recorded] = await Promise.allSettled([changeFinalizers(facts, acting.client, 'add'), recording]);
  if (changed.status === 'rejected') throw changed.reason;
  acting.done.resourceVersion = changed.value;
  acting.done.hasFinalizer = true;
  if (recorded.status === 'rejected') throw recorded.reason;
}

async function recordRevision(
  revision: RevisionOnRecord,
  { object }: FlinkJobFacts,
  { client, done }: Acting,
): Promise<void> {
  await createOwned(client, CONTROLLER_REVISIONS, controllerRevision(object, revision), object.uid);
  done.revisions.set(revision.name, revision);
}

/**
 * Nobody else's finalizers are touched: the patch is refused when the resource is not the version it was computed from.
 * @returns the version that it is now
 */
async function changeFinalizers(
  { object }: FlinkJobFacts,
  client: TrackedClient,
  how: 'add' | 'remove',
): Promise<string | undefined> {
  const { namespace, name, uid, resourceVersion } = object;
  const others = object.finalizers.filter((each) => each !== FINALIZER);
  const finalizers = how === 'add' ? [...others, FINALIZER] : others;
  const patch = { metadata: { finalizers, resourceVersion, uid } };
  const { metadata } = await client.mergePatch(FLINK_JOBS, { namespace, name }, patch);
  return metadata?.resourceVersion;
}

async function deleteRevisions(
  names: readonly string[],
  { object, revisions }: FlinkJobFacts,
  client: TrackedClient,
): Promise<void> {
  const { namespace } = object;
  for (const name of names) {
    const uid = revisions.get(name)?.uid;
    // One that was recorded just now is not deleted in the same breath.
    if (uid !== undefined) await client.delete(CONTROLLER_REVISIONS, { namespace, name }, { preconditions: { uid } });
  }
}

async function createHandles(
  step: Extract<Step, { do: 'createHandles' }>,
  facts: FlinkJobFacts,
  acting: Acting,
): Promise<Acted> {
  const { memory } = acting;
  const backend = backendOf(facts, acting);
  // Whoever made it, what comes back is what there is now.
  const beginning = beginningOf(step.ledger, step.epoch, WRITER);
  const snapshot = await backend.begin(beginning);
  memory.learnt({ is: 'there', view: ledgerViewOf(snapshot, backend.name) });
  return isBegunWith(snapshot, beginning) ? 'again' : 'refused';
}

async function deleteHandles(uid: string, facts: FlinkJobFacts, acting: Acting): Promise<void> {
  const backend = backendOf(facts, acting);
  const { client, signal } = acting.client.untracked;
  const { namespace, name } = facts.object;
  // One that cannot be read tells no uid either; deleting the FlinkJob means it all the same.
  const ref = { namespace, name: objectNames(name).handles };
  const meant = uid === '' ? oursOf(await client.get(CONFIG_MAPS, ref, { signal })) : uid;
  if (meant !== undefined) await backend.remove(meant);
  acting.memory.learnt({ is: 'absent' });
}

/** The uid of an object that bears a mark of ours. One without any is somebody else's, who came before the job to its name. */
function oursOf(object: KubeObject | undefined): string | undefined {
  const { uid, labels, annotations } = object?.metadata ?? {};
  return Object.keys({ ...labels, ...annotations }).some((key) => key.startsWith(`${API_GROUP}/`)) ? uid : undefined;
}

async function writeLedger(
  { ledger, above }: Pick<Extract<Step, { do: 'writeLedger' }>, 'ledger' | 'above'>,
  facts: FlinkJobFacts,
  acting: Acting,
): Promise<Acted> {
  const { memory } = acting;
  const { handles } = facts;
  if (handles.is !== 'there' && handles.is !== 'old') return 'again';
  const ledgers = ledgersOf(facts, acting);
  const written = await (above === undefined
    ? ledgers.write(handles.view, ledger, WRITER)
    : ledgers.startOver(handles.view, ledger, { writer: WRITER, above }));
  switch (written.outcome) {
    case 'done':
      memory.learnt({ is: 'there', view: written.view });
      return 'again';
    case 'notDone':
      memory.handles = undefined;
      // Another write came first: it is looked at, and decided anew; never is the same sent again.
      if (written.reason === 'moved' || written.reason === 'missing') return 'refused';
      throw new ReconcileError(
        'LEDGER_REFUSED',
        `the ledger in ConfigMap ${facts.object.name}-ha was not written: ${whyNotWritten(written)}`,
        written.cause,
        written.reason === 'tooLarge' ? 'StateTooLarge' : undefined,
      );
    case 'unknown':
      memory.handles = undefined;
      throw new ReconcileError(
        'LEDGER_UNKNOWN',
        `it is not known whether the ledger in ConfigMap ${facts.object.name}-ha was written; it is read again`,
        written.cause,
      );
    default:
      return assertNever(written);
  }
}

/** In the server's words, where it has said some. */
function whyNotWritten({ reason, cause }: { readonly reason: string; readonly cause?: unknown }): string {
  return cause === undefined ? reason : messageOf(cause);
}

async function makeChildren(names: readonly string[], facts: FlinkJobFacts, acting: Acting): Promise<void> {
  const { client, done } = acting;
  const revisionFacts = revisionFactsOf(facts);
  if (revisionFacts === undefined) return;
  const wanted = childrenOf(revisionFacts, facts.settings.network).filter(({ name }) => names.includes(name));
  // Binding a Role that is not there yet takes a right that the operator does not have.
  const bindings = wanted.filter(({ kind }) => kind === ROLE_BINDINGS);
  const others = wanted.filter(({ kind }) => kind !== ROLE_BINDINGS);
  for (const children of [others, bindings]) {
    await Promise.all(
      children.map(async ({ kind, manifest, name }) => {
        const { wasThere } = await createOwned(client, kind, manifest as KubeObject, facts.object.uid);
        if (wasThere) await client.apply(kind, manifest as KubeObject, { force: true });
        done.children.add(name);
      }),
    );
  }
}

async function makePod(attempt: number, index: number, facts: FlinkJobFacts, acting: Acting): Promise<void> {
  const revisionFacts = revisionFactsOf(facts);
  if (revisionFacts === undefined) return;
  const { client, memory, done, clock } = acting;
  const pod = jobPod({ ...revisionFacts, attempt, index });
  const { object } = await createOwned(client, PODS, pod as KubeObject, facts.object.uid);
  memory.madePod(attempt, index);
  const seen = podSeen(object, clock.now());
  if (seen !== undefined) done.pods.set(seen.uid, seen);
}

/** A pod that the server will not have is no failure: it is remembered, and decided about. */
async function workInStorage(
  { order, revision, life, deadlineSeconds }: Extract<Step, { do: 'workInStorage' }>,
  { object, desired }: FlinkJobFacts,
  { client, memory, done, clock }: Acting,
): Promise<void> {
  const tried = { times: (memory.storageTries?.times ?? 0) + 1, at: clock.now() };
  memory.storageTries = tried;
  const pod = storagePod({ ...objectFacts(object, desired, revision, life), order, deadlineSeconds });
  try {
    const made = await createOwned(client, PODS, pod as KubeObject, object.uid);
    done.storagePod = storagePodSeen(made.object);
  } catch (error) {
    if (saysTerminating(error)) throw error;
    const isRefused = error instanceof ApiError && (error.isForbidden || error.isInvalid);
    if (!isRefused && !(error instanceof NameConflictError)) throw error;
    memory.storageTries = { ...tried, refused: messageOf(error) };
  }
}

async function deletePods(
  { attempts, pods }: Extract<Step, { do: 'deletePods' }>,
  { object }: FlinkJobFacts,
  { client, done }: Acting,
): Promise<void> {
  const { namespace, uid } = object;
  if (attempts.length === 0 || pods.length === 1 || pods.some(({ isMislabelled }) => isMislabelled)) {
    await Promise.all(
      pods.map((pod) => client.delete(PODS, { namespace, name: pod.name }, { preconditions: { uid: pod.uid } })),
    );
  } else {
    // A collection takes no uid as a precondition. These labels name as surely who is meant: of this FlinkJob, of attempts
    // that are over and whose numbers never come again, so that one that arrives late finds nothing else.
    const which = `${LABELS.jobUid}=${uid},${LABELS.attempt} in (${attempts.join(',')})`;
    const keys = pods.map((pod) => keyOf({ namespace, name: pod.name }));
    await client.deleteCollection(PODS, { namespace, labelSelector: which }, keys);
  }
  for (const pod of pods) done.pods.set(pod.uid, { ...pod, isDeleting: true });
}

/**
 * Makes the Lease, or empties it where a pod that is gone holds it: whoever stands by need not wait until it runs out. The
 * patch is tested against the holder, so that one who took it meanwhile keeps it.
 */
async function freeLease(attempt: number, facts: FlinkJobFacts, client: TrackedClient): Promise<void> {
  const revisionFacts = revisionFactsOf(facts);
  if (revisionFacts === undefined) return;
  const { object, pods } = facts;
  const ref = { namespace: object.namespace, name: objectNames(object.name).lease };
  if (attempt === 1 && pods.length === 0) {
    const { wasThere } = await createOwned(client, LEASES, leaderLease(revisionFacts) as KubeObject, object.uid);
    if (!wasThere) return;
  }
  const lease = await client.get(LEASES, ref);
  if (lease === undefined) {
    await createOwned(client, LEASES, leaderLease(revisionFacts) as KubeObject, object.uid);
    return;
  }
  const holder = lease.spec?.holderIdentity ?? '';
  if (holder === '' || livePods(pods, attempt).some((pod) => isOf(pod, holder))) return;
  const path = '/spec/holderIdentity';
  await client
    .jsonPatch(LEASES, ref, [
      { op: 'test', path, value: holder },
      { op: 'replace', path, value: '' },
    ])
    .catch((error: unknown) => {
      // Somebody else holds it by now, which is all that was wanted.
      if (!(error instanceof ApiError) || !(error.isInvalid || error.isNotFound)) throw error;
    });
}

async function begin(
  step: Extract<Step, { do: 'stopWithSavepoint' | 'takeSavepoint' }>,
  facts: FlinkJobFacts,
  { rest, memory, client }: Acting,
): Promise<Acted> {
  const open = openOf(facts.handles);
  const address = open === undefined ? undefined : addressOf(open.number, facts.pods, facts.handles);
  if (address === undefined) return 'wait';
  const what = step.do === 'stopWithSavepoint' ? 'stop' : 'savepoint';
  memory.operation = await rest.begin(what, address, step.triggerId, memory.operation, client.untracked.signal);
  return 'again';
}

function revisionFactsOf({ object, desired, handles, revisions }: FlinkJobFacts) {
  if (handles.is !== 'there') return undefined;
  const { ledger } = handles.view;
  const revision = revisions.get(openAttemptOf(ledger)?.revision ?? '');
  if (revision === undefined || ledger.life === undefined) return undefined;
  return objectFacts(object, desired, revision, ledger.life);
}

/** The ConfigMap is nobody's child, and bears no label by which it would be watched. */
function backendOf({ object }: FlinkJobFacts, { client }: Acting) {
  const { [LABELS.managedBy]: _, ...labels } = labelsOf(object);
  return handlesOf({ ...client.untracked, namespace: object.namespace, name: object.name, labels });
}

function ledgersOf(facts: FlinkJobFacts, acting: Acting) {
  const { clock, random } = acting;
  return supervisorLedger({
    backend: backendOf(facts, acting),
    patience: { clock, random, retries: LEDGER_RETRIES },
  });
}
