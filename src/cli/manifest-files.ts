/** Reads manifests as they are named on a command line: files, directories and standard input. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { messageOf } from '../lib/errors.ts';
import type { CliIo } from './command.ts';

/** One text, or why it could not be read. */
export type ManifestFile = { readonly name: string } & ({ readonly text: string } | { readonly error: string });

/**
 * The texts of all files, in the order given; those of a directory (by default `*.yaml`, `*.yml`, at any depth, hidden
 * folders and node_modules left out) sorted by name. Nothing larger than `maxBytes` is held.
 */
export async function* manifestFiles(
  names: readonly string[],
  maxBytes: number,
  io: CliIo,
  inDirectories = /\.ya?ml$/,
): AsyncGenerator<ManifestFile> {
  for (const name of names) {
    if (name === '-') yield await readInput(maxBytes, io);
    else yield* readPath(name, maxBytes, io.cwd, inDirectories);
  }
}

async function* readPath(name: string, maxBytes: number, cwd: string, wanted: RegExp): AsyncGenerator<ManifestFile> {
  const path = isAbsolute(name) ? name : resolve(cwd, name);
  try {
    if (!(await stat(path)).isDirectory()) {
      yield await readOne(name, path, maxBytes);
      return;
    }
    for (const file of await manifestsBelow(path, wanted))
      yield await readOne(join(name, file), join(path, file), maxBytes);
  } catch (error) {
    yield { name, error: problemOf(error) };
  }
}

async function manifestsBelow(directory: string, wanted: RegExp): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    if (entry.isDirectory()) {
      const below = await manifestsBelow(join(directory, entry.name), wanted);
      files.push(...below.map((file) => join(entry.name, file)));
    } else if (wanted.test(entry.name)) files.push(entry.name);
  }
  return files.sort();
}

async function readOne(name: string, path: string, maxBytes: number): Promise<ManifestFile> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes) return { name, error: tooLarge(maxBytes) };
    return textOf(name, await readFile(path));
  } catch (error) {
    return { name, error: problemOf(error) };
  }
}

async function readInput(maxBytes: number, io: CliIo): Promise<ManifestFile> {
  const name = 'standard input';
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of io.stdin) {
    chunks.push(Buffer.from(chunk as Uint8Array));
    size += chunk.length;
    if (size > maxBytes) return { name, error: tooLarge(maxBytes) };
  }
  return textOf(name, Buffer.concat(chunks));
}

/** Without a byte order mark, which some editors and shells put first. */
function textOf(name: string, bytes: Uint8Array): ManifestFile {
  try {
    return { name, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { name, error: 'it is not in UTF-8. Save it so.' };
  }
}

function tooLarge(maxBytes: number): string {
  return `the input is larger than ${maxBytes} bytes. Split it into several files.`;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory. Check the path.',
  EACCES: 'permission is denied. Make it readable.',
  EISDIR: 'it is a directory.',
};

function problemOf(error: unknown): string {
  return PROBLEMS[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error);
}
