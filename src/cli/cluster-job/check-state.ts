/**
 * Holds the newest state of a job on a cluster against the program of a manifest, for `plan`: the state as the job's leader
 * tells it, the program from where it can be had. Both may be out of reach; then that is the answer.
 */
import { type FlinkJob, resolveFlinkJob, type StateCheck } from '../../api/index.ts';
import { CONFIG_MAPS, type FlinkJobObject } from '../../kube/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import { FlinkJobError } from '../../lib/errors.ts';
import { checkJobModule, type JobModule, outlineFrom, type StateOutline } from '../../stream/index.ts';
import { checkProgram } from '../program-check/check-program.ts';
import { type ClusterJob, PATIENCE_MS } from './open-cluster.ts';
import { inRestWords, restClient } from './rest-proxy.ts';

/** What is to be checked. */
export interface StateCheckFacts {
  readonly wanted: FlinkJob;
  /** The job as it is there. */
  readonly there: FlinkJobObject;
  /** Relative paths of the manifest begin here. */
  readonly directory: string;
  /** Whether the program may be run for it. */
  readonly mayRun: boolean;
}

/** What came of it. @throws what is no fault of cluster, job or program */
export async function checkState(where: ClusterJob, facts: StateCheckFacts): Promise<StateCheck> {
  try {
    const program = await programOf(where, facts);
    if ('why' in program) return { is: 'notChecked', why: program.why };
    const state = await stateOf(where, facts.there);
    return 'why' in state ? { is: 'notChecked', why: state.why } : await held(where, facts, program, state);
  } catch (error) {
    const said = inRestWords(error, where);
    if (!(said instanceof FlinkJobError)) throw error;
    return { is: 'notChecked', why: sentencePart(said.message) };
  }
}

interface Unknown {
  readonly why: string;
}

interface Program {
  readonly module: JobModule;
  /** For people, at the beginning of a sentence. */
  readonly name: string;
}

interface State {
  readonly jobId: string;
  readonly location: string;
  readonly outline: StateOutline;
}

async function programOf(
  where: ClusterJob,
  { wanted, directory, mayRun }: StateCheckFacts,
): Promise<Program | Unknown> {
  if (!mayRun) return { why: '--no-run was given, and only the program knows its uids and states' };
  const { source, name } = resolveFlinkJob(wanted);
  switch (source?.kind) {
    case 'inline':
      return { module: { kind: 'inline', source: source.source }, name: 'The inline source' };
    case 'module':
      return moduleBeside(source.module, directory);
    case 'configMap':
      return sourceInConfigMap(where, source);
    case undefined:
      return { why: `job ${name} has no TypeScript program` };
    default:
      return assertNever(source);
  }
}

/** The file that the image has, if it also lies here. */
function moduleBeside(path: string, directory: string): Program | Unknown {
  const module: JobModule = { kind: 'file', path };
  try {
    checkJobModule(module, directory);
    return { module, name: `The program ${path} beside the manifest (what is in the image may be another)` };
  } catch (error) {
    if (!(error instanceof FlinkJobError)) throw error;
    return { why: `its program ${path} is in the image; there is no such file in ${directory}` };
  }
}

async function sourceInConfigMap(
  { client, namespace, signal }: ClusterJob,
  { name, key }: { readonly name: string; readonly key: string },
): Promise<Program | Unknown> {
  const map = await client.get(CONFIG_MAPS, { namespace, name }, { signal, deadlineMs: PATIENCE_MS });
  const source = map?.data?.[key];
  if (source === undefined) return { why: `ConfigMap ${name} has no ${key} in namespace ${namespace}` };
  return { module: { kind: 'inline', source }, name: `The source in ConfigMap ${name}, as it is now,` };
}

async function stateOf(where: ClusterJob, there: FlinkJobObject): Promise<State | Unknown> {
  const { jobId, attempt, phase = 'Pending' } = there.status ?? {};
  if (jobId === undefined || (attempt?.leader ?? '') === '') {
    return {
      why: `nobody leads the job (${phase}), and only its leader reads its storage. What does not fit is refused when it starts`,
    };
  }
  const point = await restClient(where).restorePoint(jobId, where.signal);
  if (point === null) return { why: 'no checkpoint of the job is complete yet' };
  const outline = outlineFrom(point);
  const { location } = point as { readonly location?: unknown };
  return outline === undefined || typeof location !== 'string'
    ? { why: 'the job, which runs another version, tells of its checkpoint in a form that is not known here' }
    : { jobId, location, outline };
}

async function held(
  { signal }: ClusterJob,
  { wanted, directory }: StateCheckFacts,
  { module, name: program }: Program,
  { jobId, location, outline }: State,
): Promise<StateCheck> {
  const { args, parallelism, maxParallelism, upgrade, name } = resolveFlinkJob(wanted);
  const answer = await checkProgram(
    {
      module,
      workingDirectory: directory,
      args,
      parallelism,
      ...(maxParallelism === undefined ? {} : { maxParallelism }),
      jobId,
      jobName: name,
      state: outline,
      from: location,
      allowNonRestoredState: upgrade.allowNonRestoredState,
    },
    { signal },
  );
  const against = `${outline.kind} ${outline.checkpointId} in ${location}`;
  switch (answer.is) {
    case 'checked': {
      const { is, ...found } = answer;
      return { is, against, program, ...found };
    }
    case 'invalid': {
      const nothing = { unchecked: [], added: [], dropped: [] };
      return { is: 'checked', against, program, problems: [answer.why], ...nothing };
    }
    case 'notRun':
      return { is: 'notChecked', why: `the program cannot be run here: ${sentencePart(answer.why)}` };
    default:
      return assertNever(answer);
  }
}

/** Without the full stop of its own. */
function sentencePart(text: string): string {
  return text.replace(/[. ]+$/, '');
}
