/** The file of a configuration: its settings, each with the line where it stands. */
import { readFile } from 'node:fs/promises';
import { messageOf } from '../lib/errors.ts';
import { OPERATOR_SETTINGS } from './settings.ts';

/** A value as somebody wrote it. */
export interface Written {
  readonly value: unknown;
  /** For messages: `FLINKJOB_METRICS_PORT`. */
  readonly from: string;
}

/** A value somewhere in the file, with the names that lead to it. */
interface Place {
  readonly path: readonly string[];
  readonly value: unknown;
}

const KEYS = OPERATOR_SETTINGS.map(({ key }) => key);
const GROUPS = KEYS.flatMap((key) => (key.includes('.') ? [key.slice(0, key.indexOf('.'))] : []));

/** Values of the file by the key of their setting. What is no setting is told of without its value: it may be a secret. */
export async function readFromFile(file: string, problems: string[]): Promise<ReadonlyMap<string, Written>> {
  const { nearest, readYaml } = await import('../api/index.ts');
  const content = await contentOf(file, problems);
  const { documents, problems: unreadable } = readYaml(content);
  for (const { line, rule, remedy } of unreadable) problems.push(`${file}, line ${line}: ${rule}. ${remedy}`);
  const [document, second] = documents;
  if (second !== undefined) problems.push(`${file}, line ${second.line}: there is a second document. Keep one`);
  const found = new Map<string, Written>();
  for (const { path, value } of leaves({ path: [], value: document?.value ?? {} })) {
    const key = path.join('.');
    const from = `${file}, line ${document?.locate(path).line ?? 1}`;
    if (KEYS.includes(key)) found.set(key, { value, from });
    else problems.push(isGroup(key) ? noMap(key, from) : noSetting(key, from, nearest(key, [...KEYS, ...GROUPS])));
  }
  return found;
}

function noMap(key: string, from: string): string {
  return `${key === '' ? 'the file' : key} (${from}): must be a map of settings. Write e.g. metrics: { port: 8080 }`;
}

function noSetting(key: string, from: string, meant: string | undefined): string {
  const remedy = meant === undefined ? 'Remove it' : `Did you mean ${meant}?`;
  return `${key} (${from}): there is no such setting. ${remedy}`;
}

async function contentOf(file: string, problems: string[]): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    problems.push(`${file} cannot be read (${messageOf(cause)}). Name another with --config, or leave it out`);
    return '';
  }
}

/** Settings, and what stands where settings or groups of them should. Groups without anything in them say nothing. */
function* leaves({ path, value }: Place): Generator<Place> {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isGroup(path.join('.')) || !(isMap || value === null)) yield { path, value };
  else for (const [name, below] of Object.entries(value ?? {})) yield* leaves({ path: [...path, name], value: below });
}

function isGroup(key: string): boolean {
  return key === '' || GROUPS.includes(key);
}
