/**
 * Loads the job's program: a module that exports a function `job` (or has it as its default export). TypeScript is
 * stripped of its types, not checked. A bare import of `flinkjob` means the running code, wherever the module lies.
 */
import { existsSync, statSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../../lib/errors.ts';
import { type Job, StreamExecutionEnvironment } from '../datastream/environment.ts';
import { JobGraphError } from '../graph/errors.ts';
import { buildJobGraph, type JobGraph } from '../graph/job-graph.ts';
import { InvalidJobError } from './errors.ts';

/** Where the program is: a file, or its source text. */
export type JobModule =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'inline'; readonly source: string };

/** Inline source may have this many bytes. */
export const MAX_INLINE_BYTES = 64 * 1024;

/** Everything that a graph is built from; the same in every thread. */
export interface JobProgram {
  readonly module: JobModule;
  /** Directory against which the module's path is resolved. */
  readonly workingDirectory: string;
  readonly args: readonly string[];
  readonly parallelism: number;
  readonly maxParallelism: number | undefined;
}

export interface LoadedJob {
  readonly graph: JobGraph;
  readonly environment: StreamExecutionEnvironment;
}

/** Imports the program and builds its graph. @throws InvalidJobError, JobGraphError */
export async function loadJob(program: JobProgram): Promise<LoadedJob> {
  const job = await importJob(program.module, program.workingDirectory);
  return buildJob(job, program);
}

/** Runs a program's function and builds the graph; every call gives fresh functions and operators. */
export async function buildJob(
  job: Job,
  settings: Omit<JobProgram, 'module' | 'workingDirectory'>,
): Promise<LoadedJob> {
  const { args, parallelism, maxParallelism } = settings;
  const environment = new StreamExecutionEnvironment({
    args,
    parallelism,
    ...(maxParallelism === undefined ? {} : { maxParallelism }),
  });
  try {
    await job(environment);
  } catch (cause) {
    if (cause instanceof JobGraphError) throw cause;
    throw new InvalidJobError(
      'JOB_PROGRAM_FAILED',
      `the job's program failed while it described the job: ${describe(cause)}`,
      { cause },
    );
  }
  return { environment, graph: buildJobGraph(environment.transformations(), { parallelism, maxParallelism }) };
}

/** Looks whether there is a program to load, without running any of it. @throws InvalidJobError */
export function checkJobModule(module: JobModule, workingDirectory: string): void {
  if (module.kind === 'file') fileUrl(module.path, workingDirectory);
  else inlineUrl(module.source);
}

/** Finds and imports the program's function. @throws InvalidJobError */
export async function importJob(module: JobModule, workingDirectory: string): Promise<Job> {
  resolveFlinkjobToRunningCode();
  const url = module.kind === 'file' ? fileUrl(module.path, workingDirectory) : inlineUrl(module.source);
  const name = module.kind === 'file' ? module.path : 'the inline source';
  let exports: Record<string, unknown>;
  try {
    exports = (await import(url)) as Record<string, unknown>;
  } catch (cause) {
    throw importFailure(name, cause);
  }
  const job = exports['job'] ?? exports['default'];
  if (typeof job === 'function') return job as Job;
  const names = Object.keys(exports);
  throw new InvalidJobError(
    'JOB_NOT_EXPORTED',
    `${name} exports no job (it exports ${names.length === 0 ? 'nothing' : names.join(', ')}). Write: export const job: Job = (env) => { … }`,
  );
}

function fileUrl(path: string, workingDirectory: string): string {
  const file = resolve(workingDirectory, path);
  if (existsSync(file) && statSync(file).isFile()) return pathToFileURL(file).href;
  throw new InvalidJobError(
    'JOB_MODULE_NOT_FOUND',
    `the job module ${file} does not exist. Check spec.typescript.module; relative paths start from ${workingDirectory}.`,
  );
}

/** Inline source runs from a data URL: nothing has to be written, and stack traces say `data:` with line numbers. */
function inlineUrl(source: string): string {
  const bytes = Buffer.byteLength(source);
  if (bytes > MAX_INLINE_BYTES) {
    throw new InvalidJobError(
      'JOB_INLINE_TOO_LARGE',
      `the inline source has ${bytes} bytes; at most ${MAX_INLINE_BYTES} are allowed. Put it into the image or a ConfigMap.`,
    );
  }
  try {
    const stripped = stripTypeScriptTypes(source, { mode: 'strip' });
    return `data:text/javascript;base64,${Buffer.from(stripped).toString('base64')}`;
  } catch (cause) {
    throw importFailure('the inline source', cause);
  }
}

function importFailure(name: string, cause: unknown): InvalidJobError {
  const code = (cause as { code?: string }).code;
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return new InvalidJobError(
      'JOB_MODULE_UNSUPPORTED_SYNTAX',
      `${name} uses TypeScript that stripping types cannot handle: ${describe(cause)}. Enums, namespaces and parameter properties need a build; write a union type, a module or plain fields instead.`,
      { cause },
    );
  }
  return new InvalidJobError(
    'JOB_MODULE_FAILED',
    `${name} could not be loaded: ${describe(cause)}.${remedyOf(cause)}`,
    {
      cause,
    },
  );
}

/** A package that is not there can be installed; for everything else the place says it. */
function remedyOf(cause: unknown): string {
  if ((cause as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') return '';
  const [, name, importer = ''] = /^Cannot find package '([^']+)' imported from (.+)$/.exec(firstLine(cause)) ?? [];
  return name === undefined ? '' : ` Run: npm install ${name} in ${dirname(importer)}`;
}

function describe(cause: unknown): string {
  return `${firstLine(cause)}${placeOf(cause instanceof Error ? (cause.stack ?? '') : '')}`;
}

/** Where it went wrong, in words. A text that is no program has its place in the first line of the trace, before the message. */
function placeOf(stack: string): string {
  const [, file = '', line] = /^([^\n]*):(\d+)\n/.exec(stack) ?? [];
  if (line !== undefined) {
    return file === '' || file.startsWith('data:')
      ? ` (in line ${line})`
      : ` (at ${file.replace('file://', '')}:${line})`;
  }
  const frames = [...stack.matchAll(/\n\s+at .*?\(?((?:file|data):[^\s)]+?:(\d+):\d+)\)?/g)];
  const [, frame, inLine] = frames.find(([, url = '']) => !url.startsWith(OWN_CODE)) ?? [];
  if (frame === undefined) return '';
  return frame.startsWith('data:') ? ` (in line ${inLine})` : ` (at ${frame.replace('file://', '')})`;
}

/** People look for mistakes in their own files, not in ours. */
const OWN_CODE = new URL(import.meta.url.endsWith('.ts') ? '../../' : './', import.meta.url).href;

function firstLine(error: unknown): string {
  return messageOf(error).split('\n', 1)[0] ?? '';
}

let hooked = false;

/** Once per thread: the package's own name leads to the code that is running, so that types and tags are the same ones. */
function resolveFlinkjobToRunningCode(): void {
  if (hooked) return;
  hooked = true;
  const isSource = import.meta.url.endsWith('.ts');
  const entries = new Map([
    ['flinkjob', new URL(isSource ? '../../index.ts' : './index.js', import.meta.url).href],
    ['flinkjob/testing', new URL(isSource ? '../../testing.ts' : './testing.js', import.meta.url).href],
  ]);
  registerHooks({
    resolve(specifier, context, next) {
      const url = entries.get(specifier);
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
    },
  });
}
