/** What `flinkjob plan` does. */
import { resolve } from 'node:path';
import type { FlinkJobSettings } from '../../api/index.ts';
import { FlinkJobError, messageOf } from '../../lib/errors.ts';
import { openStorage } from '../../storage/index.ts';
import {
  buildJob,
  type CheckpointManifest,
  describeManifest,
  directoryOfPointer,
  importJob,
  type Job,
  outlineOf,
  previewRestore,
  readManifest,
} from '../../stream/index.ts';
import { type CliIo, EXIT } from '../command.ts';
import { findLocalJob } from '../local-job/find-local-job.ts';
import { newestRetained } from '../local-job/stored-checkpoints.ts';
import { type OutputFormat, writeResult } from '../output/write-result.ts';
import { type JobFile, jobModuleOf, readJobFile, settingsOf } from '../run/job-file.ts';
import { jobPlan, type PlanFacts, type RestoreFindings } from './job-plan.ts';
import { mermaidLines } from './mermaid.ts';
import { planLines } from './plan-lines.ts';

export interface PlanOptions {
  readonly home: string;
  readonly output: OutputFormat | 'mermaid';
}

/** @returns 0; 1 when the job cannot be planned, or would refuse its state */
export async function showPlan(file: string, { home, output }: PlanOptions, io: CliIo): Promise<number> {
  try {
    const plan = jobPlan(await planFacts(await readJobFile(file, io), resolve(io.cwd, home)));
    if (output === 'mermaid') writeResult(plan, () => mermaidLines(plan), 'text', io);
    else writeResult(plan, () => planLines(plan, io), output, io);
    return plan.restore.from === 'nothing' || plan.restore.fits ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (!(error instanceof FlinkJobError)) throw error;
    io.stderr.write(`error: ${error.message}\n`);
    return EXIT.failed;
  }
}

async function planFacts(file: JobFile, home: string): Promise<PlanFacts> {
  const settings = settingsOf(file);
  const { name, namespace, parallelism, maxParallelism } = settings;
  const job = await importJob(jobModuleOf(settings), file.directory);
  const own = { name, namespace, parallelism, maxParallelismSet: maxParallelism !== undefined };
  const { graph } = await buildJob(job, { args: settings.args, parallelism, maxParallelism });
  const point = await restorePoint(settings, home);
  if ('none' in point) return { ...own, graph, restore: point };
  const restore = await findingsOf(settings, job, point);
  return { ...own, graph: restore.preview.graph, restore };
}

/** What a start would begin from. */
interface StartPoint {
  readonly manifest: CheckpointManifest;
  readonly location: string;
  readonly origin: 'startPoint' | 'latestCheckpoint';
  readonly jobId: string;
}

/** The newest checkpoint on this machine, else what the resource points at: the order of a start. */
async function restorePoint(settings: FlinkJobSettings, home: string): Promise<StartPoint | { readonly none: string }> {
  const local = await findLocalJob(`${settings.namespace}/${settings.name}`, home);
  const newest = local.is === 'notFound' ? undefined : await newestRetained(local.record);
  if (local.is !== 'notFound' && newest !== undefined) {
    return read({ location: newest.location, origin: 'latestCheckpoint', jobId: local.record.home.jobId });
  }
  const { restoreFrom } = settings;
  if (restoreFrom?.startsWith('file://')) {
    return read({ location: directoryOfPointer(restoreFrom), origin: 'startPoint', jobId: '' });
  }
  if (restoreFrom !== undefined) return { none: `${restoreFrom} cannot be read from here; states are not known` };
  return {
    none: `no checkpoint of this job below ${home}; it starts empty, and states are not known before they are stored`,
  };
}

async function read(where: Omit<StartPoint, 'manifest'>): Promise<StartPoint | { readonly none: string }> {
  try {
    return { ...where, manifest: await readManifest(openStorage(where.location), '') };
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'CHECKPOINT_CORRUPT') throw error;
    return { none: messageOf(error) };
  }
}

async function findingsOf(settings: FlinkJobSettings, job: Job, point: StartPoint): Promise<RestoreFindings> {
  const { args, parallelism, maxParallelism, name, upgrade } = settings;
  const preview = await previewRestore({
    job,
    program: { args, parallelism, maxParallelism },
    jobId: point.jobId,
    jobName: name,
    state: outlineOf(point.manifest),
    from: point.location,
    origin: point.origin,
    allowNonRestoredState: upgrade.allowNonRestoredState,
  });
  return { location: point.location, description: describeManifest(point.manifest), preview };
}
