/** What the linter cannot see: every make target says what it does, files stay one idea long, every room has a front page. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const problems: string[] = [];

/** Longer files are probably two ideas. */
const LONGEST_FILE = 400;

for (const line of readFileSync(join(root, 'Makefile'), 'utf8').split('\n')) {
  const target = /^([a-z0-9-]+):(?!=)/.exec(line)?.[1];
  if (target !== undefined && !line.includes('##')) problems.push(`Makefile: target ${target} has no ## comment`);
}

for (const file of filesBelow('src')) {
  const text = readFileSync(join(root, file), 'utf8');
  const lines = text.split('\n').length;
  if (lines > LONGEST_FILE) problems.push(`${file}: ${lines} lines; at most ${LONGEST_FILE}, split it by idea`);
  if (/\b(TODO|FIXME|XXX)\b/.test(text)) problems.push(`${file}: an unfinished place`);
  if (/\beval\(|new Function\(|from 'node:vm'|rejectUnauthorized: *false/.test(text)) {
    problems.push(`${file}: runs code from text, or does not verify TLS`);
  }
}

for (const folder of foldersBelow('src')) {
  const hasFrontPage = existsSync(join(root, folder, 'README.md')) || opensWithComment(join(root, folder, 'index.ts'));
  if (!hasFrontPage)
    problems.push(`${folder}: no front page; add a README.md, or an index.ts that opens with a comment`);
}

for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? 'lint: nothing to say' : `lint: ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));
}

function foldersBelow(folder: string): string[] {
  return (
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((path) => join(folder, path))
      .filter((path) => statSync(join(root, path)).isDirectory())
      .filter((path) => readdirSync(join(root, path)).some((name) => name.endsWith('.ts')))
      // Drivers below a port (storage/filesystem, ha/embedded) are told of on the port's page.
      .filter((path) => !/^src\/(storage|ha)\/./.test(path))
  );
}

function opensWithComment(file: string): boolean {
  return existsSync(file) && /^(#!.*\n)?\/\*\*/.test(readFileSync(file, 'utf8'));
}
