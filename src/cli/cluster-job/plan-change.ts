/** What `flinkjob plan FILE` does for a cluster: what applying the file would do to the job that is there. */
import {
  type ChangeFacts,
  type FlinkJob,
  KIND,
  type PlannedChange,
  parseFlinkJob,
  plannedChange,
  readYaml,
  takesUpState,
  validateFlinkJob,
  valueAt,
} from '../../api/index.ts';
import { FLINK_JOBS, type FlinkJobObject } from '../../kube/index.ts';
import { type CliIo, EXIT } from '../command.ts';
import { printable } from '../inspect/printable.ts';
import { tableLines } from '../output/table.ts';
import { type OutputFormat, writeResult } from '../output/write-result.ts';
import { readJobFile } from '../run/job-file.ts';
import { appliedSpec } from './applied-spec.ts';
import { checkState } from './check-state.ts';
import type { ClusterOptions } from './cluster-options.ts';
import { PATIENCE_MS, withClusterJob } from './open-cluster.ts';

export interface PlanChangeOptions extends ClusterOptions {
  readonly output: OutputFormat | 'mermaid';
  /** Whether the job's program may be run to learn whether it takes up the state. */
  readonly run: boolean;
}

/** @returns 0; 1 when it would be refused, or cannot be found out. Nothing is written. */
export async function planChange(file: string, options: PlanChangeOptions, io: CliIo): Promise<number> {
  const { text, name: source, directory } = await readJobFile(file, io);
  const inFile = parseFlinkJob(text, source);
  const { name = '', namespace } = inFile.metadata;
  const path = options.namespace === undefined && namespace !== undefined ? `${namespace}/${name}` : name;
  return withClusterJob(path, options, io, async (where) => {
    const { client, namespace: place, name: job, signal } = where;
    const there = await client.get(FLINK_JOBS, { namespace: place, name: job }, { signal, deadlineMs: PATIENCE_MS });
    const { status, ...resource } = there ?? {};
    const live = there === undefined ? undefined : validateFlinkJob(withoutServerFields(resource)).job;
    const { wanted, errors } =
      there === undefined ? { wanted: inFile, errors: [] } : afterApply(inFile, text, there, live);
    const facts: ChangeFacts = { wanted, live, status, refusals: errors };
    const state =
      there !== undefined && takesUpState(facts)
        ? await checkState(where, { wanted, there, directory, mayRun: options.run })
        : undefined;
    const plan = plannedChange({ ...facts, state });
    const { output } = options;
    writeResult(plan, () => linesOf(`${place}/${job}`, plan, io), output === 'mermaid' ? 'text' : output, io);
    return plan.effect === 'refused' ? EXIT.failed : EXIT.ok;
  });
}

/** The job as it would stand on the cluster, and why the server would refuse it. */
function afterApply(inFile: FlinkJob, text: string, there: FlinkJobObject, live: FlinkJob | undefined) {
  const { status } = there;
  const old = live === undefined ? {} : { old: { ...live, ...(status && { status }) } };
  const { job, violations } = validateFlinkJob({ ...inFile, spec: appliedSpec(specIn(text), there) }, old);
  const errors = live === undefined ? [] : violations.filter(({ severity }) => severity === 'error');
  return { wanted: job ?? inFile, errors };
}

/** As it is written, without defaults. */
function specIn(text: string): unknown {
  const values = readYaml(text).documents.map(({ value }) => value);
  return valueAt(
    values.find((value) => valueAt(value, ['kind']) === KIND),
    ['spec'],
  );
}

/** The names alone: what else the server keeps in metadata is not for rules. */
function withoutServerFields(resource: {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}) {
  const { name, namespace } = resource.metadata ?? {};
  return { ...resource, metadata: { name, namespace } };
}

function linesOf(job: string, { effect, words, fields }: PlannedChange, io: CliIo): string[] {
  const rows = fields.map(({ path, change, now, next }) => [path, change, ...shownPair(now, next)]);
  const table = rows.length === 0 ? [] : ['', ...tableLines(['FIELD', 'CHANGE', 'NOW', 'THEN'], rows, io)];
  return [`${job}: ${effect}`, ...words.map(printable), ...table];
}

const MOST_SHOWN = 60;

/** Of two texts of many lines the first line that differs: their beginnings are the same more often than not. */
function shownPair(now: unknown, next: unknown): [string, string] {
  if (typeof now !== 'string' || typeof next !== 'string' || !`${now}${next}`.trim().includes('\n')) {
    return [shown(now), shown(next)];
  }
  const [before, after] = [now.split('\n'), next.split('\n')];
  const at = after.findIndex((line, index) => line !== before[index]);
  const index = at < 0 ? after.length : at;
  const lineOf = (lines: readonly string[]): string => `line ${index + 1}: ${shown((lines[index] ?? '').trim())}`;
  return [lineOf(before), lineOf(after)];
}

function shown(value: unknown): string {
  if (value === undefined) return '-';
  const text = printable(typeof value === 'string' ? value : JSON.stringify(value));
  return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN - 1)}…`;
}
