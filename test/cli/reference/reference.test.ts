import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { cliDocument } from '../../../src/cli/reference/cli-document.ts';
import { completionScript } from '../../../src/cli/reference/completion-script.ts';
import { declarationsOf } from '../../../src/cli/reference/declarations.ts';
import { flinkjob } from '../fake-io.ts';

test('docs/cli.md is what the declarations say', () => {
  expect(readFileSync('docs/cli.md', 'utf8')).toBe(cliDocument(declarationsOf(COMMANDS)));
});

test('every option that --help shows stands in the document', async () => {
  const document = readFileSync('docs/cli.md', 'utf8');
  for (const { name } of declarationsOf(COMMANDS)) {
    const section = document.split(`## flinkjob ${name}\n`)[1]?.split('\n## ')[0] ?? '';
    const { stdout } = await flinkjob([...name.split(' '), '--help']);
    for (const [, long = ''] of stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)) {
      if (long !== '--help') expect(section, name).toContain(long);
    }
  }
});

/** What bash offers at the end of a line. */
function offered(...words: string[]): string[] {
  const script = completionScript('bash', declarationsOf(COMMANDS));
  const line = words.map((word) => `'${word}'`).join(' ');
  const run = `${script}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _flinkjob; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['--norc', '-c', run], { encoding: 'utf8' }).trim().split('\n');
}

test('bash is offered commands, options, and the values of an option', () => {
  expect(offered('flinkjob', 'sta')).toEqual(['status']);
  expect(offered('flinkjob', 'suspend', '--dr')).toEqual(['--drain']);
  expect(offered('flinkjob', 'plan', '--output', 'm')).toEqual(['mermaid']);
  expect(offered('flinkjob', 'plan', '-o', '')).toEqual(['text', 'json', 'yaml', 'mermaid']);
  expect(offered('flinkjob', 'completion', 'z')).toEqual(['zsh']);
  expect(offered('flinkjob', 'h')).toEqual(['ha']);
  expect(offered('flinkjob', 'ha', 'in')).toEqual(['inspect']);
  expect(offered('flinkjob', 'ha', 'inspect', '-o', 'j')).toEqual(['json']);
});

test('completion is printed for the shells there is one for', async () => {
  expect((await flinkjob(['completion', 'zsh'])).stdout).toMatch(/^autoload -U \+X bashcompinit/);
  expect(await flinkjob(['completion', 'fish'])).toMatchObject({ code: 2, stdout: '' });
});
