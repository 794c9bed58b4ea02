/** Writes a generated file, or checks that the one in place is what would be written. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** With `--check` in the arguments, compares and exits with 1 on a difference; else writes. */
export async function renderFile(path: URL, content: string, command: string, args: readonly string[]): Promise<void> {
  const name = path.pathname.split('/').slice(-2).join('/');
  if (!args.includes('--check')) {
    await mkdir(dirname(path.pathname), { recursive: true });
    await writeFile(path, content);
    console.log(`wrote ${name} (${Buffer.byteLength(content)} bytes)`);
    return;
  }
  const present = await readFile(path, 'utf8').catch(() => '');
  if (present === content) {
    console.log(`${name} is current`);
    return;
  }
  console.error(`${name} differs from what its source says; run: node ${command}`);
  process.exitCode = 1;
}
